#include "layers/stack_of_cells.h"

namespace heed {
namespace {

LstmState as_lstm_state(const LstmState& state) { return state; }
LstmState as_lstm_state(const Var& h) { return {h, {}}; }

}  // namespace

StackOfCells::StackOfCells(CellKind kind, const StackConfig& config, Rng& rng)
    : stack_(kind == CellKind::rnn   ? Either(std::in_place_type<RecurrentStack<RNN>>, config, rng)
             : kind == CellKind::gru ? Either(std::in_place_type<RecurrentStack<GRU>>, config, rng)
                                     : Either(std::in_place_type<RecurrentStack<LSTM>>, config, rng)) {}

StackOfCells::Output StackOfCells::operator()(const Var& x, std::span<const LstmState> initial,
                                              const Tensor& lengths, Rng* rng, const Var& context) const {
  const auto run = [&]<class Cell>(const RecurrentStack<Cell>& stack) {
    std::vector<typename Cell::State> states;
    for (const LstmState& state : initial) {
      if constexpr (std::is_same_v<typename Cell::State, LstmState>)
        states.push_back(state);
      else
        states.push_back(state.h);
    }
    auto of_stack = stack(x, states, lengths, rng, context);
    Output output{std::move(of_stack.hs), {}};
    for (const auto& state : of_stack.states) output.states.push_back(as_lstm_state(state));
    return output;
  };
  return std::visit(run, stack_);
}

const StackConfig& StackOfCells::config() const {
  return std::visit([](const auto& stack) -> const StackConfig& { return stack.config(); }, stack_);
}

Module& StackOfCells::module() {
  return std::visit([](auto& stack) -> Module& { return stack; }, stack_);
}

}  // namespace heed
