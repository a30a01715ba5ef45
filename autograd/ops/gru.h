// The GRU over whole sequences: the fused operation and its definition step by step.
#pragma once

#include "autograd/ops/recurrent.h"
#include "autograd/record.h"
#include "core/gru.h"

namespace heed {

/// Weights of a GRU, gates in the order z, r, n (update, reset, candidate).
struct GruWeights {
  Var wx;              ///< [D, 3H]
  Var wh;              ///< [H, 3H]
  Var bias;            ///< [3H]
  Var recurrent_bias;  ///< [H]: bh, where the gate resets after the product; undefined for zeros
};

/// For each step:  z, r = sigma of (x_t W + h U + b) each;  n, the candidate, and h as the variant says:
///
///   before_product   n = tanh(x_t Wn + (r h) Un + b)          keeps_state       h = (1 - z) n + z h
///   after_product    n = tanh(x_t Wn + b + r (h Un + bh))     takes_candidate   h = (1 - z) h + z n
///
///   x [B, T, D]   h0 [B, H] or undefined: zeros   lengths [B] (i32) or undefined   ->   hs [B, T, H], h [B, H]
///   h_factors [B, H] or undefined: the h that meets U (not the one that z carries over) is h times these, the
///   same in every step: its dropout (Gal and Ghahramani 2016)
///   the gradient is backpropagation through time; nothing flows from or to padding
///
/// One node for the whole sequence. Throws ShapeError when operands do not fit, IndexError for a length outside
/// [0, T], ConfigError for a recurrent bias where the gate resets before the product. (Cho et al. 2014)
RecurrentOutput gru(const Var& x, const Var& initial, const GruWeights& weights, const GruVariant& variant = {},
                    const Tensor& lengths = {}, const Tensor& h_factors = {}, SourceLocation at = {});

namespace definition {
RecurrentOutput gru(const Var& x, const Var& initial, const GruWeights& weights, const GruVariant& variant = {},
                    const Tensor& lengths = {}, const Tensor& h_factors = {});
}

}  // namespace heed
