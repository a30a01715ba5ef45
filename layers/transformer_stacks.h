// The two stacks of a Transformer, and what they keep between the steps of decoding.
//
// N or B sequences, S source steps, T target steps, D width.
#pragma once

#include <deque>
#include <vector>

#include "layers/transformer_layers.h"

namespace heed {

/// The same configuration for layers whose steps see no later one: BucketBias keeps no buckets for these.
TransformerLayerConfig looking_back(TransformerLayerConfig config);

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
  TransformerEncoder(std::int64_t layers, const TransformerLayerConfig& config, Rng& rng);
  /// x [B, S, D] -> [B, S, D]; the mask broadcasts to [B, S, S].
  Var operator()(const Var& x, const Mask& mask = {}, const TransformerPass& pass = {}) const;
  /// Further steps x [N, T, D] -> [N, T, D], each seeing those up to itself, as of TransformerEncoderLayer: how
  /// a model without a decoder writes. Throws ConfigError for a cache of another number of layers.
  Var step(const Var& x, EncoderCache& cache) const;

 private:
  std::deque<TransformerEncoderLayer> layers_;
  Norm norm_;
  bool checkpoint_;
};

/// Decoder layers `0`, `1`, … and a last `norm`, looking_back().
class TransformerDecoder : public Module {
 public:
  TransformerDecoder(std::int64_t layers, const TransformerLayerConfig& config, Rng& rng);
  /// x [B, T, D], memory [B, S, D] -> [B, T, D]; masks as of TransformerDecoderLayer.
  Var operator()(const Var& x, const Var& memory, const Mask& self_mask = {}, const Mask& cross_mask = {},
                 const TransformerPass& pass = {}) const;
  /// What step() needs of the encoder's states [N, S, D], and further steps x [N, T, D] -> [N, T, D], as of
  /// TransformerDecoderLayer. Throws ConfigError for a cache of another number of layers.
  DecoderCache prepare(const Var& memory) const;
  Var step(const Var& x, DecoderCache& cache, const Mask& cross_mask = {}) const;

 private:
  std::deque<TransformerDecoderLayer> layers_;
  Norm norm_;
  bool checkpoint_;
};

}  // namespace heed
