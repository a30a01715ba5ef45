// The plain recurrent network over whole sequences: the fused operation and its definition step by step.
#pragma once

#include "autograd/ops/recurrent.h"
#include "autograd/record.h"
#include "core/rnn.h"

namespace heed {

/// Weights of an RNN.
struct RnnWeights {
  Var wx;    ///< [D, H]
  Var wh;    ///< [H, H]
  Var bias;  ///< [H]
};

/// For each step:  h = f(x_t Wx + h Wh + b), f = tanh or max(0, .) (Elman 1990)
///
///   x [B, T, D]   h0 [B, H] or undefined: zeros   lengths [B] (i32) or undefined   ->   hs [B, T, H], h [B, H]
///   h_factors [B, H] or undefined: the h that meets Wh is h times these, the same in every step: its dropout
///   (Gal and Ghahramani 2016)
///   the gradient is backpropagation through time; nothing flows from or to padding
///
/// One node for the whole sequence. Throws ShapeError when operands do not fit, IndexError for a length outside
/// [0, T].
RecurrentOutput rnn(const Var& x, const Var& initial, const RnnWeights& weights,
                    RnnActivation activation = RnnActivation::tanh, const Tensor& lengths = {},
                    const Tensor& h_factors = {}, SourceLocation at = {});

namespace definition {
RecurrentOutput rnn(const Var& x, const Var& initial, const RnnWeights& weights,
                    RnnActivation activation = RnnActivation::tanh, const Tensor& lengths = {},
                    const Tensor& h_factors = {});
}

}  // namespace heed
