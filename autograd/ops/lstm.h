// The LSTM over whole sequences: the fused operation and its definition step by step.
#pragma once

#include "autograd/record.h"

namespace heed {

/// Weights of an LSTM, gates in the order f, g, i, o (forget, candidate, input, output).
struct LstmWeights {
  Var wx;    ///< [D, 4H]
  Var wh;    ///< [H, 4H]
  Var bias;  ///< [4H]
};

/// The state of an LSTM, h and c [B, H]; undefined stands for zeros.
struct LstmState {
  Var h, c;
};

struct LstmOutput {
  Var hs;           ///< [B, T, H]: h after each step, 0 on padding
  LstmState state;  ///< after the last real step of each sequence
};

/// For each step:  f, g, i, o = sigma, tanh, sigma, sigma of (x_t Wx + h Wh + b);  c = f c + g i;  h = o
/// tanh(c)
///
///   x [B, T, D]   lengths [B] (i32) or undefined   ->   hs [B, T, H], h [B, H], c [B, H]
///   h_factors [B, H] or undefined: the h that meets Wh is h times these, the same in every step: its dropout
///   (Gal and Ghahramani 2016)
///   the gradient is backpropagation through time; nothing flows from or to padding
///
/// One node for the whole sequence. Throws ShapeError when operands do not fit, IndexError for a length outside
/// [0, T].
LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths = {},
                const Tensor& h_factors = {}, SourceLocation at = {});

namespace definition {
LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths = {},
                const Tensor& h_factors = {});
}

}  // namespace heed
