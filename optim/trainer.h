// The training loop, written once: epochs, steps, gradient accumulation, learning rates, reports.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "autograd/node.h"
#include "autograd/var.h"
#include "core/error.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace heed {

/// The loss of a batch, and how many examples it is the mean of; of a cross-entropy over padded sequences these
/// are the targets that count (count_targets() of core/tokens.h). A sum over n is given as {sum / n, n}. A Var
/// alone is the loss of one.
struct BatchLoss {
  BatchLoss(Var mean, std::int64_t of = 1) : loss(std::move(mean)), examples(of) {}
  Var loss;
  std::int64_t examples;
};

/// One step of the optimiser. In on_step() the gradients are still there to be looked at.
struct StepReport {
  int epoch = 0;
  std::int64_t step = 0;            ///< counted from 1 over all epochs: optimiser.steps()
  std::int64_t epoch_step = 0;      ///< counted from 1 in this epoch
  std::int64_t examples = 0;        ///< of this step
  std::int64_t epoch_examples = 0;  ///< of this epoch up to this step
  double loss = 0;                  ///< mean over the examples of this step, before the update
  double gradient_norm = 0;         ///< before clipping; when it is not finite the step changed nothing
  double learning_rate = 0;
  bool stop = false;  ///< to be set by on_step(): train() returns after this step, without an EpochReport
};

struct EpochReport {
  int epoch = 0;
  std::int64_t steps = 0;
  std::int64_t examples = 0;
  double loss = 0;    ///< mean over the examples, each before the update that it took part in
  bool stop = false;  ///< to be set by on_epoch(): train() returns after this epoch
};

struct TrainOptions {
  int epochs = 1;          ///< the last epoch
  int first_epoch = 1;     ///< where a resumed training goes on
  double clip_norm = 0;    ///< as in StepOptions
  int batches_a_step = 1;  ///< more than 1: their gradients add up to that of one large batch
  std::optional<Schedule> schedule = {};
  std::function<void(StepReport&)> on_step = {};
  std::function<void(EpochReport&)> on_epoch = {};  ///< for complete epochs
};

/// How a training ended.
struct TrainResult {
  int last_epoch = 0;    ///< the last complete one; first_epoch - 1 when there is none
  double loss = 0;       ///< mean loss of that epoch
  bool stopped = false;  ///< a callback asked for it
};

/// Trains: for every epoch and every batch
///
///   auto [loss, examples] = loss_of(batch);
///   loss.backward();
///   double norm = optimiser.step({.clip_norm = options.clip_norm});
///   on_step(...);
///   optimiser.zero_grad();
///
/// `batches` is a range that can be gone through once an epoch, or a function that returns the range of an
/// epoch, `batches(epoch)`. `loss_of(batch)` returns a BatchLoss or a Var of one element.
///
/// With batches_a_step = k, k batches (fewer at the end of an epoch) make one step. Their gradients are
/// weighted by their examples, so that the step is that of one batch of all these examples.
///
/// Gradients from before are dropped. Throws ConfigError when an epoch has no batch, a batch has no example or
/// batches_a_step < 1, and whatever the functions throw.
template <class Batches, class LossOf>
TrainResult train(Optimizer& optimiser, Batches&& batches, LossOf&& loss_of, const TrainOptions& options = {});

// ---- how it is done
// ----------------------------------------------------------------------------------------------------

namespace training {

/// Batches whose losses and gradients have been added up.
struct Gathered {
  int batches = 0;
  std::int64_t examples = 0;
  double loss = 0;  ///< mean over the examples

  /// The running mean: that of one batch is its loss to the last bit.
  void add(double batch_loss, std::int64_t batch_examples) {
    ++batches;
    examples += batch_examples;
    loss += (batch_loss - loss) * (static_cast<double>(batch_examples) / static_cast<double>(examples));
  }
};

/// Adds the gradients of a batch to grad(): of its mean loss when it makes a step alone, else of the sum over
/// its examples, which the step will divide by all examples.
inline void add_gradients(const BatchLoss& batch, bool alone) {
  if (alone) return batch.loss.backward();
  const Tensor examples =
      Tensor::full(batch.loss.shape(), static_cast<double>(batch.examples), batch.loss.dtype());
  batch.loss.backward({.cotangent = Var(examples)});
}

/// The step that the gathered batches make.
inline StepReport take_step(Optimizer& optimiser, const Gathered& batches, const TrainOptions& options) {
  if (options.schedule) optimiser.set_learning_rate(options.schedule->at(optimiser.steps() + 1));
  const bool alone = options.batches_a_step == 1;
  const double norm = optimiser.step({.clip_norm = options.clip_norm,
                                      .gradient_scale = alone ? 1 : 1 / static_cast<double>(batches.examples)});
  return {.step = optimiser.steps(),
          .examples = batches.examples,
          .loss = batches.loss,
          .gradient_norm = norm,
          .learning_rate = optimiser.learning_rate()};
}

/// One epoch. The report says whether it was stopped.
template <class Range, class LossOf>
EpochReport run_epoch(Optimizer& optimiser, Range&& range, LossOf& loss_of, const TrainOptions& options,
                      int epoch) {
  Gathered all, gathered;
  EpochReport report{.epoch = epoch};
  const auto finish_step = [&] {
    StepReport step = take_step(optimiser, gathered, options);
    gathered = {};
    step.epoch = epoch;
    step.epoch_step = ++report.steps;
    step.epoch_examples = all.examples;
    if (options.on_step) options.on_step(step);
    optimiser.zero_grad();
    report.stop = step.stop;
  };
  for (auto&& batch : range) {
    const BatchLoss batch_loss = loss_of(batch);
    if (batch_loss.examples < 1)
      throw ConfigError({.what = text("train: a batch of ", batch_loss.examples, " examples in epoch ", epoch),
                         .expected = "at least one"});
    const double mean = batch_loss.loss.item();
    add_gradients(batch_loss, options.batches_a_step == 1);
    gathered.add(mean, batch_loss.examples);
    all.add(mean, batch_loss.examples);
    if (gathered.batches == options.batches_a_step) finish_step();
    if (report.stop) return report;
  }
  if (all.batches == 0)
    throw ConfigError({.what = text("train: epoch ", epoch, " has no batches"),
                       .expected = "a range that can be gone through once an epoch"});
  if (gathered.batches > 0) finish_step();
  report.examples = all.examples;
  report.loss = all.loss;
  return report;
}

}  // namespace training

template <class Batches, class LossOf>
TrainResult train(Optimizer& optimiser, Batches&& batches, LossOf&& loss_of, const TrainOptions& options) {
  if (options.batches_a_step < 1)
    throw ConfigError(
        {.what = text("train: batches_a_step is ", options.batches_a_step), .expected = "at least 1"});
  optimiser.zero_grad();
  TrainResult result{.last_epoch = options.first_epoch - 1};
  for (int epoch = options.first_epoch; epoch <= options.epochs; ++epoch) {
    EpochReport report;
    if constexpr (std::is_invocable_v<Batches&, int>) {
      report = training::run_epoch(optimiser, batches(epoch), loss_of, options, epoch);
    } else {
      report = training::run_epoch(optimiser, batches, loss_of, options, epoch);
    }
    result.stopped = report.stop;
    if (result.stopped) break;
    result.last_epoch = epoch;
    result.loss = report.loss;
    if (options.on_epoch) options.on_epoch(report);
    result.stopped = report.stop;
    if (result.stopped) break;
  }
  return result;
}

}  // namespace heed
