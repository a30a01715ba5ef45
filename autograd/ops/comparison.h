// Comparisons, the larger and the smaller of two, and elements that are replaced.
#pragma once

#include "autograd/ops/arithmetic.h"

namespace heed {

// ---- as booleans, to which no gradient flows; contracts as in core/elementwise.h

inline Tensor equal(const Var& a, const Var& b) { return equal(a.value(), b.value()); }
inline Tensor equal(const Var& a, double b) { return equal(a.value(), b); }
inline Tensor not_equal(const Var& a, const Var& b) { return not_equal(a.value(), b.value()); }
inline Tensor not_equal(const Var& a, double b) { return not_equal(a.value(), b); }
inline Tensor less(const Var& a, const Var& b) { return less(a.value(), b.value()); }
inline Tensor less(const Var& a, double b) { return less(a.value(), b); }
inline Tensor less_equal(const Var& a, const Var& b) { return less_equal(a.value(), b.value()); }
inline Tensor less_equal(const Var& a, double b) { return less_equal(a.value(), b); }
inline Tensor greater(const Var& a, const Var& b) { return greater(a.value(), b.value()); }
inline Tensor greater(const Var& a, double b) { return greater(a.value(), b); }
inline Tensor greater_equal(const Var& a, const Var& b) { return greater_equal(a.value(), b.value()); }
inline Tensor greater_equal(const Var& a, double b) { return greater_equal(a.value(), b); }
inline Tensor isnan(const Var& x) { return isnan(x.value()); }
inline Tensor isinf(const Var& x) { return isinf(x.value()); }
inline Tensor isfinite(const Var& x) { return isfinite(x.value()); }

// ---- operations

/// The larger of each pair; NaN when either is.   da, db: dy to the larger, half of it to each of two equals
inline Var maximum(const Var& a, const Var& b, SourceLocation at = {}) {
  return record(
      {"maximum", at}, maximum(a.value(), b.value()),
      wrt(a, [a, b](const Var& dy) { return where(less(a, b), 0.0, where(equal(a, b), dy * 0.5, dy)); }),
      wrt(b, [a, b](const Var& dy) { return where(less(b, a), 0.0, where(equal(a, b), dy * 0.5, dy)); }));
}
inline Var maximum(const Var& a, double s, SourceLocation at = {}) {
  return maximum(a, Var(Tensor::scalar(s, a.dtype())), at);
}
inline Var maximum(double s, const Var& a, SourceLocation at = {}) { return maximum(a, s, at); }

/// The smaller of each pair; NaN when either is.   da, db: dy to the smaller, half of it to each of two equals
inline Var minimum(const Var& a, const Var& b, SourceLocation at = {}) {
  return record(
      {"minimum", at}, minimum(a.value(), b.value()),
      wrt(a, [a, b](const Var& dy) { return where(greater(a, b), 0.0, where(equal(a, b), dy * 0.5, dy)); }),
      wrt(b, [a, b](const Var& dy) { return where(greater(b, a), 0.0, where(equal(a, b), dy * 0.5, dy)); }));
}
inline Var minimum(const Var& a, double s, SourceLocation at = {}) {
  return minimum(a, Var(Tensor::scalar(s, a.dtype())), at);
}
inline Var minimum(double s, const Var& a, SourceLocation at = {}) { return minimum(a, s, at); }

/// Each element, or the end of the interval that it is beyond: `clamp(x, {.min = 0, .max = 6})`.
///   dx = dy inside, also on the ends; 0 beyond
/// Throws ConfigError when min > max.
inline Var clamp(const Var& x, const Bounds& bounds, SourceLocation at = {}) {
  return record({"clamp", at}, clamp(x.value(), bounds), wrt(x, [x, bounds](const Var& dy) {
                  return where(equal(x.value(), clamp(x.value(), bounds)), dy, 0.0);
                }));
}

/// x with the number `value` where the mask (boolean) is true.   dx = dy, 0 where filled
/// Throws ShapeError unless the mask broadcasts to x's shape.
inline Var masked_fill(const Var& x, const Tensor& mask, double value, SourceLocation at = {}) {
  return record({"masked_fill", at}, masked_fill(x.value(), mask, value),
                wrt(x, [mask](const Var& dy) { return where(unchanged(mask), 0.0, dy); }));
}

/// x with NaN and infinities replaced: by 0 and the largest numbers there are, or as asked.
///   dx = dy where x is a number, 0 where it was replaced
inline Var nan_to_num(const Var& x, const NanToNum& by = {}, SourceLocation at = {}) {
  return record({"nan_to_num", at}, nan_to_num(x.value(), by),
                wrt(x, [x](const Var& dy) { return where(isfinite(x), dy, 0.0); }));
}

}  // namespace heed
