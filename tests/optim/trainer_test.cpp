#include "optim/trainer.h"

#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "core/tokens.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Batches = std::vector<Tensor>;  // each [B, 2]

Batches batches_of(std::initializer_list<std::int64_t> sizes) {
  Rng rng(4);
  Batches batches;
  for (const std::int64_t size : sizes) batches.push_back(Tensor::normal({size, 2}, 1, 1, rng, DType::f64));
  return batches;
}

Var start() { return Var::parameter(Tensor::of({0.5, -1.0}, {2}, DType::f64), "w"); }

/// Mean over the batch of the squared distance to w.
BatchLoss distance(const Var& w, const Tensor& batch) {
  const std::int64_t size = batch.extent(0);
  return {sum(square(Var(batch) - w)) / static_cast<double>(size), size};
}

TEST_CASE("train: takes the steps of the loop written out, bit for bit") {
  const Batches batches = batches_of({4, 4, 3});
  Var by_hand = start(), trained = start();
  Adam one({by_hand}, {.learning_rate = 0.1}), other({trained}, {.learning_rate = 0.1});
  std::vector<double> losses, norms;
  for (int epoch = 1; epoch <= 2; ++epoch)
    for (const Tensor& batch : batches) {
      const Var loss = distance(by_hand, batch).loss;
      losses.push_back(loss.item());
      loss.backward();
      norms.push_back(one.step({.clip_norm = 1}));
      one.zero_grad();
    }

  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;
  const TrainResult result =
      train(other, batches, [&](const Tensor& batch) { return distance(trained, batch); },
            {.epochs = 2,
             .clip_norm = 1,
             .on_step = [&](const StepReport& report) { steps.push_back(report); },
             .on_epoch = [&](const EpochReport& report) { epochs.push_back(report); }});

  CHECK(identical(by_hand.value(), trained.value()));
  CHECK_FALSE(trained.grad().defined());
  REQUIRE(steps.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(steps[i].loss == losses[i]);
    CHECK(steps[i].gradient_norm == norms[i]);
    CHECK(steps[i].step == static_cast<std::int64_t>(i) + 1);
    CHECK(steps[i].learning_rate == 0.1);
  }
  CHECK(steps[4].epoch == 2);
  CHECK(steps[4].epoch_step == 2);
  CHECK(steps[5].examples == 3);
  CHECK(steps[5].epoch_examples == 11);
  REQUIRE(epochs.size() == 2);
  CHECK(epochs[1].epoch == 2);
  CHECK(epochs[1].steps == 3);
  CHECK(epochs[1].examples == 11);
  CHECK(epochs[1].loss == Approx((4 * losses[3] + 4 * losses[4] + 3 * losses[5]) / 11).epsilon(1e-14));
  CHECK(result.last_epoch == 2);
  CHECK(result.loss == epochs[1].loss);
  CHECK_FALSE(result.stopped);
}

TEST_CASE("train: gradients of several batches add up to those of one large batch") {
  const Batches small = batches_of({4, 1, 3, 2, 2});
  const auto joined = [&](std::size_t from, std::size_t to) {
    std::vector<double> values;
    for (std::size_t i = from; i < to; ++i)
      for (const double value : small[i].to_vector()) values.push_back(value);
    return Tensor::of(values, {static_cast<std::int64_t>(values.size()) / 2, 2}, DType::f64);
  };
  const Batches large = {joined(0, 3), joined(3, 5)};  // the last step has two batches only
  Var gathered = start(), at_once = start();
  SGD one({gathered}, {.learning_rate = 0.1}), other({at_once}, {.learning_rate = 0.1});
  std::vector<StepReport> steps, large_steps;
  train(one, small, [&](const Tensor& batch) { return distance(gathered, batch); },
        {.epochs = 2, .clip_norm = 3, .batches_a_step = 3, .on_step = [&](const StepReport& report) {
           steps.push_back(report);
         }});
  train(other, large, [&](const Tensor& batch) { return distance(at_once, batch); },
        {.epochs = 2, .clip_norm = 3, .on_step = [&](const StepReport& report) {
           large_steps.push_back(report);
         }});
  CHECK(largest_difference(gathered.value(), at_once.value()) < 1e-14);
  REQUIRE(steps.size() == 4);
  REQUIRE(large_steps.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(steps[i].examples == large_steps[i].examples);
    CHECK(steps[i].loss == Approx(large_steps[i].loss).epsilon(1e-14));
    CHECK(steps[i].gradient_norm == Approx(large_steps[i].gradient_norm).epsilon(1e-13));
  }
}

// ---- sequences of different lengths: x [B, T, 3], and targets [B, T] that are -1 on padding

struct Ragged {
  Tensor x, targets;
};

