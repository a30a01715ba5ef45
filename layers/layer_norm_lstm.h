// LayerNormLSTM: an LSTM whose products and cell state are normalised.
#pragma once

#include "autograd/ops/lstm.h"
#include "layers/cell_tensors.h"
#include "layers/layer_norm.h"

namespace heed {

/// An LSTM with norms (Ba et al. 2016, equations 20 to 22), step by step from primitive operations:
///
///   f, g, i, o = sigma, tanh, sigma, sigma of (norm(x_t Wx) + norm(h Wh) + b)
///   c = f c + g i;   h = o tanh(norm(c))
///
/// Parameters `wx`, `wh`, `bias` as those of LSTM; parts `x_norm`, `h_norm` of width 4 hidden and `c_norm` of
/// width hidden.
class LayerNormLSTM : public Module {
 public:
  using State = LstmState;
  LayerNormLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, const LayerNormOptions& options = {});
  /// x [B, T, in] -> hs [B, T, hidden] and the state after the last real step; `lengths` and `h_factors` as
  /// for LSTM. Throws ShapeError when operands do not fit, IndexError for a length outside [0, T].
  LstmOutput operator()(const Var& x, const LstmState& initial = {}, const Tensor& lengths = {},
                        const Tensor& h_factors = {}) const;
  std::int64_t hidden() const { return weights_.wh.extent(0); }

 private:
  LstmWeights weights_;
  LayerNorm x_norm_, h_norm_, c_norm_;
};

}  // namespace heed
