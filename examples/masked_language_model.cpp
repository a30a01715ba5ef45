// Trains an encoder to guess hidden words from those on both sides, as BERT is trained.
//
// You learn: how text without labels makes its own task; that an encoder, which sees both sides, fills a gap
// that a language model could only guess at from the left.
//
//   build/release/bin/masked_language_model                                       # sentences of a small
//   grammar build/release/bin/masked_language_model --data=book.txt --tokens=bpe          # any UTF-8 text
//   build/release/bin/masked_language_model --fill="two <mask> that sing <mask> the otter."
//
// Prints after each epoch how many hidden tokens of text that was kept apart are guessed, and one line with its
// guesses; ends with `result exact=… unseen=… epochs=… seconds=… examples_per_s=… loss=…`, where exact is that
// share; writes checkpoint.safetensors and report.html to heed-out/.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "autograd/ops/losses.h"
#include "core/reduce.h"
#include "data/masking.h"
#include "data/tasks/sentences.h"
#include "examples/common/epochs.h"
#include "examples/common/text_tokens.h"
#include "examples/common/transformer_flags.h"
#include "layers/masked_language_model.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr std::int64_t kSentences = 20'000;

struct Config : TrainingConfig {
  TokenChoice text{.tokens = "words"};
  std::int64_t window = 32;
  double share = 0.15;
  TransformerSizes transformer{.activation = "gelu"};
  std::optional<std::string> fill{};
};

MaskedLanguageModelConfig model_config(const Config& config, const Tokenizer& tokens) {
  const TransformerSizes& sizes = config.transformer;
  return {
      .vocabulary = tokens.size(), .layers = sizes.layers, .layer = sizes.layer(), .max_length = config.window};
}

// The ids with the model's guesses in place of masks.
Tensor guesses(MaskedLanguageModel& model, const Tokens& ids) {
  const NoGrad no_grad;
  model.eval();
  const Tensor best = argmax(model(ids).value(), -1);  // [B, T]
  model.train();
  return best;
}

// One sequence as text, what was guessed in brackets.
std::string filled(const Tokenizer& tokens, std::span<const std::int32_t> ids, const std::int32_t* guessed) {
  std::string out;
  std::vector<std::int32_t> run;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != tokens.mask()) {
      run.push_back(ids[i]);
      continue;
    }
    out += text(tokens.decode(run), " [", tokens.label(guessed[i]), "] ");
    run.clear();
  }
  return out + tokens.decode(run);
}

// How many hidden tokens of a text the model guesses, and what it says.
struct Guess {
  std::size_t hidden = 0;
  double right = 0;
  std::string sample;                    // the first window
  std::vector<std::int32_t> filled_ids;  // all of the text
};
Guess guess(MaskedLanguageModel& model, const Tokenizer& tokens, const TextLoader& text, const Config& config) {
  Guess guess;
  Rng rng(config.seed);
  for (const WindowBatch& batch : TextEpoch(text.epoch(PassState{}))) {
    const MaskedBatch masked =
        mask_tokens(batch.input, tokens, rng, {.share = config.share, .masked = 1, .random = 0});
    const Tensor best = guesses(model, masked.input);
    const std::int64_t time = masked.input.time();
    for (std::int64_t b = 0; b < masked.input.batch(); ++b) {
      const std::vector<std::int32_t> ids = masked.input.sequence(b);
      const std::int32_t *const guessed = best.data<std::int32_t>() + b * time,
                                *const target = masked.target.data<std::int32_t>() + b * time;
      if (guess.sample.empty()) guess.sample = filled(tokens, ids, guessed);
      for (std::size_t t = 0; t < ids.size(); ++t) {
        guess.hidden += target[t] >= 0 ? 1 : 0;
        guess.right += target[t] >= 0 && guessed[t] == target[t] ? 1 : 0;
        guess.filled_ids.push_back(target[t] >= 0 ? guessed[t] : ids[t]);
      }
    }
  }
  return guess;
}

