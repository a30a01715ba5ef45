// Activations beyond those of arithmetic.h. At a kink the gradient is that of one side, which each one names.
#pragma once

#include "autograd/ops/comparison.h"
#include "autograd/ops/logistic.h"

namespace heed {

/// x times the normal distribution at x, Φ(x) = (1 + erf(x / sqrt(2))) / 2 (Hendrycks and Gimpel 2016).
///   dx = dy (Φ(x) + x φ(x)),   φ(x) = e^(-x²/2) / sqrt(2 π)
inline Var gelu(const Var& x, SourceLocation at = {}) {
  constexpr double kHalfRoot = 1 / std::numbers::sqrt2,
                   kDensity = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return record({"gelu", at}, x.value() * (erf(x.value() * kHalfRoot) + 1.0) * 0.5, wrt(x, [x](const Var& dy) {
                  const Var below = (erf(x * kHalfRoot) + 1.0) * 0.5;
                  return dy * (below + x * exp(square(x) * -0.5) * kDensity);
                }));
}

/// The same with tanh in place of the distribution: x (1 + tanh(u)) / 2 = x s with s = sigmoid(2u) and
/// u = sqrt(2 / π) (x + 0.044715 x³); within 5e-4 of gelu.
///   dx = dy (s + x s (1 - s) 2 u')
inline Var gelu_tanh(const Var& x, SourceLocation at = {}) {
  constexpr double kFactor = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi, kCubic = 0.044715;
  const Tensor& value = x.value();
  const Tensor cubed = apply(kernels::Unary::square, value, "gelu_tanh") * (kCubic * kFactor) + kFactor;
  return record({"gelu_tanh", at}, value * apply(kernels::Unary::sigmoid, value * cubed, "gelu_tanh"),
                wrt(x, [x](const Var& dy) {
                  const Var s = sigmoid(x * (square(x) * (kCubic * kFactor) + kFactor));
                  return dy * s * (1.0 + x * (1.0 - s) * (square(x) * (3 * kCubic * kFactor) + kFactor));
                }));
}

/// x sigmoid(x), also known as swish (Elfwing et al. 2018).   dx = dy s (1 + x (1 - s)) with s = sigmoid(x)
inline Var silu(const Var& x, SourceLocation at = {}) {
  return record({"silu", at}, x.value() * apply(kernels::Unary::sigmoid, x.value(), "silu"),
                wrt(x, [x](const Var& dy) {
                  const Var s = sigmoid(x);
                  return dy * s * (1.0 + x * (1.0 - s));
                }));
}

/// x tanh(softplus(x)) (Misra 2019).   dx = dy (t + x s (1 - t²)) with t = tanh(softplus(x)), s = sigmoid(x)
inline Var mish(const Var& x, SourceLocation at = {}) {
  return record({"mish", at}, x.value() * tanh(softplus(x.value())), wrt(x, [x](const Var& dy) {
                  const Var t = tanh(softplus(x));
                  return dy * (t + x * sigmoid(x) * (1.0 - square(t)));
                }));
}

/// x where x > 0, else slope x (Maas et al. 2013).   dx = dy where x > 0, else slope dy
Var leaky_relu(const Var& x, double slope = 0.01, SourceLocation at = {});

/// The same with a slope that is learnt and broadcasts to x: one number, or one for each position of the last
/// axis (He et al. 2015).   dx = dy where x > 0, else slope dy   dslope = 0 where x > 0, else dy x
/// Throws ShapeError unless the slope broadcasts to x's shape.
Var prelu(const Var& x, const Var& slope, SourceLocation at = {});

/// x where x > 0, else alpha (e^x - 1) (Clevert et al. 2016).   dx = dy where x > 0, else dy (y + alpha)
/// Throws ConfigError unless alpha > 0; so does celu.
Var elu(const Var& x, double alpha = 1, SourceLocation at = {});

/// elu with e^(x / alpha), which has no kink whatever alpha is (Barron 2017).
///   dx = dy where x > 0, else dy (y + alpha) / alpha
Var celu(const Var& x, double alpha = 1, SourceLocation at = {});

/// scale elu(x, alpha) with the two constants that keep mean 0 and variance 1 from layer to layer (Klambauer et
/// al. 2017).   dx = dy scale where x > 0, else dy (y + scale alpha)
Var selu(const Var& x, SourceLocation at = {});

/// x / (1 + |x|).   dx = dy / (1 + |x|)²
Var softsign(const Var& x, SourceLocation at = {});

/// x / 6 + 1/2 between -3 and 3, and 0 and 1 beyond (as in MobileNetV3, Howard et al. 2019).
///   dx = dy / 6 where |x| < 3, else 0
Var hard_sigmoid(const Var& x, SourceLocation at = {});

/// x between -1 and 1, and -1 and 1 beyond.   dx = dy where |x| < 1, else 0
Var hard_tanh(const Var& x, SourceLocation at = {});

/// a sigmoid(b) for the halves a and b of an axis (Dauphin et al. 2017):  x [..., 2n, ...] -> y [..., n, ...]
///   da = dy sigmoid(b)   db = dy a sigmoid(b) (1 - sigmoid(b))
/// Throws ShapeError when the axis has no halves.
Var glu(const Var& x, int axis = -1, SourceLocation at = {});

}  // namespace heed
