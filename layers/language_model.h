// LanguageModel: a decoder without a source, which says of each step what comes next.
//
// Source: Radford et al., "Language models are unsupervised multitask learners" (2019). B or N sequences, T
// steps, D width, V vocabulary.
#pragma once

#include <optional>
#include <string>

#include "core/tokens.h"
#include "layers/positioned_embedding.h"
#include "layers/step.h"
#include "layers/transformer_stacks.h"

namespace heed {

struct LanguageModelConfig {
  std::int64_t vocabulary = 0;  ///< ids are in [0, vocabulary)
  std::int64_t layers = 2;
  /// Of all layers; its dropout is that of what is embedded too. GPT-2 has `.norm = NormPlacement::before` and
  /// `.activation = Activation::gelu_tanh`.
  TransformerLayerConfig layer = {};
  EmbeddedPositions embedded_positions = EmbeddedPositions::learned;
  std::int64_t max_length = 256;  ///< of a sequence, with learned positions
  bool tied = true;               ///< scores are made with the embedding's table, transposed
  std::int32_t start = 1;         ///< id that generation starts from
  std::int32_t end = 2;           ///< id that ends it; below 0: only the length does
};

/// Embedding, layers that see no later step, and scores. Parts `embedding`, `layers` (a TransformerEncoder
/// under a causal mask, looking_back()) and a Linear `out`; tied, `out` is the embedding's table.
class LanguageModel : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1 and the heads divide the width.
  LanguageModel(const LanguageModelConfig& config, Rng& rng);

  /// Scores [B, T, V] of the id after each step. In training with dropout the generator for it must be given.
  /// Throws IndexError for an id outside the vocabulary or a step beyond the learned positions, ConfigError
  /// when a generator is missing.
  Var operator()(const Tokens& ids, Rng* dropout_rng = nullptr) const;

  /// What writing N sequences id by id keeps from step to step. A value: copies go on independently.
  class State {
   public:
    std::int64_t rows() const { return rows_; }      ///< N
    std::int64_t length() const { return length_; }  ///< ids so far
    /// Keeps those sequences, rows [N'] (i32), in that order; one may be kept several times. Throws IndexError
    /// for a row outside [0, N).
    void select(const Tensor& rows);

   private:
    friend class LanguageModel;
    explicit State(std::int64_t sequences) : rows_(sequences) {}

    EncoderCache cache_;
    std::int64_t rows_, length_ = 0;
  };
  /// N sequences of no ids; greedy(), sample() and beam_search() write them. Throws ConfigError unless there is
  /// one at least.
  State start(std::int64_t sequences) const;
  /// The scores of the next id after ids [N] (i32): what operator() gives at that step, without doing the steps
  /// before again. Not differentiable. Throws ShapeError unless there is an id a sequence, ConfigError in
  /// training with dropout: call eval().
  Step step(const Tensor& ids, State& state) const;

  const LanguageModelConfig& config() const { return config_; }
  /// What it is made of and what it costs, in a few lines, for a sequence of so many steps.
  std::string overview(std::int64_t time) const;

 private:
  Var scores(const Var& y) const;

  LanguageModelConfig config_;
  PositionedEmbedding embedding_;
  TransformerEncoder layers_;
  std::optional<Linear> out_;
  Var tied_;  // in place of out_
  Dropout dropout_;
};

}  // namespace heed
