// Trains every model that turns one text into another, one after the other on the same data, and sets them side
// by side.
//
// You learn: what each model costs in parameters and time, how soon it gets examples right, and where those
// that attend look while they write the same date.
//
//   build/release/bin/seq2seq_tour                               # all models, on made dates
//   build/release/bin/seq2seq_tour --models=peeky,attention --epochs=6
//   build/release/bin/seq2seq_tour --data=pairs.tsv --tokens=words
//
// Prints each epoch, at the end a table and `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…
// models=… best=…` of the best; writes report.html to heed-out/, with all curves in one picture. Ctrl-C ends it
// with the table so far. The training loop is that of examples/common/comparison.cpp. Takes some ten seconds a
// model on 2 cores, more for a transformer.

#include "data/tasks/dates.h"
#include "examples/common/comparison.h"

using namespace heed;
using namespace heed::programs;

namespace {

struct TourConfig : TranslationConfig {
  std::vector<std::string> models = model_names();
  std::int64_t dates = 20'000;
};

std::vector<Contender> contenders(const TourConfig& config) {
  std::vector<Contender> all;
  for (const std::string& model : config.models) {
    all.push_back({model, config});
    all.back().config.model = model;
  }
  return all;
}

int run(int argc, char** argv) {
  TourConfig config;
  config.epochs = 4;
  config.batch = 32;
  config.recurrent.hidden = 64;
  config.warm_up = 100;
  Flags flags("seq2seq_tour", "Trains all models that turn one text into another, and compares them.");
  add_run_flags(flags, config, kPairsFile);
  flags.choices("models", &config.models, model_names(), "which models to train, in this order");
  flags.add("dates", &config.dates, "how many dates are made", between(20, 1'000'000));
  add_model_flags(flags, config);
  add_split_flag(flags, config);
  std::optional<TensorFile> saved;
  if (!parse_training_flags(
          argc, argv, flags, config, [] { return false; }, saved))
    return 0;
  const auto data = [&](Rng& rng) {
    return split_as_configured(config.data.empty() ? tasks::dates(config.dates, rng) : read_pairs(config.data),
                               config, rng);
  };
  return run_comparison({.title = "A tour of seq2seq models", .data = data}, contenders(config), config, flags);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
