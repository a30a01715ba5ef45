// Dates as whole padded rows, the padding a character like any other: the work that the peers do.
#pragma once

#include <cstdint>
#include <string>

#include "core/tokens.h"
#include "data/pairs.h"

namespace heed::bench {

/// Some rows side by side.
struct DateBatch {
  Tokens source;      ///< [B, S]
  Tokens target_in;   ///< [B, T]: start, then the target but for its last character
  Tensor target_out;  ///< [B, T]
};

/// All rows as ids, in random order. Id 0 is the start of a target, the others are the characters.
class Dates {
 public:
  static constexpr std::int32_t kStart = 0;

  /// Throws ConfigError when there are fewer rows than a batch of `batch`.
  Dates(const Pairs& pairs, std::int64_t batch);

  std::int64_t vocabulary() const { return vocabulary_; }
  std::int64_t target_time() const { return targets_.extent(1) - 1; }
  /// Batch i; after the last full one comes the first again.
  DateBatch batch(std::int64_t i) const;

 private:
  std::int64_t batch_, vocabulary_;
  Tensor sources_, targets_;  // [N, S], [N, 1 + T]
};

/// The pairs of a file with their padding, or made ones when the path is empty.
Pairs date_pairs(const std::string& path);

}  // namespace heed::bench
