// A GRU over whole sequences on plain tensors: the fused forward and backward passes, in all published
// variants.
#pragma once

#include "core/tensor.h"

namespace heed {

/// Which product the reset gate r multiplies into the candidate n:
///   before_product   n = tanh(x Wn + (r h) Un + b)         Cho et al. 2014; the book, DyNet
///   after_product    n = tanh(x Wn + b + r (h Un + bh))    version 1 of that paper; PyTorch, cuDNN, Keras
enum class ResetGate { before_product, after_product };
/// What the update gate z keeps:
///   keeps_state       h = (1 - z) n + z h    Cho et al. 2014; PyTorch, cuDNN, Keras, ONNX
///   takes_candidate   h = (1 - z) h + z n    Chung et al. 2014; the book, DyNet
enum class UpdateGate { keeps_state, takes_candidate };

/// A GRU's equations; those of PyTorch unless said otherwise.
struct GruVariant {
  ResetGate reset = ResetGate::after_product;
  UpdateGate update = UpdateGate::keeps_state;
};

/// What a GRU computes from. Gates stand in the order z, r, n (update, reset, candidate), the book's and
/// ONNX's.
struct GruInput {
  Tensor x;               ///< [B, T, D]
  Tensor h0;              ///< [B, H]: the state before the first step; undefined for zeros
  Tensor wx;              ///< [D, 3H]
  Tensor wh;              ///< [H, 3H]
  Tensor bias;            ///< [3H]
  Tensor recurrent_bias;  ///< [H]: bh, which r multiplies after the product; undefined for zeros
  Tensor lengths;         ///< [B] (i32): steps from lengths[b] on are padding; undefined when there is none
  GruVariant variant;
  Tensor h_factors;  ///< [B, H]: dropout of h before Wh, in every step; undefined for none
};

struct GruResult {
  Tensor hs;     ///< [B, T, H]: the state after each step; 0 on padding
  Tensor h;      ///< [B, H]: the state after the last real step
  Tensor gates;  ///< [T, B, 3H or 4H]: what the backward pass needs of each step
};

/// For each step t:  z, r = sigma of (x_t W + h U + b) each; then n and h as the variant says. Where h meets
/// U it is times its factors; what the update gate carries over is not. Throws ShapeError or DTypeError when
/// the operands do not fit, IndexError for a length outside [0, T], ConfigError for a recurrent bias where the
/// gate resets before the product.
GruResult gru_forward(const GruInput& input);

struct GruGradients {
  Tensor dx, dh0;  ///< dh0 is undefined where h0 is
  Tensor dwx, dwh, dbias;
  Tensor drecurrent_bias;  ///< undefined where recurrent_bias is
};
/// Gradients from those of hs and h, each of which may be undefined (zero). Throws ShapeError when one does not
/// fit.
GruGradients gru_backward(const GruInput& input, const GruResult& result, const Tensor& dhs, const Tensor& dh);

}  // namespace heed
