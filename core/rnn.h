// A plain recurrent network over whole sequences on plain tensors: the fused forward and backward passes.
#pragma once

#include "core/tensor.h"

namespace heed {

enum class RnnActivation { tanh, relu };

/// What an RNN computes from.
struct RnnInput {
  Tensor x;        ///< [B, T, D]
  Tensor h0;       ///< [B, H]: the state before the first step; undefined for zeros
  Tensor wx;       ///< [D, H]
  Tensor wh;       ///< [H, H]
  Tensor bias;     ///< [H]
  Tensor lengths;  ///< [B] (i32): steps from lengths[b] on are padding; undefined when there is none
  RnnActivation activation = RnnActivation::tanh;
  Tensor h_factors;  ///< [B, H]: dropout of h before Wh, in every step; undefined for none
};

struct RnnResult {
  Tensor hs;  ///< [B, T, H]: the state after each step; 0 on padding
  Tensor h;   ///< [B, H]: the state after the last real step
};

/// For each step t:  h = f(x_t Wx + h Wh + b) (Elman 1990), h times its factors where it meets Wh. Throws
/// ShapeError or DTypeError when the operands do not fit, IndexError for a length outside [0, T].
RnnResult rnn_forward(const RnnInput& input);

struct RnnGradients {
  Tensor dx, dh0;          ///< dh0 is undefined where h0 is
  Tensor dwx, dwh, dbias;  ///< views of one tensor
};
/// Gradients from those of hs and h, each of which may be undefined (zero). Throws ShapeError when one does not
/// fit.
RnnGradients rnn_backward(const RnnInput& input, const RnnResult& result, const Tensor& dhs, const Tensor& dh);

}  // namespace heed
