// What a model offers that writes ids one after the other: a state, and a step from one id to the next.
//
// N sequences at a time, S source steps, V vocabulary.
#pragma once

#include <concepts>
#include <cstdint>

#include "autograd/var.h"
#include "core/tokens.h"

namespace heed {

/// What a model says of the next id of each sequence.
struct Step {
  Var scores;   ///< [N, V]
  Var weights;  ///< [N, S] where it looked, in the order of the source; undefined without attention
};

/// Where a model is in N sequences: a value. A copy goes on by itself, whatever becomes of the other.
///
///   state.select(rows)   rows [N'] (i32), at least one: keeps those sequences in that order, repeats allowed
///   state.rows()         N
template <class State>
concept DecodingState = std::copyable<State> && requires(State state, const State& kept, const Tensor& rows) {
  { state.select(rows) } -> std::same_as<void>;
  { kept.rows() } -> std::same_as<std::int64_t>;
};

/// A model that takes one id of each sequence and says what it makes of the next:
///
///   model.step(ids, state)   ids [N] (i32): the last id of each sequence, the start id at first; moves the
///                            state on by one step
///
/// Given the same ids, steps say what the model says of all at once (check_decode_parity). A sequence depends
/// on none of the others. A step is recorded where recording is on.
template <class Model>
concept Decodes = DecodingState<typename Model::State> &&
    requires(const Model& model, const Tensor& ids, typename Model::State& state) {
  { model.step(ids, state) } -> std::same_as<Step>;
};

/// One that writes from a source:  model.start(source) is the state before the first step, a row a source.
template <class Model>
concept DecodesSource = Decodes<Model> && requires(const Model& model, const Tokens& source) {
  { model.start(source) } -> std::same_as<typename Model::State>;
};

/// One that writes from nothing, a language model:  model.start(sequences) has that many rows.
template <class Model>
concept DecodesAlone = Decodes<Model> && requires(const Model& model, std::int64_t sequences) {
  { model.start(sequences) } -> std::same_as<typename Model::State>;
};

/// A model whose config() names the id that its sequences start from, and the one that ends them (below 0:
/// none does).
template <class Model>
concept NamesStartAndEnd = requires(const Model& model) {
  { model.config().start } -> std::convertible_to<std::int32_t>;
  { model.config().end } -> std::convertible_to<std::int32_t>;
};

}  // namespace heed