std::vector<Ragged> ragged_batches() {
  Rng rng(6);
  std::vector<Ragged> batches;
  for (const auto& lengths : std::vector<std::vector<std::int64_t>>{{5, 2}, {1}, {3, 3, 1}, {4, 5}}) {
    const auto batch = static_cast<std::int64_t>(lengths.size());
    std::vector<std::int32_t> ids;
    for (const std::int64_t length : lengths)
      for (int t = 0; t < 5; ++t) ids.push_back(t < length ? static_cast<std::int32_t>(rng.below(4)) : -1);
    batches.push_back({Tensor::normal({batch, 5, 3}, 0, 1, rng, DType::f64), Tensor::of(ids, {batch, 5})});
  }
  return batches;
}

std::vector<Ragged> in_one(const std::vector<Ragged>& batches) {
  std::vector<Tensor> xs, targets;
  for (const Ragged& batch : batches) {
    xs.push_back(batch.x);
    targets.push_back(batch.targets.to(DType::f64));
  }
  return {{concat(xs, 0), concat(targets, 0).to(DType::i32)}};
}

struct AfterOneStep {
  Tensor w;
  StepReport report;
};

// One step on all the batches together.
template <class LossOf>
AfterOneStep one_step(const std::vector<Ragged>& batches, LossOf loss_of) {
  Rng rng(7);
  const Var w = Var::parameter(Tensor::normal({3, 4}, 0, 1, rng, DType::f64), "w");
  Adam optimiser({w}, {.learning_rate = 0.1});  // of which the second step depends on the size of the first
  AfterOneStep after{};
  train(optimiser, batches,
        [&](const Ragged& batch) { return loss_of(matmul(Var(batch.x), w), batch.targets); },
        {.epochs = 2,
         .batches_a_step = static_cast<int>(batches.size()),
         .on_step = [&](const StepReport& report) { after.report = report; }});
  after.w = w.value();
  return after;
}

TEST_CASE(
    "train: batches of sequences of different lengths make the step of one large batch, for each reduction") {
  const std::vector<Ragged> batches = ragged_batches(), large = in_one(batches);
  const auto by_mean = [](const Var& scores, const Tensor& ids) {
    return BatchLoss(cross_entropy(scores, ids), count_targets(ids));
  };
  const auto by_sum = [](const Var& scores, const Tensor& ids) {
    const std::int64_t n = count_targets(ids);
    return BatchLoss(cross_entropy(scores, ids, {.reduction = Reduction::sum}) / static_cast<double>(n), n);
  };
  const auto by_none = [](const Var& scores, const Tensor& ids) {
    const Var losses = cross_entropy(scores, ids, {.reduction = Reduction::none});  // 0 where ignored
    const std::int64_t n = count_targets(ids);
    return BatchLoss(sum(square(losses)) / static_cast<double>(n), n);
  };
  const auto check_equal = [&](const auto& loss_of) {
    const AfterOneStep apart = one_step(batches, loss_of), together = one_step(large, loss_of);
    CHECK(largest_difference(apart.w, together.w) < 1e-13);
    CHECK(apart.report.examples == 24);
    CHECK(together.report.examples == 24);
    CHECK(apart.report.loss == Approx(together.report.loss).epsilon(1e-14));
    CHECK(apart.report.gradient_norm == Approx(together.report.gradient_norm).epsilon(1e-13));
  };
  check_equal(by_mean);
  check_equal(by_sum);
  check_equal(by_none);
  // Weighted by sequences it would be another step.
  const auto by_sequences = [](const Var& scores, const Tensor& ids) {
    return BatchLoss(cross_entropy(scores, ids), ids.extent(0));
  };
  CHECK(largest_difference(one_step(batches, by_sequences).w, one_step(large, by_sequences).w) > 1e-4);
}

TEST_CASE("gradients of summed losses add up to those of the large batch without any weights") {
  const Var w = Var::parameter(Tensor::full({3, 4}, 0.5, DType::f64));
  const auto gradient = [&](const std::vector<Ragged>& batches) {
    for (const Ragged& batch : batches)
      cross_entropy(matmul(Var(batch.x), w), batch.targets, {.reduction = Reduction::sum}).backward();
    const Tensor total = w.grad().value();
    Var(w).zero_grad();
    return total;
  };
  CHECK(largest_difference(gradient(ragged_batches()), gradient(in_one(ragged_batches()))) < 1e-13);
}

