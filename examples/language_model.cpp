// Trains a language model on any text: a decoder that says of each token what comes next, and writes by itself.
//
// You learn: that windows of running text with targets one token on are all that a language model needs; what
// perplexity measures; how temperature, top-k and top-p shape what is drawn.
//
//   build/release/bin/language_model                                  # sentences of a small grammar, which it
//   makes build/release/bin/language_model --data=book.txt --tokens=bpe     # any UTF-8 text
//   build/release/bin/language_model --prompt="the otter" --top-p=0.9 # goes on from there with what was learnt
//
// Prints after each epoch the perplexity of text that was kept apart, the share of its tokens that the model
// would have guessed, and some lines that it writes (of the made sentences, how many are grammatical); ends
// with `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`, where exact is that share; writes
// checkpoint.safetensors and report.html to heed-out/.

#include <chrono>
#include <cmath>
#include <cstdio>

#include "autograd/ops/losses.h"
#include "core/reduce.h"
#include "data/tasks/sentences.h"
#include "examples/common/epochs.h"
#include "examples/common/text_tokens.h"
#include "examples/common/transformer_flags.h"
#include "layers/decoding.h"
#include "layers/language_model.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 1.0;
constexpr std::int64_t kSentences = 20'000;

struct Config : TrainingConfig {
  TokenChoice text{.tokens = "words"};
  std::int64_t window = 32;
  TransformerSizes transformer{.activation = "gelu"};
  std::string prompt{};
  std::int64_t length = 150;
  SamplingOptions sampling{};
};

// Rotary positions and a window, so that the model can write on where training windows end.
LanguageModelConfig model_config(const Config& config, const Tokenizer& tokens) {
  TransformerLayerConfig layer = config.transformer.layer();
  layer.positions = Rotary{};
  layer.window = config.window;
  return {.vocabulary = tokens.size(),
          .layers = config.transformer.layers,
          .layer = layer,
          .embedded_positions = EmbeddedPositions::none};
}

// How well the model guesses a text: perplexity, and the share of tokens that it finds most probable.
struct Guess {
  double perplexity = 0, right = 0;
  std::size_t tokens = 0;
};
Guess guess(const LanguageModel& model, const TextLoader& text) {
  const NoGrad no_grad;
  double loss = 0, right = 0, tokens = 0;
  for (const WindowBatch& batch : TextEpoch(text.epoch(PassState{}))) {
    const Var scores = model(batch.input);
    loss += cross_entropy(scores, batch.target, {.reduction = Reduction::sum}).item();
    const Tensor best = argmax(scores.value(), -1);
    for (std::int64_t i = 0; i < best.count(); ++i) {
      const std::int32_t target = batch.target.data<std::int32_t>()[i];
      tokens += target >= 0 ? 1 : 0;
      right += best.data<std::int32_t>()[i] == target ? 1 : 0;
    }
  }
  return {std::exp(loss / tokens), right / tokens, static_cast<std::size_t>(tokens)};
}

// The ids with what the model writes behind them.
std::vector<std::int32_t> written_on(LanguageModel& model, const Config& config, std::vector<std::int32_t> ids,
                                     Rng& rng) {
  GenerateOptions options{
      .max_length = std::ssize(ids) - 1 + config.length, .start = ids.front(), .ends = {{}}};
  options.prefixes = {{ids.begin() + 1, ids.end()}};
  model.eval();
  const Generated written = sample(model, std::int64_t{1}, rng, config.sampling, options).front();
  model.train();
  ids.resize(1);
  ids.insert(ids.end(), written.ids.begin(), written.ids.end());
  return ids;
}

