// Masks that say what they mean.
#pragma once

#include "core/tensor.h"

namespace heed {

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
  /// Target position t sees source positions 0 … t: [T, S].
  static Mask causal(std::int64_t target, std::int64_t source);
  /// Sequence b has lengths[b] real positions of `source`: lengths [B] (i32) -> [B, 1, S].
  /// Throws ShapeError for lengths of another form.
  static Mask padding(const Tensor& lengths, std::int64_t source);

  bool defined() const { return allowed_.defined(); }
  /// Boolean, true where attended to.
  const Tensor& attends() const { return allowed_; }
  /// Attended to by both. Throws ShapeError when they do not broadcast.
  friend Mask operator&(const Mask& a, const Mask& b);

 private:
  Tensor allowed_;
};

}  // namespace heed
