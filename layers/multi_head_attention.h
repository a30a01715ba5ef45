// Multi-head attention: several attentions side by side, each in a part of the width.
#pragma once

#include "core/mask.h"
#include "layers/linear.h"

namespace heed {

struct MultiHeadAttentionConfig {
  std::int64_t width = 0;  ///< D, of what comes in and of what goes out
  std::int64_t heads = 8;  ///< H; each is D / H wide
  bool bias = true;
};

/// Queries look at keys and take the values (Vaswani et al. 2017):
///
///   query [B, T, D]   keys [B, S, D]   values [B, S, D]   ->   [B, T, D]
///
/// Each is mapped by a Linear of its own and cut into heads; what the heads give is joined and mapped once
/// more. Parts `query`, `key`, `value`, `out`, each D -> D. The mask broadcasts to [B, T, S], or to [B, H, T,
/// S] when it has four axes.
class MultiHeadAttention : public Module {
 public:
  /// Throws ConfigError unless there is at least one head and the heads divide the width.
  MultiHeadAttention(const MultiHeadAttentionConfig& config, Rng& rng);
  /// Throws ShapeError when batches, lengths or widths do not fit.
  Var operator()(const Var& query, const Var& keys, const Var& values, const Mask& mask = {}) const;

 private:
  Var heads_of(const Linear& map, const Var& x) const;

  std::int64_t heads_;
  Linear query_, key_, value_, out_;
};

}  // namespace heed
