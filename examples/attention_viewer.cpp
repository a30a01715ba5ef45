// Shows where every head of a translation model looks while it writes: a page to look through step by step.
//
// You learn: what becomes of attention weights in training; that heads differ, and how to say so in numbers;
// how to look into a model of your own (see `examined` below).
//
//   build/release/bin/attention_viewer                                     # trains a transformer on dates
//   first build/release/bin/attention_viewer --model=attention                   # the book's model, one head
//   build/release/bin/attention_viewer --checkpoint=heed-out --text="19 oct 1996|TUESDAY, MAY 5, 1970"
//
// The checkpoint is what date_conversion or transformer_translate has left in a folder. Prints what the model
// writes for each text, a map of the last layer's look at the source, and a line a head: its entropy in bits
// and where it looks. Writes attention.html to the checkpoint's folder or --out. Training takes about a minute
// on 2 cores.

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/losses.h"
#include "core/file.h"
#include "core/reduce.h"
#include "data/loader.h"
#include "data/tasks/dates.h"
#include "examples/common/progress.h"
#include "examples/common/translation.h"
#include "layers/inspect/attention_page.h"
#include "layers/inspect/attention_statistics.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 5.0;

struct Config : TranslationConfig {
  std::optional<std::string> checkpoint{};  ///< folder of it
  std::int64_t dates = 20'000;              ///< to train on without one
  std::string text{};                       ///< texts to look at, with | between them
};

struct Trained {
  std::unique_ptr<Tokenizer> tokens;
  Translator model;
  std::vector<std::string> texts;
};

Trained loaded(const Config& config, const TensorFile& saved, std::vector<std::string> texts) {
  if (texts.empty())
    throw ConfigError(
        {.what = "--checkpoint without --text", .expected = "a text such as the model was trained on"});
  Rng rng(config.seed);
  std::unique_ptr<Tokenizer> tokens = read_tokenizer(saved_vocabulary(saved));
  Translator model = make_translator(config, *tokens, rng);
  load_model(saved, model.module());
  return {std::move(tokens), std::move(model), std::move(texts)};
}

// A small run; date_conversion.cpp shows a whole one.
Trained trained(const Config& config, std::vector<std::string> texts) {
  Rng rng(config.seed);
  const Pairs pairs = tasks::dates(config.dates, rng);
  const Split split = split_leak_free(pairs, 0.05, rng);
  std::unique_ptr<Tokenizer> tokens = make_tokenizer(config, pairs, split.train);
  const Loader loader(split.train, *tokens, {.batch = config.batch, .sort_window = 4});
  Translator model = make_translator(config, *tokens, rng);
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate});
  const Schedule rates = config.learning_rates(loader.batches());
  for (std::int64_t i = 1; i <= config.epochs; ++i) {
    Progress progress(loader.batches(), text("epoch ", i));
    std::int64_t steps = 0, examples = 0;
    for (const Batch& batch : Epoch(loader.epoch(rng))) {
      optimiser.set_learning_rate(rates.at(optimiser.steps() + 1));
      const auto pass = model(batch.source, batch.target_in, &rng);
      Var loss = cross_entropy(pass.scores, batch.target_out);
      if (pass.auxiliary_loss.defined()) loss = loss + pass.auxiliary_loss;
      loss.backward();
      const double norm = optimiser.step({.clip_norm = kClipNorm});
      optimiser.zero_grad();
      progress.update(++steps, loss.item(), norm, examples += batch.size());
    }
    progress.finish();
  }
  const double exact = evaluate(model, split.unseen, *tokens).exact;
  std::printf("%.2f %% of %zu unseen dates are written exactly\n", 100 * exact, split.unseen.size());
  for (std::size_t i = 0; texts.size() < 3 && i < split.unseen.size(); i += split.unseen.size() / 3 + 1)
    if (config.text.empty()) texts.push_back(split.unseen[i].source);
  return {std::move(tokens), std::move(model), std::move(texts)};
}

