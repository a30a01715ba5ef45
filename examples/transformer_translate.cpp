// Translates with a Transformer: numbers in words between English, French and German, or phrase pairs of your
// own.
//
// You learn: that one model learns six directions when the source says which is wanted; what byte pairs make of
// words; how a learning rate is warmed up; what a beam search adds to the most probable id. The training loop
// is that of date_conversion.cpp.
//
//   build/release/bin/transformer_translate                                       # makes its data, trains,
//   reports build/release/bin/transformer_translate --convert "2fr eighty-one thousand"   # quatre-vingt-un
//   mille build/release/bin/transformer_translate --data=phrases.tsv --tokens=words     # source<TAB>target a
//   line
//
// Prints after each epoch the share of unseen numbers written exactly and ten samples, at the end a map of
// attention and `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`; writes
// checkpoint.safetensors and report.html to heed-out/.

#include <cstdio>

#include "data/tasks/number_words.h"
#include "examples/common/translation.h"

using namespace heed;
using namespace heed::programs;

namespace {

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
  const auto data = [&](Rng& rng) {
    return config.data.empty() ? number_pairs(config, rng)
                               : split_as_configured(read_pairs(config.data), config, rng);
  };
  return run_translation({.title = "Translation", .data = data, .clip_norm = 1, .beta2 = 0.98}, config, flags,
                         saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
