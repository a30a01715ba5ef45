// RecurrentDecoder: the half of a RecurrentSeq2seq that writes.
#pragma once

#include <optional>
#include <vector>

#include "layers/recurrent_encoder.h"

namespace heed {

/// Where a decoder is in its sequences, and what it reads of their sources: a value.
struct RecurrentSeq2seqState {
  ScoredAttention::Memory memory;
  Mask mask;                     ///< the real positions of the sources [N, 1, S]; undefined when all are
  Tensor source_ids;             ///< [N, S] (i32); undefined but for a model that copies
  std::vector<LstmState> cells;  ///< of each layer, the lowest first
  Var fed;       ///< [N, 1, ·]: what the step before gives to the next one's input (input feeding)
  Var coverage;  ///< [N, 1, S]: the sum of the weights of all steps so far
  std::vector<std::int32_t> sources;  ///< which source each sequence is written from

  /// Keeps those sequences in that order: rows [N'] (i32). Gradients flow through. Throws IndexError for a row
  /// that there is not.
  void select(const Tensor& rows);
  std::int64_t rows() const { return static_cast<std::int64_t>(sources.size()); }
};

/// Embedding, attention and layers of cells that start from the encoder's states, and a Linear to the scores.
/// Where no step depends on what the one before looked at, all steps of a target run at once. Parts `embed`,
/// `attention`; `lower`, all layers or the one below attention, and then `upper`; `combine`, which makes the
/// attentional state; `out`; `gate` of a model that copies, from context, output and embedded id.
class RecurrentDecoder : public Module {
 public:
  RecurrentDecoder(const RecurrentSeq2seqConfig& config, std::int64_t memory_width, Rng& rng);

  /// The state before the first step.
  RecurrentSeq2seqState start(const RecurrentEncoder::Output& encoded, const Tokens& source) const;

  struct Output {
    Var scores;   ///< [N, T, V]
    Var weights;  ///< [N, T, S] in the order of the source
  };
  /// Some steps, of ids [N, T] (i32): in training all, in generation one a call. Moves the state on. Throws
  /// IndexError for an id outside the vocabulary, ShapeError unless the batches agree, ConfigError in training
  /// with dropout without an Rng.
  Output operator()(const Tensor& ids, RecurrentSeq2seqState& state, Rng* rng = nullptr) const;

 private:
  struct Seen;
  Seen look(const Var& x, RecurrentSeq2seqState& state, Rng* rng) const;
  Seen look_step_by_step(const Var& x, RecurrentSeq2seqState& state, Rng* rng) const;
  bool steps_depend() const;

  RecurrentSeq2seqConfig config_;
  Embedding embed_;
  ScoredAttention attention_;
  StackOfCells lower_;
  std::optional<StackOfCells> upper_;
  std::optional<Linear> combine_, gate_;
  Linear out_;
};

}  // namespace heed
