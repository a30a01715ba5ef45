// The layers that a Transformer stacks: attention and feed-forward parts, each with a residual connection.
//
// Source: Vaswani et al., "Attention is all you need" (2017); norms before the parts as Xiong et al. (2020).
#pragma once

#include "layers/dropout.h"
#include "layers/feed_forward.h"
#include "layers/layer_norm.h"
#include "layers/multi_head_attention.h"

namespace heed {

/// Where layers normalise: x = norm(x + part(x)), as the paper does, or x = x + part(norm(x)).
enum class NormPlacement { after, before };

struct TransformerLayerConfig {
  std::int64_t width = 0;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 0;  ///< the width inside of FeedForward
  double dropout = 0;             ///< of what each part adds, in training; attention weights stay whole
  NormPlacement norm = NormPlacement::after;
  Activation activation = Activation::relu;
};

/// What goes along through all layers of one pass.
struct TransformerPass {
  /// For dropout: the caller's, so that a run can be repeated. Layers in training with dropout throw
  /// ConfigError without one.
  Rng* rng = nullptr;
};

/// x [B, S, D] -> [B, S, D]: self-attention, then feed-forward. Parts `self_attention`, `self_norm`,
/// `feed_forward`, `feed_forward_norm`.
class TransformerEncoderLayer : public Module {
 public:
  TransformerEncoderLayer(const TransformerLayerConfig& config, Rng& rng);
  /// The mask broadcasts to [B, S, S]. Throws ShapeError unless D is the width.
  Var operator()(const Var& x, const Mask& mask = {}, const TransformerPass& pass = {}) const;

 private:
  TransformerLayerConfig config_;
  MultiHeadAttention self_attention_;
  LayerNorm self_norm_;
  FeedForward feed_forward_;
  LayerNorm feed_forward_norm_;
  Dropout dropout_;
};

/// x [B, T, D], memory [B, S, D] -> [B, T, D]: self-attention, attention to the encoder's states, feed-forward.
/// Parts as those of the encoder layer, and `cross_attention` and `cross_norm`.
class TransformerDecoderLayer : public Module {
 public:
  TransformerDecoderLayer(const TransformerLayerConfig& config, Rng& rng);
  /// `self_mask` broadcasts to [B, T, T] (a causal one in training), `cross_mask` to [B, T, S].
  /// Throws ShapeError unless widths and batches agree.
  Var operator()(const Var& x, const Var& memory, const Mask& self_mask = {}, const Mask& cross_mask = {},
                 const TransformerPass& pass = {}) const;

 private:
  TransformerLayerConfig config_;
  MultiHeadAttention self_attention_;
  LayerNorm self_norm_;
  MultiHeadAttention cross_attention_;
  LayerNorm cross_norm_;
  FeedForward feed_forward_;
  LayerNorm feed_forward_norm_;
  Dropout dropout_;
};

}  // namespace heed
