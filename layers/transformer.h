// Transformer: an encoder and a decoder that see all positions at once, by attention alone.
//
// Source: Vaswani et al., "Attention is all you need" (2017). B sequences, S source steps, T target steps, D
// width, H heads, V vocabulary.
#pragma once

#include <deque>
#include <vector>

#include "core/tokens.h"
#include "layers/embedding.h"
#include "layers/positions.h"
#include "layers/step.h"
#include "layers/transformer_layers.h"

namespace heed {

/// What is added to what is embedded: nothing, where the layers' attention has a scheme of its own, waves, or a
/// learnt vector for each position below a maximum.
enum class EmbeddedPositions { none, sinusoidal, learned };

struct TransformerConfig {
  std::int64_t vocabulary = 0;         ///< ids of sources are in [0, vocabulary)
  std::int64_t target_vocabulary = 0;  ///< ids of targets are in [0, this); 0: the same as for sources
  std::int64_t width = 128;
  std::int64_t heads = 8;
  std::int64_t layers = 2;  ///< of the encoder, and of the decoder
  std::int64_t feed_forward = 512;
  double dropout = 0;  ///< of what is embedded and of what each part of a layer adds
  NormPlacement norm = NormPlacement::after;
  Activation activation = Activation::relu;
  NormKind norm_kind = NormKind::layer;
  bool gated = false;                ///< FeedForward with a gate
  bool bias = true;                  ///< of the layers' Linears
  double attention_dropout = 0;      ///< of the weights of all attentions
  std::int64_t key_value_heads = 0;  ///< of all attentions, as in MultiHeadAttentionConfig; 0: heads
  std::int64_t window = 0;           ///< of self-attentions, as in MultiHeadAttentionConfig; 0: all
  PositionScheme positions = {};     ///< of self-attentions; BucketBias is causal in the decoder
  EmbeddedPositions embedded_positions = EmbeddedPositions::sinusoidal;
  std::int64_t max_length = 512;  ///< of sources and of targets, with learned positions
};

struct PositionedEmbeddingOptions {
  EmbeddedPositions positions = EmbeddedPositions::sinusoidal;
  std::int64_t max_length = 512;  ///< with learned positions
};

/// Vectors for ids and their positions:  ids [B, T] -> [B, T, D] = sqrt(D) weight[id] + position.
/// `weight` [rows, D] is normal with deviation 1 / sqrt(D), so that neither term drowns the other. Learned
/// positions are the part `positions`.
class PositionedEmbedding : public Embedding {
 public:
  PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng,
                      const PositionedEmbeddingOptions& options = {});
  /// The first id stands at position `first`. Throws IndexError for an id outside [0, rows), or a position
  /// beyond the learned ones.
  Var operator()(const Tensor& ids, std::int64_t first = 0) const;

 private:
  EmbeddedPositions kind_;
  Tensor waves_;  // of the first steps; later ones are computed when they come up
  std::optional<LearnedPositions> learned_;
};

/// What a stack of encoder layers keeps between steps; empty at first.
struct EncoderCache {
  std::vector<KeyValueCache> layers;

  /// As KeyValueCache::select.
  void select(const Tensor& rows);
};

/// What a stack of decoder layers keeps between steps.
struct DecoderCache {
  std::vector<DecoderLayerCache> layers;

  /// As KeyValueCache::select.
  void select(const Tensor& rows);
};

/// Encoder layers `0`, `1`, … and a last `norm`.
class TransformerEncoder : public Module {
 public:
  TransformerEncoder(const TransformerConfig& config, Rng& rng);
  /// x [B, S, D] -> [B, S, D]; the mask broadcasts to [B, S, S].
  Var operator()(const Var& x, const Mask& mask = {}, const TransformerPass& pass = {}) const;
  /// Further steps x [N, T, D] -> [N, T, D], each seeing those up to itself, as of TransformerEncoderLayer: how
  /// a model without a decoder writes.
  Var step(const Var& x, EncoderCache& cache) const;

 private:
  std::deque<TransformerEncoderLayer> layers_;
  Norm norm_;
};

/// Decoder layers `0`, `1`, … and a last `norm`.
class TransformerDecoder : public Module {
 public:
  TransformerDecoder(const TransformerConfig& config, Rng& rng);
  /// x [B, T, D], memory [B, S, D] -> [B, T, D]; masks as of TransformerDecoderLayer.
  Var operator()(const Var& x, const Var& memory, const Mask& self_mask = {}, const Mask& cross_mask = {},
                 const TransformerPass& pass = {}) const;
  /// What step() needs of the encoder's states [N, S, D], and further steps x [N, T, D] -> [N, T, D], as of
  /// TransformerDecoderLayer.
  DecoderCache prepare(const Var& memory) const;
  Var step(const Var& x, DecoderCache& cache, const Mask& cross_mask = {}) const;

 private:
  std::deque<TransformerDecoderLayer> layers_;
  Norm norm_;
};

/// What the decoder knows of the source.
struct TransformerMemory {
  Var states;  ///< [B, S, D]
  Mask mask;   ///< the real positions of S [B, 1, S]; undefined when all are
};

/// Embeddings, encoder, decoder, and a Linear `out` to the scores. Parts `source_embedding`,
/// `target_embedding`, `encoder`, `decoder`, `out`.
class Transformer : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1 and the heads divide the width.
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

  const TransformerConfig& config() const { return config_; }

 private:
  TransformerConfig config_;
  PositionedEmbedding source_embedding_, target_embedding_;
  TransformerEncoder encoder_;
  TransformerDecoder decoder_;
  Linear out_;
  Dropout dropout_;
};

}  // namespace heed
