// An LSTM over whole sequences on plain tensors: the fused forward and backward passes.
#pragma once

#include "core/tensor.h"

namespace heed {

/// What an LSTM computes from. Gates stand in the order f, g, i, o (forget, candidate, input, output).
struct LstmInput {
  Tensor x;          ///< [B, T, D]
  Tensor h0, c0;     ///< [B, H]: states before the first step; undefined for zero
  Tensor wx;         ///< [D, 4H]
  Tensor wh;         ///< [H, 4H]
  Tensor bias;       ///< [4H]
  Tensor lengths;    ///< [B] (i32): steps from lengths[b] on are padding; undefined when there is none
  Tensor h_factors;  ///< [B, H]: dropout of h before Wh, in every step; undefined for none
};

struct LstmResult {
  Tensor hs;     ///< [B, T, H]: the state after each step; 0 on padding
  Tensor h, c;   ///< [B, H]: the states after the last real step
  Tensor gates;  ///< [T, B, 4H]: f, g, i, o after their non-linearities, kept for the backward pass
  Tensor cs;     ///< [T, B, H]: cell states, kept
};

/// For each step t:  f, g, i, o = sigma, tanh, sigma, sigma of (x_t Wx + h Wh + b);  c = f c + g i;  h = o
/// tanh(c) (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), h times its factors
/// where it meets Wh. Throws ShapeError or DTypeError when the operands do not fit, IndexError for a length
/// outside [0, T].
LstmResult lstm_forward(const LstmInput& input);

struct LstmGradients {
  Tensor dx, dh0, dc0;     ///< dh0 is undefined where h0 is
  Tensor dwx, dwh, dbias;  ///< views of one tensor
};
/// Gradients from those of hs, h and c, each of which may be undefined (zero). Throws ShapeError when one does
/// not fit.
LstmGradients lstm_backward(const LstmInput& input, const LstmResult& result, const Tensor& dhs,
                            const Tensor& dh, const Tensor& dc);

}  // namespace heed
