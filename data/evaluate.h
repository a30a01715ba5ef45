// How often a model writes exactly what is expected. A template: data knows no models.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "data/batch.h"
#include "data/metrics.h"

namespace heed {

/// What the model writes for each text: model.generate(tokens) gives one result a sequence, with `.ids`.
template <class Model>
std::vector<std::string> convert_all(const Model& model, std::span<const std::string> texts,
                                     const Tokenizers& tokenizers, std::int64_t batch = 256) {
  std::vector<std::string> written;
  for (std::size_t begin = 0; begin < texts.size(); begin += static_cast<std::size_t>(batch)) {
    const std::size_t size = std::min(texts.size() - begin, static_cast<std::size_t>(batch));
    for (const auto& result : model.generate(encode_all(texts.subspan(begin, size), tokenizers.source)))
      written.push_back(tokenizers.target.decode(result.ids));
  }
  return written;
}

/// The share of pairs whose target the model writes exactly from the source, in [0, 1].
template <class Model>
double exact_match(const Model& model, const Pairs& pairs, const Tokenizers& tokenizers) {
  std::vector<std::string> sources, targets;
  for (const Pair& pair : pairs) {
    sources.push_back(pair.source);
    targets.push_back(pair.target);
  }
  return exact_share(targets, convert_all(model, sources, tokenizers));
}

}  // namespace heed