int train(const Config& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained

  Rng rng(config.seed);
  const TextParts text =
      cut_text(config.data.empty() ? tasks::sentences(kSentences, rng) : read_text(config.data), 0.1);
  const std::unique_ptr<Tokenizer> tokens = config.text.tokenizer(text, true);
  const std::vector<std::int32_t> ids = tokens->encode(text.train);
  const TextLoader loader(ids, {.window = config.window, .batch = config.batch});
  const TextLoader unseen(tokens->encode(text.validation),
                          {.window = config.window, .batch = 64, .shuffle = false});

  MaskedLanguageModel model(model_config(config, *tokens), rng);
  Adam optimiser(model.parameters(), {.learning_rate = config.learning_rate, .beta2 = 0.98});
  std::printf("%s%zu tokens to learn from, %lld different\n", model.overview(config.window).c_str(), ids.size(),
              static_cast<long long>(tokens->tokens()));

  Run run{.config = config, .flags = flags, .vocabulary = tokens->state(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model, optimiser);

  const auto step = [&](const WindowBatch& batch) -> StepResult {
    const MaskedBatch masked = mask_tokens(batch.input, *tokens, run.rng, {.share = config.share});
    const Var scores = model(masked.input, &run.rng);       // [B, T, V]
    const Var loss = cross_entropy(scores, masked.target);  // mean over the hidden tokens
    loss.backward();
    const double norm = optimiser.step({.clip_norm = 1.0});
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  Guess guessed;
  const auto judge = [&]() -> Verdict {
    guessed = guess(model, *tokens, unseen, config);
    return {guessed.right / std::max<double>(1, static_cast<double>(guessed.hidden)), guessed.hidden,
            "hidden tokens"};
  };
  const auto show = [&] {
    std::printf("  %s\n", guessed.sample.c_str());
    if (!config.data.empty()) return;
    const auto [right, sentences] = tasks::count_grammatical(tokens->decode(guessed.filled_ids));
    std::printf("-- with the guesses %d of %d sentences are grammatical\n", static_cast<int>(right),
                static_cast<int>(sentences));
  };
  const auto verdict = run_epochs(run, model, optimiser, loader, step, judge, show);
  if (!verdict) return kInterruptedExitCode;

  Report report = training_report(run, "Masked language model", *verdict);
  report.samples.push_back({.source = "guesses in brackets", .output = guessed.sample});
  finish_program(run, report, *verdict, seconds_since(start));
  return 0;
}

void fill_with(const TensorFile& saved, const Config& config) {
  constexpr std::string_view kMask = "<mask>";
  const std::unique_ptr<Tokenizer> tokens = read_tokenizer(saved_vocabulary(saved));
  Rng rng(config.seed);
  MaskedLanguageModel model(model_config(config, *tokens), rng);
  load_model(saved, model);
  std::vector<std::int32_t> ids;
  for (std::string_view rest = *config.fill; !rest.empty();) {
    const std::size_t at = rest.find(kMask);
    const std::vector<std::int32_t> before = tokens->encode(rest.substr(0, at));
    ids.insert(ids.end(), before.begin(), before.end());
    if (at == std::string_view::npos) break;
    ids.push_back(tokens->mask());
    rest.remove_prefix(at + kMask.size());
  }
  const Tensor best = guesses(model, batch_of(std::span(&ids, 1), Tokenizer::kPad));
  std::printf("%s\n", filled(*tokens, ids, best.data<std::int32_t>()).c_str());
}

int run(int argc, char** argv) {
  Config config;
  config.epochs = 12;
  config.batch = 32;
  config.learning_rate = 3e-3;
  config.warm_up = 100;
  Flags flags("masked_language_model", "Trains an encoder to guess hidden tokens of a text.");
  add_training_flags(flags, config, "a UTF-8 text to learn from");
  add_token_flags(flags, config.text);
  flags.add("window", &config.window, "tokens that the model sees", at_least(1));
  flags.add("share", &config.share, "of the tokens that are hidden", between(0.01, 0.9));
  add_transformer_flags(flags, config.transformer);
  flags.add("fill", &config.fill,
            "guess what stands at each <mask> of this text, with the checkpoint in --out");
  flags.do_not_remember({"fill"});
  std::optional<TensorFile> saved;
  const auto uses_checkpoint = [&] { return config.resume || config.fill.has_value(); };
  if (!parse_training_flags(argc, argv, flags, config, uses_checkpoint, saved)) return 0;
  if (!config.fill) return train(config, flags, saved);
  fill_with(*saved, config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
