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

#include "autograd/ops/softmax.h"
#include "core/file.h"
#include "data/loader.h"
#include "data/tasks/dates.h"
#include "examples/common/interrupt.h"
#include "examples/common/progress.h"
#include "examples/common/translation.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 5.0;
constexpr std::int64_t kDates = 50'000;

// The rest of the epoch that the run stands in. False when Ctrl-C ended it.
bool train_epoch(Run& run, const Translator& model, Optimizer& optimiser, const Loader& loader) {
  Epoch epoch = loader.epoch(run.position);
  const Schedule learning_rates = run.config.learning_rates(epoch.batches());
  const std::int64_t first = run.position.next;
  Progress progress(epoch.batches() - first, text("epoch ", run.epochs_done() + 1));
  const auto start = std::chrono::steady_clock::now();
  std::int64_t examples = 0;
  while (!epoch.done() && !interrupt_requested()) {
    const Batch batch = epoch.next();
    const Var scores = model(batch.source, batch.target_in);   // [B, T, V]
    const Var loss = cross_entropy(scores, batch.target_out);  // mean over the characters that count
    loss.backward();
    optimiser.set_learning_rate(learning_rates.at(optimiser.steps() + 1));
    const double norm = optimiser.step({.clip_norm = kClipNorm});  // leaves .grad as it is
    optimiser.zero_grad();

    run.position = epoch.state();
    run.history.add_step(loss.item(), norm, batch.size());
    progress.update(run.position.next - first, loss.item(), norm, examples += batch.size());
  }
  run.history.seconds += seconds_since(start);
  return epoch.done();
}

int train(const TranslationConfig& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained
  Rng rng(config.seed);
  const Pairs pairs = config.data.empty() ? tasks::dates(kDates, rng) : read_pairs(config.data);
  const auto [train, unseen] = split_as_configured(pairs, config, rng);
  const Vocabulary characters(pairs);
  const Loader loader(train, characters, {.batch = config.batch, .sort_window = 4});

  Translator model = make_translator(config, characters, rng);
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate});
  std::printf("%s\n", model.module().summary().c_str());

  Run run{.config = config, .flags = flags, .vocabulary = characters.characters(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model.module(), optimiser);
  const InterruptWatch watch;
  Evaluation evaluation;
  while (run.epochs_done() < config.epochs) {
    if (!train_epoch(run, model, optimiser, loader)) {
      save_run(run, model.module(), optimiser);
      std::printf("stopped in epoch %d; go on with --resume --out=%s\n",
                  static_cast<int>(run.epochs_done() + 1), config.out.c_str());
      return kInterruptedExitCode;
    }
    evaluation = evaluate(model, unseen, characters);
    finish_epoch(run, loader.batches(), evaluation.exact, unseen.size(), "unseen");
    print_samples(evaluation);
    save_run(run, model.module(), optimiser);
  }
  if (evaluation.examples.empty())
    evaluation = evaluate(model, unseen, characters);  // resumed after the last epoch

  const Report report = translation_report(run, "Date conversion", model, unseen, characters, evaluation);
  write_file(config.report_path(), to_html(report));
  if (!report.attention.empty()) print_attention(report.attention.front(), isatty(STDOUT_FILENO) != 0);
  std::printf("report: %s\ncheckpoint: %s\n", config.report_path().c_str(), config.checkpoint_path().c_str());
  std::printf("%s\n", result_line(run, evaluation.exact, unseen.size(), seconds_since(start)).c_str());
  return 0;
}

int run(int argc, char** argv) {
  TranslationConfig config;
  Flags flags("date_conversion", "Trains a model that writes dates as ISO 8601.");
  add_translation_flags(flags, config);
  std::optional<TensorFile> saved;
  if (!parse_training_flags(
          argc, argv, flags, config, [&] { return config.uses_checkpoint(); }, saved))
    return 0;
  if (!config.convert) return train(config, flags, saved);
  convert_with(*saved, config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
