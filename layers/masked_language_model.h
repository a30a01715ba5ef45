// MaskedLanguageModel: an encoder that guesses hidden tokens from those on both sides.
//
// Source: Devlin et al., "BERT: pre-training of deep bidirectional transformers" (2019). B sequences, T steps,
// D width, V vocabulary.
#pragma once

#include <string>

#include "core/tokens.h"
#include "layers/positioned_embedding.h"
#include "layers/transformer_stacks.h"

namespace heed {

struct MaskedLanguageModelConfig {
  std::int64_t vocabulary = 0;  ///< ids are in [0, vocabulary), the mask's among them
  std::int64_t layers = 2;
  TransformerLayerConfig layer = {};  ///< of all layers; its dropout is that of what is embedded too
  EmbeddedPositions embedded_positions = EmbeddedPositions::learned;
  std::int64_t max_length = 256;  ///< of a sequence, with learned positions
};

/// Embedding, layers that see all real steps, and a head: Linear `transform` with gelu, LayerNorm `head_norm`,
/// and scores made with the embedding's table, `out`, transposed, plus `bias` [V]. Other parts `embedding` and
/// `encoder`.
class MaskedLanguageModel : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1 and the heads divide the width.
  MaskedLanguageModel(const MaskedLanguageModelConfig& config, Rng& rng);

  /// Scores [B, T, V] of what stands at each step. In training with dropout the generator for it must be given.
  /// Throws IndexError for an id outside the vocabulary or a step beyond the learned positions, ConfigError
  /// when a generator is missing.
  Var operator()(const Tokens& ids, Rng* dropout_rng = nullptr) const;
  /// What the encoder makes of each step, [B, T, D]: features for other tasks.
  Var encode(const Tokens& ids, Rng* dropout_rng = nullptr) const;

  const MaskedLanguageModelConfig& config() const { return config_; }
  /// What it is made of and what it costs, in a few lines, for a sequence of so many steps.
  std::string overview(std::int64_t time) const;

 private:
  MaskedLanguageModelConfig config_;
  PositionedEmbedding embedding_;
  TransformerEncoder encoder_;
  Linear transform_;
  LayerNorm head_norm_;
  Var tied_, bias_;
  Dropout dropout_;
};

}  // namespace heed
