// GRU: a gated recurrent layer over whole sequences.
#pragma once

#include "autograd/ops/gru.h"
#include "layers/cell_tensors.h"
#include "layers/module.h"

namespace heed {

/// x [B, T, in] -> hs [B, T, hidden] and the state after the last real step; the state is passed in and
/// returned. The variant says what the gates do; PyTorch's unless another is given. Parameters `wx`
/// [in, 3 hidden], `wh` [hidden, 3 hidden], `bias` [3 hidden], gates in the order z, r, n (update, reset,
/// candidate), and where the gate resets after the product `recurrent_bias` [hidden]; uniform within
/// 1 / sqrt(hidden) as PyTorch's.
class GRU : public Module {
 public:
  using State = Var;
  GRU(std::int64_t in, std::int64_t hidden, Rng& rng, const GruVariant& variant = {});
  /// `lengths` [B] (i32): steps from lengths[b] on are padding, whose outputs are 0 and from which nothing
  /// flows. `h_factors` [B, hidden]: dropout of the state in every step, as of the operation; undefined for
  /// none.
  RecurrentOutput operator()(const Var& x, const Var& initial = {}, const Tensor& lengths = {},
                             const Tensor& h_factors = {}) const;
  std::int64_t hidden() const { return weights_.wh.extent(0); }

 protected:
  GRU(const std::string& kind, CellTensors initial, const GruVariant& variant);

 private:
  GruWeights weights_;
  GruVariant variant_;
};

}  // namespace heed
