// Converts written dates: "TUESDAY, SEPTEMBER 25, 1984" -> "1984-09-25", character by character.
//
// You learn: how data, an attention seq2seq, its loss and an optimiser make a training run; what the model gets
// right, epoch by epoch; where it looks while it writes.
//
//   build/release/bin/date_conversion                          # makes its data, trains, reports
//   build/release/bin/date_conversion --convert "19 oct 1996"  # converts with what was learnt
//
// Prints what the split gives away, after each epoch the share of unseen dates written exactly and ten samples,
// at the end a map of attention and `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`;
// writes checkpoint.safetensors and report.html to heed-out/. Takes about half a minute on 2 cores.

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/losses.h"
#include "data/loader.h"
#include "data/tasks/dates.h"
#include "examples/common/epochs.h"
#include "examples/common/translation.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 5.0;
constexpr std::int64_t kDates = 50'000;

int train(const TranslationConfig& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained

  // Data: pairs of texts, a part of them kept apart, and the tokens that they are made of.
  Rng rng(config.seed);
  const Pairs pairs = config.data.empty() ? tasks::dates(kDates, rng) : read_pairs(config.data);
  const Split split = split_as_configured(pairs, config, rng);
  const std::unique_ptr<Tokenizer> tokens = make_tokenizer(config, pairs, split.train);
  const Loader loader(split.train, *tokens, {.batch = config.batch, .sort_window = 4});

  // Model and optimiser.
  Translator model = make_translator(config, *tokens, rng);
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate});
  std::printf("%s\n", model.module().summary().c_str());

  Run run{.config = config, .flags = flags, .vocabulary = tokens->state(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model.module(), optimiser);

  // The loop: a step for each batch, and after each epoch a look at what the model writes for unseen sources.
  const auto step = [&](const Batch& batch) -> StepResult {
    const auto [scores, auxiliary_loss] = model(batch.source, batch.target_in, &run.rng);  // [B, T, V]
    Var loss = cross_entropy(scores, batch.target_out);          // mean over the tokens that count
    if (auxiliary_loss.defined()) loss = loss + auxiliary_loss;  // of a model with coverage
    loss.backward();
    const double norm = optimiser.step({.clip_norm = kClipNorm});  // leaves .grad as it is
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  Evaluation evaluation;
  const auto judge = [&]() -> Verdict {
    evaluation = evaluate(model, split.unseen, *tokens);
    return {evaluation.exact, split.unseen.size()};
  };
  const auto verdict =
      run_epochs(run, model.module(), optimiser, loader, step, judge, [&] { print_samples(evaluation); });
  if (!verdict) return kInterruptedExitCode;

  // What is left behind: a report, and the last line.
  const Report report = translation_report(run, "Date conversion", model, split.unseen, *tokens, evaluation);
  if (!report.attention.empty()) print_attention(report.attention.front(), isatty(STDOUT_FILENO) != 0);
  finish_program(run, report, *verdict, seconds_since(start));
  return 0;
}

int run(int argc, char** argv) {
  TranslationConfig config;
  Flags flags("date_conversion", "Trains a model that writes dates as ISO 8601.");
  add_translation_flags(flags, config);
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.uses_checkpoint(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  if (!config.convert) return train(config, flags, saved);
  convert_with(*saved, config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
