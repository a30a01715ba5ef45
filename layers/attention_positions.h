// AttentionPositions: positions that act inside of attention, on queries and keys, on scores or on values.
#pragma once

#include <variant>

#include "layers/positions.h"

namespace heed {

/// Scores fall with distance, each head's at its own slope (Press et al. 2022). Nothing is learnt.
struct Alibi {};

/// Scores are multiplied by a learnt coefficient for each distance and head.
struct RelativeCoefficients {
  std::int64_t max_distance = 16;  ///< farther ones share the last coefficient, on either side
};

/// A learnt vector for each distance is added to the keys, another to the values (Shaw et al. 2018); all heads
/// share them.
struct RelativeVectors {
  std::int64_t max_distance = 16;  ///< farther ones share the last vectors, on either side
};

/// How attention learns of positions: not at all, or in one of these ways.
using PositionScheme =
    std::variant<std::monostate, Rotary, Alibi, BucketBias, RelativeCoefficients, RelativeVectors>;

/// What a scheme does to H heads. Queries stand at positions first … first + T - 1, keys at 0 … S - 1.
/// Parameters: of BucketBias `bias` [buckets, H], zeros; of RelativeCoefficients `coefficients` [2 max_distance
/// + 1, H], ones; of RelativeVectors `keys` [2 max_distance + 1, d] and `values` [2 max_distance + 1, e],
/// normal with deviations 1 / sqrt(d) and 1 / sqrt(e).
class AttentionPositions : public Module {
 public:
  /// Throws ConfigError for sizes that make no sense, or an odd d for Rotary.
  AttentionPositions(const PositionScheme& scheme, std::int64_t heads, std::int64_t width,
                     std::int64_t value_width, Rng& rng);

  /// Queries or keys x [B, H, T, d] that stand at positions first, first + 1, …: turned by Rotary, else x.
  Var placed(const Var& x, std::int64_t first) const;
  /// Whether the scheme needs the scores, so that the fused attention cannot be used.
  bool needs_scores() const;
  /// The scores [B, H, T, S], made of q [B, H, T, d] and multiplied by `scale` already, as the scheme has them.
  Var on_scores(const Var& scores, const Var& q, double scale, std::int64_t first) const;
  /// What values have given, y [B, H, T, e], with what RelativeVectors gives by the weights [B, H, T, S].
  Var on_values(const Var& y, const Var& weights, std::int64_t first) const;

 private:
  PositionScheme scheme_;
  std::int64_t heads_;
  Var table_, value_table_;
};

}  // namespace heed
