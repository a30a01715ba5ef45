// Transformer: an encoder and a decoder that see all positions at once, by attention alone.
//
// Source: Vaswani et al., "Attention is all you need" (2017). B sequences, S source steps, T target steps, D
// width, H heads, V vocabulary.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/tokens.h"
#include "layers/decoding.h"
#include "layers/positioned_embedding.h"
#include "layers/transformer_stacks.h"

namespace heed {

/// Which tables are one: none; the scores are made with the target embedding's, transposed, instead of an own
/// map (Press and Wolf 2017); or the sources' is that one too, as with Vaswani et al.
enum class TiedWeights { none, output, all };

struct TransformerConfig {
  std::int64_t vocabulary = 0;         ///< ids of sources are in [0, vocabulary)
  std::int64_t target_vocabulary = 0;  ///< ids of targets are in [0, this); 0: the same as for sources
  std::int64_t layers = 2;             ///< of the encoder, and of the decoder
  /// Of all layers; its dropout is that of what is embedded too, its positions are those of self-attentions.
  TransformerLayerConfig layer = {};
  EmbeddedPositions embedded_positions = EmbeddedPositions::sinusoidal;
  std::int64_t max_length = 512;  ///< of sources and of targets, with learned positions
  TiedWeights tied = TiedWeights::none;
  std::int32_t start = 1;  ///< id that generation starts from
  std::int32_t end = 2;    ///< id that ends it; below 0: only the length does
};

/// What the decoder knows of the source.
struct TransformerMemory {
  Var states;  ///< [B, S, D]
  Mask mask;   ///< the real positions of S [B, 1, S]; undefined when all are
};

/// Embeddings, encoder, decoder, and a Linear `out` to the scores; tied, `out` is the target embedding's table.
/// Parts `source_embedding`, `target_embedding`, `encoder`, `decoder`, `out`.
class Transformer : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1, the heads divide the width, and vocabularies that
  /// share a table are one.
  Transformer(const TransformerConfig& config, Rng& rng);

  /// Scores [B, T, V] of the next id at each step, the targets so far being given (teacher forcing); a step
  /// sees no later one. In training with dropout the generator for it must be given. Throws IndexError for an
  /// id outside the vocabulary, ShapeError when the batches differ, ConfigError when a generator is missing.
  Var operator()(const Tokens& source, const Tokens& target_in, Rng* dropout_rng = nullptr) const;

  /// The same with the weights of all attentions, one tensor a layer (AttentionMaps has them by path).
  struct Forward {
    Var scores;
    std::vector<Tensor> encoder;  ///< [B, H, S, S]
    std::vector<Tensor> decoder;  ///< [B, H, T, T]
    std::vector<Tensor> cross;    ///< [B, H, T, S]: where each target step looks in the source
  };
  Forward with_attention(const Tokens& source, const Tokens& target_in, Rng* dropout_rng = nullptr) const;

  /// The two halves of operator().
  TransformerMemory encode(const Tokens& source, const TransformerPass& pass = {}) const;
  Var decode(const Tensor& target_ids, const TransformerMemory& memory, const TransformerPass& pass = {}) const;

  /// What decoding N sequences id by id keeps from step to step. A value: copies go on independently.
  class State {
   public:
    /// N.
    std::int64_t rows() const { return cache_.layers.front().cross.rows(); }
    /// Ids so far.
    std::int64_t length() const { return cache_.layers.front().self.length(); }
    /// Keeps those sequences, rows [N'] (i32), in that order; one may be kept several times. Throws IndexError
    /// for a row outside [0, N).
    void select(const Tensor& rows);

   private:
    friend class Transformer;
    State(DecoderCache cache, Mask mask) : cache_(std::move(cache)), mask_(std::move(mask)) {}

    DecoderCache cache_;
    Mask mask_;  // the real positions of the sources [N, 1, S]; undefined when all are
  };
  /// Reads the sources, one a sequence to be written. Nothing here or in step() is differentiable; both throw
  /// ConfigError in training with dropout: call eval().
  State start(const Tokens& source) const;
  /// The scores of the next id after ids [N] (i32), the ones that come next in each sequence, the start first:
  /// what operator() gives at that step, without doing the steps before again. The weights are the mean over
  /// the heads of the last layer's attention to the source. Throws ShapeError unless there is an id a sequence.
  Step step(const Tensor& ids, State& state) const;
  /// greedy(): the most probable next id again and again.
  std::vector<Generated> generate(const Tokens& source, const GenerateOptions& options = {}) const;

  const TransformerConfig& config() const { return config_; }
  /// What it is made of and what it costs, in a few lines, for an example of so many steps.
  std::string overview(std::int64_t source_time, std::int64_t target_time) const;

 private:
  Var scores(const Var& y) const;

  TransformerConfig config_;
  PositionedEmbedding source_embedding_, target_embedding_;
  TransformerEncoder encoder_;
  TransformerDecoder decoder_;
  std::optional<Linear> out_;
  Var tied_;  // in place of out_
  Dropout dropout_;
};

}  // namespace heed
