// Self-attention with one head, as articles explain it: a sequence looks at itself.
#pragma once

#include "core/mask.h"
#include "layers/linear.h"

namespace heed {

/// softmax(x xT) x: each step becomes the mean of the steps that resemble it. Nothing is learnt.
///
///   x [T, D] or [B, T, D]   ->   the same shape;   the mask broadcasts to [T, T] or [B, T, T]
///
/// Throws ShapeError for an x of another rank or a mask that does not fit.
Var self_attention(const Var& x, const Mask& mask = {});

struct SelfAttentionConfig {
  std::int64_t width = 0;  ///< D, of what comes in
  std::int64_t inner = 0;  ///< of queries, keys and values, and so of what goes out; 0: D
  bool bias = true;
  bool scaled = false;  ///< scores divided by the square root of `inner`, as a transformer does
};

/// softmax(q kT) v with q, k, v = x mapped by a Linear each:  x [T, D] or [B, T, D] -> [..., T, inner].
/// Parts `query`, `key`, `value`. One head of MultiHeadAttention without the map behind it.
class SelfAttention : public Module {
 public:
  /// Throws ConfigError unless the widths are at least 1.
  SelfAttention(const SelfAttentionConfig& config, Rng& rng);
  /// The mask broadcasts to [T, T] or [B, T, T]. Throws ShapeError unless x and mask fit.
  Var operator()(const Var& x, const Mask& mask = {}) const;

 private:
  SelfAttentionConfig config_;
  Linear query_, key_, value_;
};

}  // namespace heed
