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

#include "core/file.h"
#include "data/tasks/dates.h"
#include "examples/common/interrupt.h"
#include "examples/common/progress.h"
#include "examples/common/translation.h"
#include "layers/seq2seq.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 5.0;
constexpr std::int64_t kDates = 50'000;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Seq2seqConfig model_config(const TrainingConfig& config, const Vocabulary& characters) {
  return {.vocabulary = characters.size(),
          .embedding = config.embedding,
          .hidden = config.hidden,
          .reverse_source = true,
          .start = Vocabulary::kStart,
          .end = Vocabulary::kEnd};
}

// The rest of the epoch that the run stands in. False when Ctrl-C ended it.
template <class Model>
bool train_epoch(Run& run, const Model& model, Optimizer& optimiser, const Loader& loader) {
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

// Maps of some unseen examples, spread evenly.
template <class Model>
std::vector<AttentionMap> attention_maps(const Model& model, const Pairs& unseen,
                                         const Vocabulary& characters) {
  std::vector<AttentionMap> maps;
  const std::size_t count = std::min<std::size_t>(4, unseen.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = unseen[i * unseen.size() / count];
    AttentionMap map = convert(model, pair.source, characters);
    map.expected = pair.target;
    if (!map.weights.empty()) maps.push_back(std::move(map));
  }
  return maps;
}

template <class Model>
int train_model(const TrainingConfig& config, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained
  Rng rng(config.seed);
  const Pairs pairs = config.data.empty() ? tasks::dates(kDates, rng) : read_pairs(config.data);
  const auto [train, unseen] = split_as_configured(pairs, config, rng);
  const Vocabulary characters(pairs);
  const Loader loader(train, characters, {.batch = config.batch, .sort_window = 4});

  Model model(model_config(config, characters), rng);
  Adam optimiser(model.parameters(), {.learning_rate = config.learning_rate});
  std::printf("%s\n", model.summary().c_str());

  Run run{.config = config, .characters = characters, .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model, optimiser);
  const InterruptWatch watch;
  Evaluation evaluation;
  while (run.epochs_done() < config.epochs) {
    if (!train_epoch(run, model, optimiser, loader)) {
      save_run(run, model, optimiser);
      std::printf("stopped in epoch %d; go on with --resume --out=%s\n",
                  static_cast<int>(run.epochs_done() + 1), config.out.c_str());
      return kInterruptedExitCode;
    }
    evaluation = evaluate(model, unseen, characters);
    finish_epoch(run, loader.batches(), evaluation);
    save_run(run, model, optimiser);
  }
  if (evaluation.examples.empty())
    evaluation = evaluate(model, unseen, characters);  // resumed after the last epoch

  Report report = training_report(run, "Date conversion", evaluation);
  report.attention = attention_maps(model, unseen, characters);
  write_file(config.report_path(), to_html(report));
  if (!report.attention.empty()) print_attention(report.attention.front(), isatty(STDOUT_FILENO) != 0);
  std::printf("report: %s\ncheckpoint: %s\n", config.report_path().c_str(), config.checkpoint_path().c_str());
  std::printf("%s\n", result_line(run, evaluation, seconds_since(start)).c_str());
  return 0;
}

template <class Model>
int convert_text(const TrainingConfig& config, const TensorFile& saved) {
  const Vocabulary characters = saved_vocabulary(saved);
  Rng rng(config.seed);
  Model model(model_config(config, characters), rng);
  load_model(saved, model);
  const AttentionMap map = convert(model, *config.convert, characters);
  std::printf("%s\n", map.output.c_str());
  if (isatty(STDOUT_FILENO) != 0) print_attention(map, true);
  return 0;
}

template <class Model>
int run_with(const TrainingConfig& config, const std::optional<TensorFile>& saved) {
  return config.convert ? convert_text<Model>(config, *saved) : train_model<Model>(config, saved);
}

int run(int argc, char** argv) {
  std::optional<TensorFile> saved;
  const auto config =
      parse_training_flags(argc, argv, {}, "date_conversion", "Trains a model that writes dates as ISO 8601.",
                           {"seq2seq", "peeky", "attention"}, saved);
  if (!config) return 0;
  if (config->model == "seq2seq") return run_with<Seq2seq>(*config, saved);
  if (config->model == "peeky") return run_with<PeekySeq2seq>(*config, saved);
  return run_with<AttentionSeq2seq>(*config, saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
