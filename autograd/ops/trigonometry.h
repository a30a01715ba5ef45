// Angles, in radians, and hyperbolic functions (tanh is in arithmetic.h).
#pragma once

#include "autograd/ops/powers.h"

namespace heed {

Var cos(const Var& x, SourceLocation at = {});
Var cosh(const Var& x, SourceLocation at = {});

/// Sine.   dx = dy cos(x)
inline Var sin(const Var& x, SourceLocation at = {}) {
  return record({"sin", at}, sin(x.value()), wrt(x, [x](const Var& dy) { return dy * cos(x); }));
}

/// Cosine.   dx = -dy sin(x)
inline Var cos(const Var& x, SourceLocation at) {
  return record({"cos", at}, cos(x.value()), wrt(x, [x](const Var& dy) { return -(dy * sin(x)); }));
}

/// Tangent.   dx = dy (1 + y²)
inline Var tan(const Var& x, SourceLocation at = {}) {
  return record({"tan", at}, tan(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return dy * (square(y) + 1.0); }));
}

/// The angle in [-pi/2, pi/2] whose sine is x.   dx = dy / sqrt(1 - x²), infinite at -1 and 1
inline Var asin(const Var& x, SourceLocation at = {}) {
  return record({"asin", at}, asin(x.value()),
                wrt(x, [x](const Var& dy) { return dy * rsqrt((1.0 - x) * (x + 1.0)); }));
}

/// The angle in [0, pi] whose cosine is x.   dx = -dy / sqrt(1 - x²), infinite at -1 and 1
inline Var acos(const Var& x, SourceLocation at = {}) {
  return record({"acos", at}, acos(x.value()),
                wrt(x, [x](const Var& dy) { return -(dy * rsqrt((1.0 - x) * (x + 1.0))); }));
}

/// The angle in (-pi/2, pi/2) whose tangent is x.   dx = dy / (1 + x²)
inline Var atan(const Var& x, SourceLocation at = {}) {
  return record({"atan", at}, atan(x.value()), wrt(x, [x](const Var& dy) { return dy / (square(x) + 1.0); }));
}

/// The angle in [-pi, pi] of the point (x, y), as C orders the two.
///   dy = dz x / (x² + y²)   dx = -dz y / (x² + y²), 0 at the origin, which has no angle
inline Var atan2(const Var& y, const Var& x, SourceLocation at = {}) {
  const auto square_of_length = [](const Var& v, const Var& h) {
    const Var sum = square(h) + square(v);
    return where(equal(sum.value(), 0.0), 1.0, sum);
  };
  return record({"atan2", at}, atan2(y.value(), x.value()),
                wrt(y, [=](const Var& dz) { return dz * x / square_of_length(y, x); }),
                wrt(x, [=](const Var& dz) { return -(dz * y) / square_of_length(y, x); }));
}

/// (e^x - e^-x) / 2.   dx = dy cosh(x)
inline Var sinh(const Var& x, SourceLocation at = {}) {
  return record({"sinh", at}, sinh(x.value()), wrt(x, [x](const Var& dy) { return dy * cosh(x); }));
}

/// (e^x + e^-x) / 2.   dx = dy sinh(x)
inline Var cosh(const Var& x, SourceLocation at) {
  return record({"cosh", at}, cosh(x.value()), wrt(x, [x](const Var& dy) { return dy * sinh(x); }));
}

/// The number whose sinh is x.   dx = dy / sqrt(x² + 1)
inline Var asinh(const Var& x, SourceLocation at = {}) {
  return record({"asinh", at}, asinh(x.value()),
                wrt(x, [x](const Var& dy) { return dy * rsqrt(square(x) + 1.0); }));
}

/// The number >= 0 whose cosh is x; NaN below 1.   dx = dy / sqrt(x² - 1), infinite at 1
inline Var acosh(const Var& x, SourceLocation at = {}) {
  return record({"acosh", at}, acosh(x.value()),
                wrt(x, [x](const Var& dy) { return dy * rsqrt((x - 1.0) * (x + 1.0)); }));
}

/// The number whose tanh is x; infinite at -1 and 1, NaN beyond.   dx = dy / (1 - x²)
inline Var atanh(const Var& x, SourceLocation at = {}) {
  return record({"atanh", at}, atanh(x.value()),
                wrt(x, [x](const Var& dy) { return dy / ((1.0 - x) * (x + 1.0)); }));
}

}  // namespace heed