int train(const Config& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained

  // Data: a text, the end of which is kept apart, as windows of ids.
  Rng rng(config.seed);
  const TextParts text =
      cut_text(config.data.empty() ? tasks::sentences(kSentences, rng) : read_text(config.data), 0.1);
  const std::unique_ptr<Tokenizer> tokens = config.text.tokenizer(text);
  const std::vector<std::int32_t> ids = tokens->encode(text.train);
  const TextLoader loader(ids, {.window = config.window, .batch = config.batch});
  const TextLoader unseen(tokens->encode(text.validation),
                          {.window = config.window, .batch = 64, .shuffle = false});

  LanguageModel model(model_config(config, *tokens), rng);
  Adam optimiser(model.parameters(), {.learning_rate = config.learning_rate, .beta2 = 0.98});
  std::printf("%s%zu tokens to learn from, %lld different\n", model.overview(config.window).c_str(), ids.size(),
              static_cast<long long>(tokens->tokens()));

  Run run{.config = config, .flags = flags, .vocabulary = tokens->state(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model, optimiser);

  const auto step = [&](const WindowBatch& batch) -> StepResult {
    const Var scores = model(batch.input, &run.rng);       // [B, T, V]
    const Var loss = cross_entropy(scores, batch.target);  // mean over all tokens
    loss.backward();
    const double norm = optimiser.step({.clip_norm = kClipNorm});
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  std::string sample;
  const auto judge = [&]() -> Verdict {
    model.eval();
    const Guess guessed = guess(model, unseen);
    std::printf("perplexity %.3f\n", guessed.perplexity);
    Rng dice(config.seed);
    const std::vector<std::int32_t> written = written_on(model, config, {ids.back()}, dice);
    sample = tokens->decode(std::span(written).subspan(1));
    return {guessed.right, guessed.tokens, "tokens"};
  };
  const auto show = [&] {
    std::printf("%s\n", sample.c_str());
    if (!config.data.empty()) return;
    const auto [right, sentences] = tasks::count_grammatical(sample);
    std::printf("-- %d of %d sentences are grammatical\n", static_cast<int>(right),
                static_cast<int>(sentences));
  };
  const auto verdict = run_epochs(run, model, optimiser, loader, step, judge, show);
  if (!verdict) return kInterruptedExitCode;

  Report report = training_report(run, "Language model", *verdict);
  report.samples.push_back({.source = "", .output = sample});
  finish_program(run, report, *verdict, seconds_since(start));
  return 0;
}

void write_with(const TensorFile& saved, const Config& config) {
  const std::unique_ptr<Tokenizer> tokens = read_tokenizer(saved_vocabulary(saved));
  Rng rng(config.seed);
  LanguageModel model(model_config(config, *tokens), rng);
  load_model(saved, model);
  const std::vector<std::int32_t> ids = tokens->encode(config.prompt);
  if (ids.empty()) throw ConfigError({.what = "--prompt: there is no token to begin with"});
  std::printf("%s\n", tokens->decode(written_on(model, config, ids, rng)).c_str());
}

int run(int argc, char** argv) {
  Config config;
  config.epochs = 10;
  config.batch = 32;
  config.learning_rate = 2e-3;
  config.warm_up = 100;
  std::optional<std::string> prompt;
  Flags flags("language_model", "Trains a model that says what comes next in a text.");
  add_training_flags(flags, config, "a UTF-8 text to learn from");
  add_token_flags(flags, config.text);
  flags.add("window", &config.window, "tokens that the model sees", at_least(1));
  add_transformer_flags(flags, config.transformer);
  flags.add("prompt", &prompt, "go on from this text with the checkpoint in --out, and stop");
  flags.add("length", &config.length, "tokens to write", at_least(1));
  flags.add("temperature", &config.sampling.temperature,
            "below 1 favours what is probable; 0: the most probable", at_least(0));
  flags.add("top-k", &config.sampling.top_k, "draw from so many tokens; 0: all", at_least(0));
  flags.add("top-p", &config.sampling.top_p, "draw from the fewest tokens as probable together", between(0, 1));
  flags.do_not_remember({"prompt", "length", "temperature", "top-k", "top-p"});
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.resume || prompt.has_value(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  if (!prompt) return train(config, flags, saved);
  config.prompt = *prompt;
  write_with(*saved, config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
