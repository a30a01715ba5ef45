// Transformer: an encoder and a decoder that see all positions at once, by attention alone.
//
// Source: Vaswani et al., "Attention is all you need" (2017). B sequences, S source steps, T target steps, D
// width, H heads, V vocabulary.
#pragma once

#include <deque>
#include <vector>

#include "core/tokens.h"
#include "layers/embedding.h"
#include "layers/transformer_layers.h"

namespace heed {

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
};

/// Vectors for ids and their positions:  ids [B, T] -> [B, T, D] = sqrt(D) weight[id] + position.
/// `weight` [rows, D] is normal with deviation 1 / sqrt(D), so that neither term drowns the other.
class PositionedEmbedding : public Embedding {
 public:
  PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng);
  Var operator()(const Tensor& ids) const;

 private:
  Tensor positions_;  // of the first steps; later ones are computed when they come up
};

/// Encoder layers `0`, `1`, … and a last `norm`.
class TransformerEncoder : public Module {
 public:
  TransformerEncoder(const TransformerConfig& config, Rng& rng);
  /// x [B, S, D] -> [B, S, D]; the mask broadcasts to [B, S, S].
  Var operator()(const Var& x, const Mask& mask = {}, const TransformerPass& pass = {}) const;

 private:
  std::deque<TransformerEncoderLayer> layers_;
  LayerNorm norm_;
};

/// Decoder layers `0`, `1`, … and a last `norm`.
class TransformerDecoder : public Module {
 public:
  TransformerDecoder(const TransformerConfig& config, Rng& rng);
  /// x [B, T, D], memory [B, S, D] -> [B, T, D]; masks as of TransformerDecoderLayer.
  Var operator()(const Var& x, const Var& memory, const Mask& self_mask = {}, const Mask& cross_mask = {},
                 const TransformerPass& pass = {}) const;

 private:
  std::deque<TransformerDecoderLayer> layers_;
  LayerNorm norm_;
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
