// Powers, and exponentials and logarithms beyond those of arithmetic.h.
#pragma once

#include "autograd/ops/arithmetic.h"

namespace heed {

/// x to the power n, also for x < 0 when n is a whole number.   dx = dy n x^(n-1); 0 for n = 0
inline Var pow(const Var& x, double n, SourceLocation at = {}) {
  return record({"pow", at}, pow(x.value(), n), wrt(x, [x, n](const Var& dy) {
                  if (n == 0) return Var(Tensor::zeros(dy.shape(), dy.dtype()));
                  return dy * n * (n == 2 ? x : pow(x, n - 1));
                }));
}

/// x to the power n, element by element.
///   dx = dy n x^(n-1), 0 where n is 0   dn = dy y log(x), 0 where x is 0 and n >= 0
/// Where x < 0 only whole powers are numbers, and dn is NaN: no number is near on both sides.
inline Var pow(const Var& x, const Var& n, SourceLocation at = {}) {
  return record({"pow", at}, pow(x.value(), n.value()),
                wrt(x,
                    [x, n](const Var& dy) {
                      const Tensor constant =
                          logical_and(equal(x.value(), 0.0), equal(n.value(), 0.0));  // not 0 * infinity
                      return dy * n * pow(x, where(constant, 1.0, n) - 1.0);
                    }),
                wrt(n, [x, n](const Var& dy, const Var& y) {
                  const Tensor zero = logical_and(equal(x.value(), 0.0), greater_equal(n.value(), 0.0));
                  return dy * y * log(where(zero, 1.0, x));
                }));
}

/// The number s to the power n.   dn = dy y log(s), 0 where s is 0 and n >= 0
inline Var pow(double s, const Var& n, SourceLocation at = {}) {
  return pow(Var(Tensor::scalar(s, n.dtype())), n, at);
}

/// 1 / x.   dx = -dy y²
inline Var reciprocal(const Var& x, SourceLocation at = {}) {
  return record({"reciprocal", at}, reciprocal(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return -(dy * square(y)); }));
}

/// 1 / sqrt(x); infinite at 0, NaN below.   dx = -dy y³ / 2
inline Var rsqrt(const Var& x, SourceLocation at = {}) {
  return record({"rsqrt", at}, rsqrt(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return dy * y * square(y) * -0.5; }));
}

/// 2 to the power x.   dx = dy y log(2)
inline Var exp2(const Var& x, SourceLocation at = {}) {
  return record({"exp2", at}, exp2(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return dy * y * std::numbers::ln2; }));
}

/// e to the power x, less 1, without the loss of digits near 0.   dx = dy (y + 1)
inline Var expm1(const Var& x, SourceLocation at = {}) {
  return record({"expm1", at}, expm1(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return dy * (y + 1.0); }));
}

/// log(1 + x) without the loss of digits near 0; -inf at -1, NaN below.   dx = dy / (1 + x)
inline Var log1p(const Var& x, SourceLocation at = {}) {
  return record({"log1p", at}, log1p(x.value()), wrt(x, [x](const Var& dy) { return dy / (x + 1.0); }));
}

/// Logarithm of base 2; -inf at 0, NaN below.   dx = dy / (x log(2))
inline Var log2(const Var& x, SourceLocation at = {}) {
  return record({"log2", at}, log2(x.value()),
                wrt(x, [x](const Var& dy) { return dy / (x * std::numbers::ln2); }));
}

/// Logarithm of base 10; -inf at 0, NaN below.   dx = dy / (x log(10))
inline Var log10(const Var& x, SourceLocation at = {}) {
  return record({"log10", at}, log10(x.value()),
                wrt(x, [x](const Var& dy) { return dy / (x * std::numbers::ln10); }));
}

/// 1 - erf(x) without the loss of digits far above 0.   dx = -dy 2 / sqrt(pi) e^(-x²)
inline Var erfc(const Var& x, SourceLocation at = {}) {
  return record({"erfc", at}, erfc(x.value()), wrt(x, [x](const Var& dy) {
                  return dy * (std::numbers::inv_sqrtpi * -2.0) * exp(-square(x));
                }));
}

}  // namespace heed
