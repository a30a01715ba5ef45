#include "examples/common/translation.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "core/plot.h"
#include "data/bpe_tokenizer.h"
#include "data/evaluate.h"
#include "data/loader.h"
#include "data/vocabulary.h"
#include "data/word_tokenizer.h"
#include "examples/common/epochs.h"
#include "layers/recurrent_presets.h"
#include "layers/recurrent_seq2seq.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "optim/adam.h"

namespace heed::programs {
namespace {

template <class Model>
Translator book(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng) {
  return Translator(std::make_unique<Model>(Seq2seqConfig{.vocabulary = tokenizer.size(),
                                                          .embedding = config.recurrent.embedding,
                                                          .hidden = config.recurrent.hidden,
                                                          .reverse_source = config.recurrent.reverse,
                                                          .start = Tokenizer::kStart,
                                                          .end = Tokenizer::kEnd},
                                            rng));
}

template <RecurrentSeq2seqConfig (*kPreset)(RecurrentSeq2seqConfig)>
Translator recurrent(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng) {
  RecurrentSeq2seqConfig made = config.recurrent.config();
  made.vocabulary = tokenizer.size();
  if (config.layers > 0) made.layers = config.layers;
  made.input_dropout = made.dropout = config.dropout;
  made.start = Tokenizer::kStart;
  made.end = Tokenizer::kEnd;
  return Translator(std::make_unique<RecurrentSeq2seq>(kPreset(made), rng));
}

Translator transformer(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng) {
  TransformerSizes sizes = config.transformer;
  if (config.layers > 0) sizes.layers = config.layers;
  sizes.dropout = config.dropout;
  return Translator(std::make_unique<Transformer>(TransformerConfig{.vocabulary = tokenizer.size(),
                                                                    .layers = sizes.layers,
                                                                    .layer = sizes.layer(),
                                                                    .start = Tokenizer::kStart,
                                                                    .end = Tokenizer::kEnd},
                                                  rng));
}

struct Kind {
  const char* name;
  Translator (*make)(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng);
};
constexpr Kind kKinds[] = {{"seq2seq", book<Seq2seq>},
                           {"peeky", book<PeekySeq2seq>},
                           {"attention", book<AttentionSeq2seq>},
                           {"input-feeding", recurrent<input_feeding>},
                           {"attention-between", recurrent<attention_between>},
                           {"bidirectional", recurrent<bidirectional_attention>},
                           {"deep-residual", recurrent<deep_residual>},
                           {"gnmt", recurrent<gnmt>},
                           {"coverage", recurrent<coverage_attention>},
                           {"copy", recurrent<pointer_generator>},
                           {"transformer", transformer}};

// Without dropout while it lives.
class Evaluating {
 public:
  explicit Evaluating(Translator& model) : module_(model.module()), before_(module_.training()) {
    module_.eval();
  }
  ~Evaluating() { module_.train(before_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  Module& module_;
  bool before_;
};

// Sum of the losses of each pair's target, the model being given the target so far.
std::vector<double> target_losses(const Translator& model, const Pairs& pairs, const Tokenizer& tokenizer) {
  const NoGrad no_grad;
  std::vector<double> losses;
  const Loader loader(pairs, tokenizer, {.batch = 256, .shuffle = false});
  for (const Batch& batch : Epoch(loader.epoch(Epoch::State{}))) {
    const Var each = cross_entropy(model(batch.source, batch.target_in).scores, batch.target_out,
                                   {.reduction = Reduction::none});
    const std::vector<double> sums = sum(each, 1).value().to_vector();  // [B, T] -> [B]
    losses.insert(losses.end(), sums.begin(), sums.end());
  }
  return losses;
}

// Maps of some examples, spread evenly.
std::vector<AttentionMap> attention_maps(Translator& model, const Pairs& pairs, const Tokenizer& tokenizer) {
  std::vector<AttentionMap> maps;
  const std::size_t count = std::min<std::size_t>(4, pairs.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = pairs[i * pairs.size() / count];
    AttentionMap map = convert(model, pair.source, tokenizer);
    map.expected = pair.target;
    if (!map.weights.empty()) maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

void add_translation_flags(Flags& flags, TranslationConfig& config) {
  add_training_flags(flags, config, kPairsFile);
  flags.choice("model", &config.model, model_names(), "which model to train");
  add_model_flags(flags, config);
  add_split_flag(flags, config);
  flags.add("convert", &config.convert, "convert this text with the checkpoint in --out, and stop");
  flags.add("beams", &config.beams,
            "hypotheses of the search that converts it; 1: the most probable id each time", at_least(1));
  flags.do_not_remember({"convert", "beams"});
}

void add_model_flags(Flags& flags, TranslationConfig& config) {
  flags.choice("tokens", &config.tokens, {"characters", "words", "bpe"}, "what texts are cut into");
  flags.add("merges", &config.merges, "tokens to learn, of bpe", at_least(0));
  flags.add(
      "layers", &config.layers,
      "how many, in each stack, of all but the book's models; 0: 2 of a transformer, else the model's own",
      at_least(0));
  flags.add("dropout", &config.dropout, "share that is left out in training, of all but the book's models",
            between(0, 0.9));
  add_recurrent_flags(flags, config.recurrent);
  add_transformer_flags(flags, config.transformer, ", of a transformer");
}

void add_split_flag(Flags& flags, TranslationConfig& config) {
  flags.choice("split", &config.split, {"leak-free", "random"},
               "how unseen examples are set apart: no source on both sides, or at random");
}

Translator make_translator(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng) {
  for (const Kind& kind : kKinds)
    if (kind.name == config.model) return kind.make(config, tokenizer, rng);
  throw ConfigError({.what = text("there is no model ", config.model)});
}

std::unique_ptr<Tokenizer> make_tokenizer(const TranslationConfig& config, const Pairs& all,
                                          const Pairs& train) {
  if (config.tokens == "words") return std::make_unique<WordTokenizer>(train);
  if (config.tokens == "bpe") return std::make_unique<BpeTokenizer>(train, BpeOptions{.merges = config.merges});
  return std::make_unique<Vocabulary>(all);
}

Split split_as_configured(const Pairs& pairs, const TranslationConfig& config, Rng& rng) {
  Split split = config.split == "random" ? split_random(pairs, 0.1, rng) : split_leak_free(pairs, 0.1, rng);
  std::printf("%s", to_string(leak_report(split.train, split.unseen)).c_str());
  return split;
}

Evaluation evaluate(Translator& model, const Pairs& pairs, const Tokenizer& tokenizer) {
  const Evaluating without_dropout(model);
  std::vector<std::string> sources;
  for (const Pair& pair : pairs) sources.push_back(pair.source);
  const std::vector<std::string> written = convert_all(model, sources, tokenizer);
  Evaluation evaluation;
  Pairs wrong;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    evaluation.right.push_back(written[i] == pairs[i].target);
    evaluation.examples.push_back(
        {.source = pairs[i].source, .expected = pairs[i].target, .output = written[i]});
    if (!evaluation.right.back()) wrong.push_back(pairs[i]);
  }
  evaluation.exact = 1 - static_cast<double>(wrong.size()) / static_cast<double>(pairs.size());
  if (wrong.empty()) return evaluation;
  const std::vector<double> losses = target_losses(model, wrong, tokenizer);
  for (std::size_t i = 0, next = 0; i < pairs.size(); ++i)
    if (!evaluation.right[i]) evaluation.examples[i].loss = losses[next++];
  return evaluation;
}

void print_samples(const Evaluation& evaluation) {
  const std::size_t n = evaluation.examples.size(), count = std::min<std::size_t>(10, n);
  for (std::size_t i = 0; i < count; ++i) {
    const Example& example = evaluation.examples[i * n / count];
    if (evaluation.right[i * n / count])
      std::printf("  right  %s -> %s\n", example.source.c_str(), example.output.c_str());
    else
      std::printf("  WRONG  %s -> %s  (expected %s)\n", example.source.c_str(), example.output.c_str(),
                  example.expected.c_str());
  }
  std::fflush(stdout);
}

AttentionMap convert(Translator& model, const std::string& source, const Tokenizer& tokenizer,
                     std::int64_t beams) {
  const Evaluating without_dropout(model);
  const std::vector<std::int32_t> ids = tokenizer.encode(source);
  const Tokens tokens = batch_of(std::span(&ids, 1), Tokenizer::kPad);
  const Generated result = beams == 1 ? model.generate(tokens).front()
                                      : model.search(tokens, {.beams = beams, .alpha = 1}).front().front();
  AttentionMap map{.source = source, .output = tokenizer.decode(result.ids)};
  for (const std::int32_t id : ids) map.source_tokens.push_back(tokenizer.label(id));
  for (const std::int32_t id : result.ids) map.output_tokens.push_back(tokenizer.label(id));
  if (result.weights.defined())
    map.weights = result.weights.slice(0, 0, static_cast<std::int64_t>(result.ids.size())).to_vector();
  return map;
}

void print_attention(const AttentionMap& map, bool color) {
  if (map.weights.empty()) return;
  std::printf("%s -> %s\n%s", map.source.c_str(), map.output.c_str(),
              terminal_heat_map(map.weights, map.output_tokens, map.source_tokens, {.color = color}).c_str());
}

Report translation_report(const Run& run, const std::string& title, Translator& model, const Pairs& unseen,
                          const Tokenizer& tokenizer, const Evaluation& evaluation) {
  Report report = training_report(run, title, {evaluation.exact, unseen.size()});
  report.attention = attention_maps(model, unseen, tokenizer);
  for (std::size_t i = 0; i < evaluation.examples.size(); ++i)
    if (!evaluation.right[i]) report.mistakes.push_back(evaluation.examples[i]);
  std::stable_sort(report.mistakes.begin(), report.mistakes.end(),
                   [](const Example& a, const Example& b) { return a.loss > b.loss; });
  if (report.mistakes.size() > 20) report.mistakes.resize(20);
  for (std::size_t i = 0; i < std::min<std::size_t>(10, evaluation.examples.size()); ++i)
    report.samples.push_back(evaluation.examples[i * evaluation.examples.size() / 10]);
  return report;
}

void convert_with(const TensorFile& saved, const TranslationConfig& config) {
  const std::unique_ptr<Tokenizer> tokenizer = read_tokenizer(saved_vocabulary(saved));
  Rng rng(config.seed);
  Translator model = make_translator(config, *tokenizer, rng);
  load_model(saved, model.module());
  const AttentionMap map = convert(model, *config.convert, *tokenizer, config.beams);
  std::printf("%s\n", map.output.c_str());
  if (isatty(STDOUT_FILENO) != 0) print_attention(map, true);
}

int run_translation(const TranslationTask& task, const TranslationConfig& config, const Flags& flags,
                    const std::optional<TensorFile>& saved) {
  if (config.convert) {
    convert_with(*saved, config);
    return 0;
  }
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained
  Rng rng(config.seed);
  const Split split = task.data(rng);
  Pairs all = split.train;
  all.insert(all.end(), split.unseen.begin(), split.unseen.end());
  const std::unique_ptr<Tokenizer> tokens = make_tokenizer(config, all, split.train);
  const Loader loader(split.train, *tokens, {.batch = config.batch, .sort_window = 8});
  Translator model = make_translator(config, *tokens, rng);
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate, .beta2 = task.beta2});
  std::printf("%s%lld tokens\n", model.module().summary().c_str(), static_cast<long long>(tokens->tokens()));
  Run run{.config = config, .flags = flags, .vocabulary = tokens->state(), .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model.module(), optimiser);

  const auto step = [&](const Batch& batch) -> StepResult {
    const auto [scores, auxiliary_loss] = model(batch.source, batch.target_in, &run.rng);
    Var loss = cross_entropy(scores, batch.target_out);
    if (auxiliary_loss.defined()) loss = loss + auxiliary_loss;
    loss.backward();
    const double norm = optimiser.step({.clip_norm = task.clip_norm});
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  Evaluation evaluation;
  const auto judge = [&]() -> Verdict {
    evaluation = evaluate(model, split.unseen, *tokens);
    return {evaluation.exact, split.unseen.size()};
  };
  const auto show = [&] { print_samples(evaluation); };
  const auto verdict = run_epochs(run, model.module(), optimiser, loader, step, judge, show);
  if (!verdict) return kInterruptedExitCode;
  const Report report = translation_report(run, task.title, model, split.unseen, *tokens, evaluation);
  if (!report.attention.empty()) print_attention(report.attention.front(), isatty(STDOUT_FILENO) != 0);
  finish_program(run, report, *verdict, seconds_since(start));
  return 0;
}

}  // namespace heed::programs
