// The layers that a Transformer stacks: attention and feed-forward parts, each with a residual connection.
//
// Source: Vaswani et al., "Attention is all you need" (2017); norms before the parts as Xiong et al. (2020).
#pragma once

#include "layers/dropout.h"
#include "layers/feed_forward.h"
#include "layers/multi_head_attention.h"
#include "layers/norm.h"

namespace heed {

/// Where layers normalise: x = norm(x + part(x)), as the paper does, or x = x + part(norm(x)).
enum class NormPlacement { after, before };

struct TransformerLayerConfig {
  std::int64_t width = 128;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 0;  ///< inside of FeedForward; 0: 4 width
  double dropout = 0;             ///< of what each part adds, in training
  NormPlacement norm = NormPlacement::after;
  Activation activation = Activation::relu;
  NormKind norm_kind = NormKind::layer;
  bool gated = false;                ///< FeedForward with a gate
  bool bias = true;                  ///< of all Linears
  double attention_dropout = 0;      ///< of the weights of all attentions, in training
  std::int64_t key_value_heads = 0;  ///< of all attentions, as in MultiHeadAttentionConfig; 0: heads
  std::int64_t window = 0;           ///< of self-attention, as in MultiHeadAttentionConfig; 0: all
  PositionScheme positions = {};     ///< of self-attention
  /// In stacks, of each layer only what goes into it is kept for the backward, which computes the layer once
  /// more (autograd/checkpoint.h): the same bits, about a third more time, and the memory of one layer instead
  /// of all. The model must be there until the backward is done.
  bool checkpoint = false;
};

/// The width inside of FeedForward. Throws ConfigError for one below 0.
std::int64_t inner_width(const TransformerLayerConfig& config);

/// What goes along through all layers of one pass.
struct TransformerPass {
  /// For dropout: the caller's, so that a run can be repeated. Layers in training with dropout throw
  /// ConfigError without one.
  Rng* rng = nullptr;
};

/// What a decoder layer keeps between the steps of decoding.
struct DecoderLayerCache {
  KeyValueCache self;   ///< of the steps so far
  KeyValueCache cross;  ///< of the encoder's states

  /// As KeyValueCache::select.
  void select(const Tensor& rows);
};

/// x [B, S, D] -> [B, S, D], or without B: self-attention, then feed-forward. Parts `self_attention`,
/// `self_norm`, `feed_forward`, `feed_forward_norm`.
class TransformerEncoderLayer : public Module {
 public:
  TransformerEncoderLayer(const TransformerLayerConfig& config, Rng& rng);
  /// The mask broadcasts to [B, S, S]. Throws ShapeError unless D is the width.
  Var operator()(const Var& x, const Mask& mask = {}, const TransformerPass& pass = {}) const;
  /// Further steps, each seeing those up to itself: as operator() over all steps under a causal mask, of which
  /// it gives the last ones. Not differentiable. Throws ConfigError in training with dropout: call eval().
  Var step(const Var& x, KeyValueCache& cache) const;

 private:
  template <class Attend>
  Var around(const Var& x, const TransformerPass& pass, Attend attend) const;

  TransformerLayerConfig config_;
  MultiHeadAttention self_attention_;
  Norm self_norm_;
  FeedForward feed_forward_;
  Norm feed_forward_norm_;
  Dropout dropout_;
};

/// x [B, T, D], memory [B, S, D] -> [B, T, D], or without B: self-attention, attention to the encoder's states,
/// feed-forward. Parts as those of the encoder layer, and `cross_attention` and `cross_norm`.
class TransformerDecoderLayer : public Module {
 public:
  TransformerDecoderLayer(const TransformerLayerConfig& config, Rng& rng);
  /// `self_mask` broadcasts to [B, T, T] (a causal one in training), `cross_mask` to [B, T, S].
  /// Throws ShapeError unless widths and batches agree.
  Var operator()(const Var& x, const Var& memory, const Mask& self_mask = {}, const Mask& cross_mask = {},
                 const TransformerPass& pass = {}) const;
  /// What step() needs of the encoder's states [N, S, D]. Not differentiable.
  DecoderLayerCache prepare(const Var& memory) const;
  /// Further steps x [N, T, D] -> [N, T, D], as of the encoder layer; `cross_mask` broadcasts to [N, T, S].
  Var step(const Var& x, DecoderLayerCache& cache, const Mask& cross_mask = {}) const;

 private:
  template <class Self, class Cross>
  Var around(const Var& x, const TransformerPass& pass, Self self, Cross cross) const;

  TransformerLayerConfig config_;
  MultiHeadAttention self_attention_;
  Norm self_norm_;
  MultiHeadAttention cross_attention_;
  Norm cross_norm_;
  FeedForward feed_forward_;
  Norm feed_forward_norm_;
  Dropout dropout_;
};

}  // namespace heed
