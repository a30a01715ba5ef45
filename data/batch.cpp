#include "data/batch.h"

namespace heed {

EncodedPairs::EncodedPairs(const Pairs& pairs, const Tokenizers& tokenizers) {
  sources_.reserve(pairs.size());
  targets_.reserve(pairs.size());
  for (const Pair& pair : pairs) {
    sources_.push_back(tokenizers.source.encode(pair.source));
    targets_.push_back(tokenizers.target.encode(pair.target));
  }
}

Batch EncodedPairs::batch(std::span<const std::int64_t> examples) const {
  std::vector<std::vector<std::int32_t>> sources, inputs, outputs;
  for (const std::int64_t example : examples) {
    const auto& target = targets_[static_cast<std::size_t>(example)];
    sources.push_back(sources_[static_cast<std::size_t>(example)]);
    inputs.push_back({Tokenizer::kStart});
    inputs.back().insert(inputs.back().end(), target.begin(), target.end());
    outputs.push_back(target);
    outputs.back().push_back(Tokenizer::kEnd);
  }
  return {batch_of(sources, Tokenizer::kPad), batch_of(inputs, Tokenizer::kPad), batch_of(outputs, -1).ids};
}

Tokens encode_all(std::span<const std::string> texts, const Tokenizer& tokenizer) {
  std::vector<std::vector<std::int32_t>> sequences;
  for (const std::string& text : texts) sequences.push_back(tokenizer.encode(text));
  return batch_of(sequences, Tokenizer::kPad);
}

}  // namespace heed