// Where the model looks while it writes, with names for all that is looked at.
AttentionExample examined(const Translator& model, const Tokenizer& tokens, const std::string& source) {
  const std::vector<std::int32_t> ids = tokens.encode(source);
  const Tokens given = batch_of(std::span(&ids, 1), Tokenizer::kPad);
  const AttentionRecording recording(model.module());
  const Generated written = model.generate(given).front();

  AttentionExample example{.title = source + " → " + tokens.decode(written.ids), .layers = recording.layers()};
  for (const std::int32_t id : ids) example.source_tokens.push_back(tokens.label(id));
  for (const std::int32_t id : written.ids) example.target_tokens.push_back(tokens.label(id));
  example.target_tokens.push_back(tokens.label(Tokenizer::kEnd));
  example.start = tokens.label(Tokenizer::kStart);

  const NoGrad no_grad;  // what else might have been written: all steps once more, at once
  std::vector<std::int32_t> inputs{Tokenizer::kStart};
  inputs.insert(inputs.end(), written.ids.begin(), written.ids.end());
  const Var scores = model(given, batch_of(std::span(&inputs, 1), Tokenizer::kPad)).scores;  // [1, T, V]
  example.candidates = candidates_of(scores.value(), [&](std::int32_t id) { return tokens.label(id); });
  return example;
}

void print_heads(const AttentionExample& example, bool color) {
  std::printf("\n%s\n", example.title.c_str());
  if (example.layers.empty()) return;
  const RecordedAttention& last = example.layers.back();
  const Tensor over_heads =
      sum(last.weights.to(DType::f64), 0) * (1.0 / static_cast<double>(last.weights.extent(0)));
  std::printf("%s", terminal_heat_map(over_heads.to_vector(), example.target_tokens, example.source_tokens,
                                      {.color = color, .low = 0.0})
                        .c_str());
  for (const RecordedAttention& layer : example.layers) {
    const std::vector<HeadStatistics> heads = head_statistics(layer.weights);
    for (std::size_t h = 0; h < heads.size(); ++h)
      std::printf("  %-26s head %zu  %5.2f bits  %s\n", layer.path.c_str(), h + 1,
                  heads[h].entropy / std::log(2.0), where_it_looks(heads[h]).c_str());
  }
}

std::vector<std::string> texts_of(const std::string& flag) {
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < flag.size();) {
    const std::size_t end = std::min(flag.find('|', at), flag.size());
    if (end > at) texts.push_back(flag.substr(at, end - at));
    at = end + 1;
  }
  return texts;
}

int run(int argc, char** argv) {
  Config config;
  config.model = "transformer";
  config.epochs = 3;
  config.learning_rate = 2e-3;
  config.warm_up = 100;
  Flags flags("attention_viewer", "Shows where every head of a translation model looks while it writes.");
  flags.add("checkpoint", &config.checkpoint,
            "folder with one of date_conversion or transformer_translate; without it a small model is trained "
            "on dates");
  flags.add("text", &config.text,
            "what to look at, several texts with | between them; without it some unseen dates");
  flags.choice("model", &config.model, model_names(), "which model to train");
  add_model_flags(flags, config);
  flags.add("dates", &config.dates, "to train on, without a checkpoint", between(20, 1'000'000));
  flags.add("epochs", &config.epochs, "passes over them", at_least(1));
  flags.add("seed", &config.seed, "of data, initial values and order");
  flags.add("threads", &config.threads, "0: as many as there are processors", between(0, 1024));
  flags.add("out", &config.out, "folder for the page; with a checkpoint that one's");
  flags.do_not_remember({"checkpoint", "text", "dates", "epochs", "threads", "out"});
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] {
    if (config.checkpoint) config.out = *config.checkpoint;
    return config.checkpoint.has_value();
  };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  make_folder(config.out);
  Trained from = saved ? loaded(config, *saved, texts_of(config.text)) : trained(config, texts_of(config.text));
  from.model.module().eval();

  std::vector<AttentionExample> examples;
  for (const std::string& source : from.texts) {
    examples.push_back(examined(from.model, *from.tokens, source));
    print_heads(examples.back(), isatty(STDOUT_FILENO) != 0);
  }
  const std::string path = config.out + "/attention.html";
  write_file(path,
             attention_page(examples, {.title = "Where it looks", .lead = from.model.module().description()}));
  std::printf("\n%s\n", path.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
