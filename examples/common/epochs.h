// The course of a training program around its step: epochs, learning rates, progress, Ctrl-C, evaluation,
// saving.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>

#include "examples/common/interrupt.h"
#include "examples/common/progress.h"
#include "examples/common/step_profile.h"
#include "examples/common/training.h"

namespace heed::programs {

/// What one step of training gave.
struct StepResult {
  double loss = 0;
  double gradient_norm = 0;
  std::int64_t examples = 0;
};

/// Trains until the run has all its epochs and saves after each.
///
///   step(batch)   trains on one batch of the loader, its learning rate being set: a StepResult
///   evaluate()    judges the model after an epoch: a Verdict
///   show()        prints what else an epoch has to say, below its line
///
/// Returns the last verdict; none when Ctrl-C ended the run, which is saved then, and said.
template <class Loader, class Step, class Evaluate, class Show>
std::optional<Verdict> run_epochs(Run& run, Module& model, Optimizer& optimiser, const Loader& loader,
                                  Step step, Evaluate evaluate, Show show) {
  const InterruptWatch watch;
  const Schedule learning_rates = run.config.learning_rates(loader.batches());
  StepProfile profile(run.config);
  std::optional<Verdict> verdict;
  while (run.epochs_done() < run.config.epochs) {
    auto epoch = loader.epoch(run.position);
    const std::int64_t first = run.position.next;
    Progress progress(epoch.batches() - first, text("epoch ", run.epochs_done() + 1));
    const auto start = std::chrono::steady_clock::now();
    std::int64_t examples = 0;
    while (!epoch.done() && !interrupt_requested()) {
      profile.step_begins();
      const auto batch = epoch.next();
      optimiser.set_learning_rate(learning_rates.at(optimiser.steps() + 1));
      const StepResult result = step(batch);
      run.position = epoch.state();
      run.history.add_step(result.loss, result.gradient_norm, result.examples);
      progress.update(run.position.next - first, result.loss, result.gradient_norm,
                      examples += result.examples);
      if (profile.step_ended()) {
        progress.clear();
        profile.report();
      }
    }
    progress.finish();
    profile.report();
    run.history.seconds += seconds_since(start);
    if (!epoch.done()) {
      save_run(run, model, optimiser);
      std::printf("stopped in epoch %d; go on with --resume --out=%s\n",
                  static_cast<int>(run.epochs_done() + 1), run.config.out.c_str());
      return std::nullopt;
    }
    verdict = evaluate();
    finish_epoch(run, loader.batches(), *verdict);
    show();
    std::fflush(stdout);
    save_run(run, model, optimiser);
  }
  return verdict ? verdict : evaluate();  // resumed after the last epoch
}

}  // namespace heed::programs
