// StackOfCells: a RecurrentStack of the cells that a configuration names.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "layers/gate_orders.h"
#include "layers/recurrent_stack.h"

namespace heed {

/// A RecurrentStack of RNN, GRU or LSTM. States are LstmStates of all kinds of cells, c being undefined but for
/// those of an LSTM.
class StackOfCells {
 public:
  struct Output {
    Var hs;                         ///< [B, T, directions hidden], 0 on padding
    std::vector<LstmState> states;  ///< of each layer and direction at the sequences' ends
  };

  /// Throws as RecurrentStack.
  StackOfCells(CellKind kind, const StackConfig& config, Rng& rng);
  /// Arguments and errors are RecurrentStack's.
  Output operator()(const Var& x, std::span<const LstmState> initial, const Tensor& lengths, Rng* rng,
                    const Var& context = {}) const;
  const StackConfig& config() const;
  /// The stack itself, to be registered as a part.
  Module& module();

 private:
  using Either = std::variant<RecurrentStack<RNN>, RecurrentStack<GRU>, RecurrentStack<LSTM>>;
  Either stack_;
};

}  // namespace heed
