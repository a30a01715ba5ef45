// Activations beyond those of arithmetic.h.
#pragma once

#include "autograd/ops/arithmetic.h"

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

}  // namespace heed
