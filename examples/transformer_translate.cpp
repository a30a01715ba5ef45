// Translates with a Transformer: numbers in words between English, French and German, or phrase pairs of your
// own.
//
// You learn: that one model learns six directions when the source says which is wanted; what byte pairs make of
// words; how a learning rate is warmed up; what a beam search adds to the most probable id.
//
//   build/release/bin/transformer_translate                                       # makes its data, trains,
//   reports build/release/bin/transformer_translate --convert "2fr eighty-one thousand"   # quatre-vingt-un
//   mille build/release/bin/transformer_translate --data=phrases.tsv --tokens=words     # source<TAB>target a
//   line
//
// Prints after each epoch the share of unseen numbers written exactly and ten samples, at the end a map of
// attention and `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`; writes
// checkpoint.safetensors and report.html to heed-out/.

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "autograd/ops/softmax.h"
#include "data/loader.h"
#include "data/tasks/number_words.h"
#include "examples/common/epochs.h"
#include "examples/common/translation.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 1.0;

struct Config : TranslationConfig {
  std::string languages = "all";
  std::int64_t numbers = 12'000;  ///< that are drawn from 0 … 999,999
};

// The two languages of "en-fr".
std::pair<tasks::Language, tasks::Language> direction(const std::string& languages) {
  const auto named = [](const std::string& name) {
    return name == "en"   ? tasks::Language::english
           : name == "fr" ? tasks::Language::french
                          : tasks::Language::german;
  };
  return {named(languages.substr(0, 2)), named(languages.substr(3))};
}

// Pairs to train on and unseen ones: no number stands on both sides, in any language.
Split number_pairs(const Config& config, Rng& rng) {
  if (config.languages != "all") {
    const auto [from, to] = direction(config.languages);
    return split_as_configured(tasks::number_words(config.numbers, from, to, rng), config, rng);
  }
  const std::vector<std::int64_t> numbers = tasks::draw_numbers(config.numbers, rng);
  const std::size_t seen = numbers.size() - numbers.size() / 10;
  Split split{tasks::all_directions(std::span(numbers).first(seen)),
              tasks::all_directions(std::span(numbers).subspan(seen))};
  std::printf("%s", to_string(leak_report(split.train, split.unseen)).c_str());
  return split;
}

int train(const Config& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained

  Rng rng(config.seed);
  const auto [train, unseen] = config.data.empty() ? number_pairs(config, rng)
                                                   : split_as_configured(read_pairs(config.data), config, rng);
  Pairs all = train;
  all.insert(all.end(), unseen.begin(), unseen.end());
  const std::unique_ptr<Tokenizer> tokens = make_tokenizer(config, all, train);
  const Loader loader(train, *tokens, {.batch = config.batch, .sort_window = 8});

  Translator model = make_translator(config, *tokens, rng);
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate, .beta2 = 0.98});
  std::printf("%s%lld tokens\n", model.module().summary().c_str(), static_cast<long long>(tokens->tokens()));

  Run run{.config = config, .flags = flags, .vocabulary = tokens->state(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model.module(), optimiser);

  const auto step = [&](const Batch& batch) -> StepResult {
    const Var scores = model(batch.source, batch.target_in, &run.rng);  // [B, T, V]
    const Var loss = cross_entropy(scores, batch.target_out);
    loss.backward();
    const double norm = optimiser.step({.clip_norm = kClipNorm});
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  Evaluation evaluation;
  const auto judge = [&]() -> Verdict {
    evaluation = evaluate(model, unseen, *tokens);
    return {evaluation.exact, unseen.size()};
  };
  const auto verdict =
      run_epochs(run, model.module(), optimiser, loader, step, judge, [&] { print_samples(evaluation); });
  if (!verdict) return kInterruptedExitCode;

  const Report report = translation_report(run, "Translation", model, unseen, *tokens, evaluation);
  if (!report.attention.empty()) print_attention(report.attention.front(), isatty(STDOUT_FILENO) != 0);
  finish_program(run, report, verdict->exact, verdict->unseen, seconds_since(start));
  return 0;
}

int run(int argc, char** argv) {
  Config config;
  config.model = "transformer";
  config.tokens = "bpe";
  config.learning_rate = 1e-3;
  config.warm_up = 200;
  Flags flags("transformer_translate", "Trains a model that translates numbers in words, or phrases.");
  add_translation_flags(flags, config);
  flags.choice("languages", &config.languages, {"all", "en-fr", "en-de", "fr-en", "fr-de", "de-en", "de-fr"},
               "of the numbers: one direction, or all, told by 2en, 2fr or 2de in front of the source");
  flags.add("numbers", &config.numbers, "how many numbers are drawn", between(20, 1'000'000));
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.uses_checkpoint(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  if (!config.convert) return train(config, flags, saved);
  convert_with(*saved, config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
