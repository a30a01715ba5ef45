// Truncated backpropagation through time: states are carried over, their gradients are not.
//
//   LstmState state;
//   for (const WindowBatch& window : loader.epoch(rng)) {     // of a TextLoader with .streams = true
//     auto [hs, last] = lstm(embed(window.input.ids), state);
//     cross_entropy(out(hs), window.target).backward();       // to the beginning of the window
//     optimiser.step();
//     optimiser.zero_grad();
//     state = detached(last);
//   }
#pragma once

#include <vector>

#include "autograd/ops/lstm.h"
#include "autograd/var.h"

namespace heed {

/// The same state cut off from the graph that made it; undefined parts stay undefined. Types of states have
/// overloads beside them.
inline Var detached(const Var& state) { return state.defined() ? state.detach() : state; }
inline LstmState detached(const LstmState& state) { return {detached(state.h), detached(state.c)}; }

/// Of a stack of layers.
template <class State>
std::vector<State> detached(const std::vector<State>& states) {
  std::vector<State> cut;
  cut.reserve(states.size());
  for (const State& state : states) cut.push_back(detached(state));
  return cut;
}

}  // namespace heed
