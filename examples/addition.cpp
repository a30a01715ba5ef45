// Adds up numbers by translating: "16+75" -> "91", digit by digit.
//
// You learn: that a plain seq2seq hardly learns it; that reading the sum backwards helps every model; that
// letting the decoder peek at what was read helps most; that attention makes neither needless.
//
//   build/release/bin/addition                    # attention; numbers of at most three digits
//   build/release/bin/addition --curves           # the models of the book's chapter 7, and attention, compared
//   build/release/bin/addition --convert "123+456"
//
// Prints after each epoch the share of unseen sums written exactly and ten samples; ends with
// `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`; writes checkpoint.safetensors and
// report.html to heed-out/. The training loop is that of date_conversion.cpp. Takes about half a minute on 2
// cores; --curves, which ends with a table of all models, about three. Its percentages of 5,000 sums after 1,
// 3, 5 and 10 epochs:
//
//               as they stand             reversed
//   seq2seq      1.5   5.9   8.7  16.9     2.6  11.1  15.9  31.3
//   peeky       13.7  81.1  94.2  98.2     7.5  87.3  97.0  99.1
//   attention    2.5  26.3  52.7  76.2    16.9  69.3  90.4  96.4
//
// The book's settings, --epochs=25 --batch=128 --learning-rate=1e-3 --schedule=constant, leave 15, 30, 89 (97
// an epoch before), 99.5, 89 and 99.9 percent.

#include "data/tasks/sums.h"
#include "examples/common/comparison.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr std::int64_t kSums = 50'000;

// Each model with its sources as they stand and reversed.
std::vector<Contender> chapter(const TranslationConfig& shared) {
  std::vector<Contender> contenders;
  for (const char* const model : {"seq2seq", "peeky", "attention"})
    for (const bool reverse : {false, true}) {
      TranslationConfig config = shared;
      config.model = model;
      config.recurrent.reverse = reverse;
      contenders.push_back({text(model, reverse ? "+reverse" : ""), config});
    }
  return contenders;
}

int run(int argc, char** argv) {
  TranslationConfig config;
  config.epochs = 10;
  std::int64_t digits = 3;
  bool curves = false;
  Flags flags("addition", "Trains a model that adds up numbers, digit by digit.");
  add_translation_flags(flags, config);
  flags.add("digits", &digits, "of each number at most", between(1, 9));
  flags.add("curves", &curves, "train seq2seq, peeky and attention, reversed and not, and draw their curves");
  flags.do_not_remember({"curves"});
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.uses_checkpoint(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  const auto data = [&](Rng& rng) {
    const tasks::SumOptions options{.max_digits = static_cast<int>(digits)};
    return split_as_configured(config.data.empty() ? tasks::sums(kSums, rng, options) : read_pairs(config.data),
                               config, rng);
  };
  if (curves && config.uses_checkpoint())
    throw ConfigError({.what = "--curves trains models of its own: it takes neither --resume nor --convert"});
  const TranslationTask task{.title = "Addition", .data = data};
  return curves ? run_comparison(task, chapter(config), config, flags)
                : run_translation(task, config, flags, saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
