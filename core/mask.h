// Masks that say what they mean.
#pragma once

#include "core/tensor.h"

namespace heed {

/// How far a target sees around its own position.
struct MaskWindow {
  std::int64_t before = 0;
  std::int64_t after = 0;  ///< 0: no later position, a causal window
  std::int64_t first = 0;  ///< position of the first target
};

/// Which positions may be attended to: booleans that broadcast to scores [..., T, S]. Made only through
/// functions whose names say what true means, so that the two conventions cannot be confused. An undefined mask
/// attends to everything.
class Mask {
 public:
  Mask() = default;
  /// True: this position is attended to. Throws DTypeError unless boolean.
  static Mask attend(Tensor allowed);
  /// True: this position is blocked.
  static Mask block(const Tensor& forbidden);
  /// Target t stands at position first + t and sees source positions 0 … first + t: [T, S]. When targets come
  /// in parts, as in decoding, `first` is the number of those before.
  static Mask causal(std::int64_t target, std::int64_t source, std::int64_t first = 0);
  /// Target t at position p = first + t sees the sources p - before … p + after, as far as there are any: [T,
  /// S] (sliding windows, Beltagy et al. 2020). Throws ConfigError when `before` or `after` is negative.
  static Mask window(std::int64_t target, std::int64_t source, const MaskWindow& window);
  /// Sequence b has lengths[b] real positions of `source`: lengths [B] (i32) -> [B, 1, S].
  /// Throws ShapeError for lengths of another form.
  static Mask padding(const Tensor& lengths, std::int64_t source);

  bool defined() const { return allowed_.defined(); }
  /// Boolean, true where attended to.
  const Tensor& attends() const { return allowed_; }
  /// Attended to by both; their shapes broadcast. Throws ShapeError when they do not.
  friend Mask operator&(const Mask& a, const Mask& b);

 private:
  Tensor allowed_;
};

}  // namespace heed
