// Dates as whole padded rows, the padding a character like any other: the work that the peers do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  std::int64_t target_time() const { return targets_.width - 1; }
  /// Batch i; after the last full one comes the first again.
  DateBatch batch(std::int64_t i) const;

 private:
  // As small as they can be: what is measured is the memory of training.
  struct Rows {
    std::int64_t count, width;
    std::vector<std::uint16_t> ids;
    Tensor slice(std::int64_t begin, std::int64_t end) const;  // [end - begin, width], i32
  };
  template <class IdsOfRow>
  static Rows padded(const std::vector<std::int64_t>& order, bool with_start, std::int32_t space,
                     IdsOfRow ids_of_row);

  std::int64_t batch_, vocabulary_;
  Rows sources_, targets_;
};

/// The pairs of a file with their padding, or made ones when the path is empty.
Pairs date_pairs(const std::string& path);

}  // namespace heed::bench
