// Scaled dot-product attention on plain tensors: the fused forward and backward passes.
#pragma once

#include "core/mask.h"
#include "core/tensor.h"

namespace heed {

struct AttentionForwardPass {
  Tensor y;        ///< [..., T, e]; with leading axes [..., H] laid out in memory as [..., T, H, e]
  Tensor log_sum;  ///< [..., T]: the logarithm of each softmax's denominator; -infinity with nothing to see
};

/// softmax(scale q kT) v for each leading index (Vaswani et al. 2017), f32 or f64.
///
///   q [..., T, d]   k [..., S, d]   v [..., S, e]   ->   y [..., T, e]    (leading axes equal)
///
/// The mask broadcasts to [..., T, S]. A row with nothing to attend to is 0; a source that no row of its
/// leading index attends to is not looked at, so that it may hold NaN. Scores are never held for all of T and
/// S, operands whose last axis is adjacent are not copied, nor is the mask expanded. Heads that share memory as
/// [B, T, H, e] come out such that they merge without a copy.
/// Throws ShapeError when the operands or the mask do not fit, DTypeError when their types differ.
AttentionForwardPass attention_forward(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                                       double scale);

struct AttentionGradients {
  Tensor dq, dk, dv;  ///< laid out in memory as q, k and v are
};
/// Gradients from dy [..., T, e]. Throws ShapeError unless it has the shape of y.
AttentionGradients attention_backward(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                                      double scale, const AttentionForwardPass& forward, const Tensor& dy);

/// The weights softmax(scale q kT), [..., T, S], for those who ask to see them.
Tensor attention_weights(const Tensor& q, const Tensor& k, const Mask& mask, double scale);

}  // namespace heed
