// LSTM: a recurrent layer over whole sequences.
#pragma once

#include "autograd/ops/lstm.h"
#include "layers/cell_tensors.h"
#include "layers/module.h"

namespace heed {

/// x [B, T, in] -> hs [B, T, hidden] and the state after the last real step; the state is passed in and
/// returned. Parameters `wx` [in, 4 hidden], `wh` [hidden, 4 hidden], `bias` [4 hidden], gates in the order f,
/// g, i, o (forget, candidate, input, output); uniform within 1 / sqrt(hidden) as PyTorch's.
class LSTM : public Module {
 public:
  using State = LstmState;
  LSTM(std::int64_t in, std::int64_t hidden, Rng& rng);
  /// `lengths` [B] (i32): steps from lengths[b] on are padding, whose outputs are 0 and from which nothing
  /// flows. `h_factors` [B, hidden]: dropout of the state in every step, as of the operation; undefined for
  /// none.
  LstmOutput operator()(const Var& x, const LstmState& initial = {}, const Tensor& lengths = {},
                        const Tensor& h_factors = {}) const;
  std::int64_t hidden() const { return weights_.wh.extent(0); }

 protected:
  LSTM(const std::string& kind, CellTensors initial);

 private:
  LstmWeights weights_;
};

}  // namespace heed
