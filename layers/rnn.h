// RNN: a plain recurrent layer over whole sequences.
#pragma once

#include "autograd/ops/rnn.h"
#include "layers/cell_tensors.h"
#include "layers/module.h"

namespace heed {

/// x [B, T, in] -> hs [B, T, hidden] and the state after the last real step; the state is passed in and
/// returned. Parameters `wx` [in, hidden], `wh` [hidden, hidden], `bias` [hidden], uniform within
/// 1 / sqrt(hidden) as PyTorch's.
class RNN : public Module {
 public:
  using State = Var;
  RNN(std::int64_t in, std::int64_t hidden, Rng& rng, RnnActivation activation = RnnActivation::tanh);
  /// `lengths` [B] (i32): steps from lengths[b] on are padding, whose outputs are 0 and from which nothing
  /// flows. `h_factors` [B, hidden]: dropout of the state in every step, as of the operation; undefined for
  /// none.
  RecurrentOutput operator()(const Var& x, const Var& initial = {}, const Tensor& lengths = {},
                             const Tensor& h_factors = {}) const;
  std::int64_t hidden() const { return weights_.wh.extent(0); }

 protected:
  RNN(const std::string& kind, CellTensors initial, RnnActivation activation);

 private:
  RnnWeights weights_;
  RnnActivation activation_;
};

}  // namespace heed
