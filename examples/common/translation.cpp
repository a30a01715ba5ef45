#include "examples/common/translation.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "core/plot.h"
#include "data/evaluate.h"
#include "data/loader.h"

namespace heed::programs {
namespace {

Seq2seqConfig seq2seq_config(const TranslationConfig& config, const Vocabulary& vocabulary) {
  return {.vocabulary = vocabulary.size(),
          .embedding = config.embedding,
          .hidden = config.hidden,
          .reverse_source = true,
          .start = Vocabulary::kStart,
          .end = Vocabulary::kEnd};
}

template <class Model>
Translator recurrent(const TranslationConfig& config, const Vocabulary& vocabulary, Rng& rng) {
  return Translator(std::make_unique<Model>(seq2seq_config(config, vocabulary), rng));
}

struct Kind {
  const char* name;
  Translator (*make)(const TranslationConfig& config, const Vocabulary& vocabulary, Rng& rng);
};
constexpr Kind kKinds[] = {{"seq2seq", recurrent<Seq2seq>},
                           {"peeky", recurrent<PeekySeq2seq>},
                           {"attention", recurrent<AttentionSeq2seq>}};

// Sum of the losses of each pair's target, the model being given the target so far.
std::vector<double> target_losses(const Translator& model, const Pairs& pairs, const Vocabulary& vocabulary) {
  const NoGrad no_grad;
  std::vector<double> losses;
  const Loader loader(pairs, vocabulary, {.batch = 256, .shuffle = false});
  for (const Batch& batch : Epoch(loader.epoch(Epoch::State{}))) {
    const Var each =
        cross_entropy(model(batch.source, batch.target_in), batch.target_out, {.reduction = Reduction::none});
    const std::vector<double> sums = sum(each, 1).value().to_vector();  // [B, T] -> [B]
    losses.insert(losses.end(), sums.begin(), sums.end());
  }
  return losses;
}

// Maps of some examples, spread evenly.
std::vector<AttentionMap> attention_maps(const Translator& model, const Pairs& pairs,
                                         const Vocabulary& vocabulary) {
  std::vector<AttentionMap> maps;
  const std::size_t count = std::min<std::size_t>(4, pairs.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = pairs[i * pairs.size() / count];
    AttentionMap map = convert(model, pair.source, vocabulary);
    map.expected = pair.target;
    if (!map.weights.empty()) maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace

void add_translation_flags(Flags& flags, TranslationConfig& config) {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  add_training_flags(flags, config, "a file of pairs, source<TAB>target or source_target a line");
  flags.choice("model", &config.model, names, "which model to train");
  flags.add("hidden", &config.hidden, "width of the recurrent layers", at_least(1));
  flags.add("embedding", &config.embedding, "width of the embedding", at_least(1));
  flags.choice("split", &config.split, {"leak-free", "random"},
               "how unseen examples are set apart: no source on both sides, or at random");
  flags.add("convert", &config.convert, "convert this text with the checkpoint in --out, and stop");
  flags.do_not_remember({"convert"});
}

Translator make_translator(const TranslationConfig& config, const Vocabulary& vocabulary, Rng& rng) {
  for (const Kind& kind : kKinds)
    if (kind.name == config.model) return kind.make(config, vocabulary, rng);
  throw ConfigError({.what = text("there is no model ", config.model)});
}

Split split_as_configured(const Pairs& pairs, const TranslationConfig& config, Rng& rng) {
  Split split = config.split == "random" ? split_random(pairs, 0.1, rng) : split_leak_free(pairs, 0.1, rng);
  std::printf("%s", to_string(leak_report(split.train, split.unseen)).c_str());
  return split;
}

Evaluation evaluate(const Translator& model, const Pairs& pairs, const Vocabulary& vocabulary) {
  std::vector<std::string> sources;
  for (const Pair& pair : pairs) sources.push_back(pair.source);
  const std::vector<std::string> written = convert_all(model, sources, vocabulary);
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
  const std::vector<double> losses = target_losses(model, wrong, vocabulary);
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

AttentionMap convert(const Translator& model, const std::string& source, const Vocabulary& vocabulary) {
  const std::vector<std::int32_t> ids = vocabulary.encode(source);
  const Generated result = model.generate(batch_of(std::span(&ids, 1), 0)).front();
  AttentionMap map{.source = source, .output = vocabulary.decode(result.ids)};
  for (const std::int32_t id : ids) map.source_tokens.push_back(vocabulary.label(id));
  for (const std::int32_t id : result.ids) map.output_tokens.push_back(vocabulary.label(id));
  if (result.weights.defined())
    map.weights = result.weights.slice(0, 0, static_cast<std::int64_t>(result.ids.size())).to_vector();
  return map;
}

void print_attention(const AttentionMap& map, bool color) {
  if (map.weights.empty()) return;
  std::printf("%s -> %s\n%s", map.source.c_str(), map.output.c_str(),
              terminal_heat_map(map.weights, map.output_tokens, map.source_tokens, {.color = color}).c_str());
}

Report translation_report(const Run& run, const std::string& title, const Translator& model,
                          const Pairs& unseen, const Vocabulary& vocabulary, const Evaluation& evaluation) {
  Report report = training_report(run, title, evaluation.exact, unseen.size());
  report.attention = attention_maps(model, unseen, vocabulary);
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
  const Vocabulary vocabulary(saved_vocabulary(saved));
  Rng rng(config.seed);
  Translator model = make_translator(config, vocabulary, rng);
  load_model(saved, model.module());
  const AttentionMap map = convert(model, *config.convert, vocabulary);
  std::printf("%s\n", map.output.c_str());
  if (isatty(STDOUT_FILENO) != 0) print_attention(map, true);
}

}  // namespace heed::programs
