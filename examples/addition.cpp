// Adds up numbers by translating: "16+75" -> "91", digit by digit.
//
// You learn: that reading the sum backwards, and letting the decoder peek at what was read, makes a plain
// seq2seq learn what it could not; that attention makes both needless.
//
//   build/release/bin/addition                                    # attention; three digits at most
//   build/release/bin/addition --model=seq2seq --no-reverse       # the book's chapter 7, its four curves:
//   build/release/bin/addition --model=peeky --epochs=25 --hidden=128 --batch=128 --learning-rate=1e-3
//   build/release/bin/addition --convert "123+456"
//
// Prints after each epoch the share of unseen sums written exactly and ten samples; ends with
// `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`; writes checkpoint.safetensors and
// report.html to heed-out/. The training loop is that of date_conversion.cpp.

#include "data/tasks/sums.h"
#include "examples/common/translation.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr std::int64_t kSums = 50'000;

int run(int argc, char** argv) {
  TranslationConfig config;
  config.epochs = 10;
  std::int64_t digits = 3;
  Flags flags("addition", "Trains a model that adds up numbers, digit by digit.");
  add_translation_flags(flags, config);
  flags.add("digits", &digits, "of each number at most", between(1, 9));
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.uses_checkpoint(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  const auto data = [&](Rng& rng) {
    const tasks::SumOptions options{.max_digits = static_cast<int>(digits)};
    return split_as_configured(config.data.empty() ? tasks::sums(kSums, rng, options) : read_pairs(config.data),
                               config, rng);
  };
  return run_translation({.title = "Addition", .data = data}, config, flags, saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
