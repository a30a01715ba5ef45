// Functions of each element; f32 and f64, DTypeError for other types.
//
// exp, log, their forms near 0, tanh, sigmoid and erf run vectorised, within a few units of the last place
// (core/kernels/math.inc); where the value would be a subnormal number they may give 0. The others are those of
// the C library.
#pragma once

#include "core/elementwise.h"

namespace heed {

// ---- powers, exponentials and logarithms

inline Tensor square(const Tensor& x) { return apply(kernels::Unary::square, x, "square"); }
/// NaN below 0.
inline Tensor sqrt(const Tensor& x) { return apply(kernels::Unary::sqrt, x, "sqrt"); }
/// 1 / sqrt(x): infinite at 0, NaN below.
Tensor rsqrt(const Tensor& x);
inline Tensor reciprocal(const Tensor& x) { return apply(kernels::Unary::reciprocal, x, "reciprocal"); }
inline Tensor exp(const Tensor& x) { return apply(kernels::Unary::exp, x, "exp"); }
/// 2 to the power x.
Tensor exp2(const Tensor& x);
/// e to the power x, less 1, without the loss of digits near 0.
inline Tensor expm1(const Tensor& x) { return apply(kernels::Unary::expm1, x, "expm1"); }
/// Logarithms, natural and of bases 2 and 10: -infinity at 0, NaN below.
inline Tensor log(const Tensor& x) { return apply(kernels::Unary::log, x, "log"); }
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
/// log(1 + x) without the loss of digits near 0: -infinity at -1, NaN below.
inline Tensor log1p(const Tensor& x) { return apply(kernels::Unary::log1p, x, "log1p"); }

// ---- signs and whole numbers

inline Tensor abs(const Tensor& x) { return apply(kernels::Unary::absolute, x, "abs"); }
/// 1, 0 or -1; NaN of NaN.
inline Tensor sign(const Tensor& x) { return apply(kernels::Unary::sign, x, "sign"); }
/// The next whole number below, above, the nearest (of two equally near the even one), or the next towards 0.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);
/// What is left of a after taking off b a whole number of times: with the sign of a as in C, or of b as
/// Python's %. NaN for b = 0.
Tensor fmod(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, const Tensor& b);

// ---- angles, in radians, and hyperbolic functions

inline Tensor sin(const Tensor& x) { return apply(kernels::Unary::sin, x, "sin"); }
inline Tensor cos(const Tensor& x) { return apply(kernels::Unary::cos, x, "cos"); }
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
/// The angle of the point (x, y), in [-pi, pi].
Tensor atan2(const Tensor& y, const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
inline Tensor tanh(const Tensor& x) { return apply(kernels::Unary::tanh, x, "tanh"); }
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);

// ---- of statistics and networks

/// The error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to x, and 1 - erf(x) without the loss
/// of digits far above 0.
inline Tensor erf(const Tensor& x) { return apply(kernels::Unary::erf, x, "erf"); }
Tensor erfc(const Tensor& x);
/// 1 / (1 + e^-x).
inline Tensor sigmoid(const Tensor& x) { return apply(kernels::Unary::sigmoid, x, "sigmoid"); }
inline Tensor relu(const Tensor& x) { return apply(kernels::Unary::relu, x, "relu"); }
/// log(1 + e^x), without overflow, and with all digits far below 0.
Tensor softplus(const Tensor& x);

// ---- numbers that are none

/// Whether each element is NaN, infinite, or neither.
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

/// What takes the place of numbers that are none; without a value for an infinity, the largest (least) finite
/// number of the type.
struct NanToNum {
  double nan = 0;
  std::optional<double> positive_infinity = {}, negative_infinity = {};
};
/// x with NaN and infinities replaced.
Tensor nan_to_num(const Tensor& x, const NanToNum& by = {});

}  // namespace heed
