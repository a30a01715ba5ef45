// Whole numbers, signs, and what division leaves: functions made of straight pieces.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "core/error.h"

namespace heed {

/// The gradient of a function that is constant but for its jumps: 0, also at the jumps.
struct NoSlope {
  Var operator()(const Var& dy) const { return Var(Tensor::zeros(dy.shape(), dy.dtype())); }
};

/// |x|.   dx = dy sign(x): 0 at 0
inline Var abs(const Var& x, SourceLocation at = {}) {
  return record({"abs", at}, abs(x.value()), wrt(x, [x](const Var& dy) { return dy * Var(sign(x.value())); }));
}

/// 1, 0 or -1.   dx = 0
inline Var sign(const Var& x, SourceLocation at = {}) {
  return record({"sign", at}, sign(x.value()), wrt(x, NoSlope()));
}

/// The next whole number below.   dx = 0
inline Var floor(const Var& x, SourceLocation at = {}) {
  return record({"floor", at}, floor(x.value()), wrt(x, NoSlope()));
}

/// The next whole number above.   dx = 0
inline Var ceil(const Var& x, SourceLocation at = {}) {
  return record({"ceil", at}, ceil(x.value()), wrt(x, NoSlope()));
}

/// The nearest whole number, of two equally near the even one.   dx = 0
inline Var round(const Var& x, SourceLocation at = {}) {
  return record({"round", at}, round(x.value()), wrt(x, NoSlope()));
}

/// The next whole number towards 0.   dx = 0
inline Var trunc(const Var& x, SourceLocation at = {}) {
  return record({"trunc", at}, trunc(x.value()), wrt(x, NoSlope()));
}

/// a - b trunc(a / b): what is left of a, with its sign, as in C.   da = dy   db = -dy trunc(a / b)
inline Var fmod(const Var& a, const Var& b, SourceLocation at = {}) {
  return record({"fmod", at}, fmod(a.value(), b.value()), wrt(a, [](const Var& dy) { return dy; }),
                wrt(b, [a, b](const Var& dy) { return dy * Var(-trunc(a.value() / b.value())); }));
}

/// a - b floor(a / b): what is left of a, with the sign of b, as Python's %.   da = dy   db = -dy floor(a / b)
inline Var remainder(const Var& a, const Var& b, SourceLocation at = {}) {
  return record({"remainder", at}, remainder(a.value(), b.value()), wrt(a, [](const Var& dy) { return dy; }),
                wrt(b, [a, b](const Var& dy) { return dy * Var(-floor(a.value() / b.value())); }));
}

/// `value` in place of x, as if it were x: the gradient passes through what made it, such as rounding (the
/// straight-through estimator, Bengio et al. 2013).   dx = dy
/// Throws ShapeError unless both have one shape, DTypeError unless one type.
inline Var straight_through(const Tensor& value, const Var& x, SourceLocation at = {}) {
  if (value.shape() != x.shape())
    throw ShapeError({.what = text("straight_through: the value is ", value.shape(), ", x is ", x.shape()),
                      .expected = "value.shape == x.shape"});
  if (value.dtype() != x.dtype()) throw_dtypes_differ(value, x.value(), "straight_through");
  return record({"straight_through", at}, value, wrt(x, [](const Var& dy) { return dy; }));
}

}  // namespace heed