TEST_CASE("train: a stop that on_step asks for takes effect after that step, without an epoch report") {
  const Batches batches = batches_of({2, 2, 2});
  Var w = start();
  SGD optimizer({w});
  int epochs = 0, batches_seen = 0;
  const TrainResult result =
      train(optimizer, batches,
            [&](const Tensor& batch) {
              ++batches_seen;
              return distance(w, batch);
            },
            {.epochs = 5,
             .on_step = [&](StepReport& report) { report.stop = report.epoch == 2 && report.epoch_step == 3; },
             .on_epoch = [&](EpochReport&) { ++epochs; }});
  CHECK(result.stopped);
  CHECK(result.last_epoch == 1);
  CHECK(optimizer.steps() == 6);
  CHECK(batches_seen == 6);
  CHECK(epochs == 1);
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("train: a stop that on_epoch asks for counts the epoch") {
  const Batches batches = batches_of({2, 2});
  Var w = start();
  SGD optimizer({w});
  const TrainResult result =
      train(optimizer, batches, [&](const Tensor& batch) { return distance(w, batch); },
            {.epochs = 5, .first_epoch = 3, .on_epoch = [](EpochReport& report) { report.stop = true; }});
  CHECK(result.stopped);
  CHECK(result.last_epoch == 3);
  CHECK(optimizer.steps() == 2);
}

TEST_CASE("train: the schedule sets the rate of every step and goes on where the optimiser is") {
  const Batches batches = batches_of({2, 2});
  Var w = start();
  SGD optimizer({w});
  std::vector<double> rates;
  TrainOptions options{.epochs = 2,
                       .schedule = Schedule([](std::int64_t step) { return 0.1 / static_cast<double>(step); }),
                       .on_step = [&](const StepReport& report) { rates.push_back(report.learning_rate); }};
  const auto loss_of = [&](const Tensor& batch) { return distance(w, batch); };
  train(optimizer, batches, loss_of, options);
  options.epochs = 1;
  train(optimizer, batches, loss_of, options);
  CHECK(rates == std::vector<double>{0.1, 0.1 / 2, 0.1 / 3, 0.1 / 4, 0.1 / 5, 0.1 / 6});
}

TEST_CASE("train: batches may come from a function of the epoch, and a loss may be a plain Var") {
  Var w = start();
  SGD optimizer({w});
  std::vector<std::int64_t> sizes;
  train(
      optimizer,
      [](int epoch) {
        return epoch == 1 ? batches_of({1, 2}) : batches_of({3});
      },
      [&](const Tensor& batch) {
        sizes.push_back(batch.extent(0));
        return distance(w, batch).loss;
      },
      {.epochs = 2});
  CHECK(sizes == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("train: gradients are there in on_step, and those from before are not") {
  const Batches batches = batches_of({2});
  Var w = start();
  SGD optimizer({w});
  w.set_grad(Var(Tensor::full({2}, 1e9, DType::f64)));
  double seen = 0, reported = 0;
  train(optimizer, batches, [&](const Tensor& batch) { return distance(w, batch); },
        {.on_step = [&](const StepReport& report) {
          const std::vector<double> gradient = w.grad().value().to_vector();
          seen = std::hypot(gradient[0], gradient[1]);
          reported = report.gradient_norm;
        }});
  CHECK(seen > 0);
  CHECK(seen < 100);
  CHECK(reported == Approx(seen).epsilon(1e-14));
}

TEST_CASE("train: a loss that is not finite shows in the reports and spoils no parameter") {
  const Batches batches = batches_of({2, 2});
  Var w = start();
  SGD optimizer({w});
  std::vector<double> norms;
  train(optimizer, batches,
        [&](const Tensor& batch) {
          const Var loss = distance(w, batch).loss;
          return norms.empty() ? loss * std::nan("") : loss;
        },
        {.on_step = [&](const StepReport& report) {
          norms.push_back(report.gradient_norm);
          CHECK(identical(w.value(), start().value()) == (report.step == 1));
        }});
  REQUIRE(norms.size() == 2);
  CHECK(std::isnan(norms[0]));
  CHECK(std::isfinite(norms[1]));
}

TEST_CASE("train: settings that make no sense are refused") {
  Var w = start();
  SGD optimizer({w});
  const auto loss_of = [&](const Tensor& batch) { return distance(w, batch); };
  CHECK(thrown<ConfigError>([&] { train(optimizer, Batches{}, loss_of); }) ==
        "ConfigError: train: epoch 1 has no batches\n"
        "  requires a range that can be gone through once an epoch");
  CHECK(thrown<ConfigError>([&] { train(optimizer, batches_of({2}), loss_of, {.batches_a_step = 0}); }) ==
        "ConfigError: train: batches_a_step is 0\n  requires at least 1");
  CHECK(thrown<ConfigError>([&] {
          train(optimizer, batches_of({2}),
                [&](const Tensor& batch) { return BatchLoss(distance(w, batch).loss, 0); });
        }) == "ConfigError: train: a batch of 0 examples in epoch 1\n  requires at least one");
  CHECK_THROWS_AS(train(optimizer, batches_of({2}), [&](const Tensor&) { return w * 2.0; }), ShapeError);
}

}  // namespace
}  // namespace heed::tests
