// Layer normalisation on plain tensors: the forward and backward kernels.
#pragma once

#include "core/tensor.h"

namespace heed {

struct LayerNormForward {
  Tensor y;           ///< the shape of x
  Tensor mean, rstd;  ///< [rows]: of each row, kept for the backward pass
};
/// (x - mean) / sqrt(variance + epsilon) * gain + bias along the last axis; gain and bias [n].
/// Throws ShapeError unless gain and bias have the last extent of x (Ba et al. 2016, "Layer normalization").
LayerNormForward layer_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon);

struct LayerNormBackward {
  Tensor dx, dgain, dbias;
};
/// Gradients from that of y. Throws ShapeError unless dy has the shape of x.
LayerNormBackward layer_norm_backward(const Tensor& x, const Tensor& gain, const LayerNormForward& forward,
                                      const Tensor& dy);

}  // namespace heed
