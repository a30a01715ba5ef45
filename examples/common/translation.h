// Judging and showing a model that turns one text into another. Templates: any model with generate().
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "core/plot.h"
#include "data/evaluate.h"
#include "examples/common/training.h"

namespace heed::programs {

/// Sum of the losses of each pair's target, the model being given the target so far.
template <class Model>
std::vector<double> target_losses(const Model& model, const Pairs& pairs, const Vocabulary& characters) {
  const NoGrad no_grad;
  std::vector<double> losses;
  const Loader loader(pairs, characters, {.batch = 256, .shuffle = false});
  for (const Batch& batch : Epoch(loader.epoch(Epoch::State{}))) {
    const Var each =
        cross_entropy(model(batch.source, batch.target_in), batch.target_out, {.reduction = Reduction::none});
    const std::vector<double> sums = sum(each, 1).value().to_vector();  // [B, T] -> [B]
    losses.insert(losses.end(), sums.begin(), sums.end());
  }
  return losses;
}

/// What the model writes for each pair, and its loss where that is wrong.
template <class Model>
Evaluation evaluate(const Model& model, const Pairs& pairs, const Vocabulary& characters) {
  std::vector<std::string> sources;
  for (const Pair& pair : pairs) sources.push_back(pair.source);
  const std::vector<std::string> written = convert_all(model, sources, characters);
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
  const std::vector<double> losses = target_losses(model, wrong, characters);
  for (std::size_t i = 0, next = 0; i < pairs.size(); ++i)
    if (!evaluation.right[i]) evaluation.examples[i].loss = losses[next++];
  return evaluation;
}

/// Converts one text and keeps where the model looked; without attention the map has no weights.
template <class Model>
AttentionMap convert(const Model& model, const std::string& source, const Vocabulary& characters) {
  const std::vector<std::int32_t> ids = characters.encode(source);
  const auto result = model.generate(ids);
  AttentionMap map{.source = source, .output = characters.decode(result.ids)};
  for (const std::int32_t id : ids) map.source_tokens.push_back(characters.label(id));
  for (const std::int32_t id : result.ids) map.output_tokens.push_back(characters.label(id));
  if (result.weights.defined())
    map.weights = result.weights.slice(0, 0, static_cast<std::int64_t>(result.ids.size())).to_vector();
  return map;
}

/// The map in the terminal: where each written character looked.
inline void print_attention(const AttentionMap& map, bool color) {
  if (map.weights.empty()) return;
  std::printf("%s -> %s\n%s", map.source.c_str(), map.output.c_str(),
              terminal_heat_map(map.weights, map.output_tokens, map.source_tokens, {.color = color}).c_str());
}

}  // namespace heed::programs
