// Examples as ids, ready for a model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tokens.h"
#include "data/pairs.h"
#include "data/tokenizer.h"

namespace heed {

/// Some examples side by side. With the target "1996", a decoder reads `<start> 1 9 9 6` and is to write
/// `1 9 9 6 <end>`.
struct Batch {
  Tokens source;      ///< [B, S]
  Tokens target_in;   ///< [B, T]: start, then the target
  Tensor target_out;  ///< [B, T]: the target, then end; -1 where nothing counts
  std::int64_t size() const { return source.batch(); }
};

/// Pairs as ids, encoded once.
class EncodedPairs {
 public:
  /// Throws as `Tokenizer::encode`.
  EncodedPairs(const Pairs& pairs, const Tokenizers& tokenizers);
  std::int64_t size() const { return static_cast<std::int64_t>(sources_.size()); }
  std::int64_t source_length(std::int64_t example) const {
    return static_cast<std::int64_t>(sources_[static_cast<std::size_t>(example)].size());
  }
  Batch batch(std::span<const std::int64_t> examples) const;

 private:
  std::vector<std::vector<std::int32_t>> sources_, targets_;
};

/// Texts as the source of a batch. Throws as `Tokenizer::encode`.
Tokens encode_all(std::span<const std::string> texts, const Tokenizer& tokenizer);

}  // namespace heed
