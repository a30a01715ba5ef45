#include "layers/transformer_layers.h"

#include "autograd/ops/arithmetic.h"

namespace heed {
namespace {

// x with what a part makes of it, normalised before or after.
template <class Part>
Var residual(const Var& x, const Norm& norm, NormPlacement placement, const Dropout& dropout,
             const TransformerPass& pass, Part part) {
  if (placement == NormPlacement::after) return norm(x + dropout(part(x), pass.rng));
  return x + dropout(part(norm(x)), pass.rng);
}

MultiHeadAttentionConfig cross_config(const TransformerLayerConfig& config) {
  return {.width = config.width,
          .heads = config.heads,
          .bias = config.bias,
          .key_value_heads = config.key_value_heads,
          .dropout = config.attention_dropout};
}

MultiHeadAttentionConfig self_config(const TransformerLayerConfig& config) {
  MultiHeadAttentionConfig self = cross_config(config);
  self.window = config.window;
  self.positions = config.positions;
  return self;
}

FeedForwardConfig feed_forward_config(const TransformerLayerConfig& config) {
  return {.width = config.width,
          .inner = inner_width(config),
          .activation = config.activation,
          .gated = config.gated,
          .bias = config.bias};
}

std::string describe(const char* kind, const TransformerLayerConfig& config) {
  return text(kind, " ", config.width, config.norm == NormPlacement::before ? ", norms before" : "");
}

}  // namespace

std::int64_t inner_width(const TransformerLayerConfig& config) {
  if (config.feed_forward < 0)
    throw ConfigError({.what = text("transformer layer: feed_forward ", config.feed_forward),
                       .expected = "at least 1, or 0 for 4 width"});
  return config.feed_forward == 0 ? 4 * config.width : config.feed_forward;
}

TransformerEncoderLayer::TransformerEncoderLayer(const TransformerLayerConfig& config, Rng& rng)
    : Module(describe("TransformerEncoderLayer", config)),
      config_(config),
      self_attention_(self_config(config), rng),
      self_norm_(config.norm_kind, config.width),
      feed_forward_(feed_forward_config(config), rng),
      feed_forward_norm_(config.norm_kind, config.width),
      dropout_(config.dropout) {
  register_module("self_attention", self_attention_);
  register_module("self_norm", self_norm_.module());
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_norm", feed_forward_norm_.module());
  register_module("dropout", dropout_);
}

template <class Attend>
Var TransformerEncoderLayer::around(const Var& x, const TransformerPass& pass, Attend attend) const {
  const Var attended = residual(x, self_norm_, config_.norm, dropout_, pass, attend);
  return note("output", residual(attended, feed_forward_norm_, config_.norm, dropout_, pass,
                                 [&](const Var& in) { return feed_forward_(in); }));
}

Var TransformerEncoderLayer::operator()(const Var& x, const Mask& mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  return around(x, pass, [&](const Var& in) { return self_attention_.self(in, mask, {.rng = pass.rng}); });
}

Var TransformerEncoderLayer::step(const Var& x, KeyValueCache& cache) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  return around(x, {}, [&](const Var& in) { return self_attention_.step(in, cache); });
}

TransformerDecoderLayer::TransformerDecoderLayer(const TransformerLayerConfig& config, Rng& rng)
    : Module(describe("TransformerDecoderLayer", config)),
      config_(config),
      self_attention_(self_config(config), rng),
      self_norm_(config.norm_kind, config.width),
      cross_attention_(cross_config(config), rng),
      cross_norm_(config.norm_kind, config.width),
      feed_forward_(feed_forward_config(config), rng),
      feed_forward_norm_(config.norm_kind, config.width),
      dropout_(config.dropout) {
  register_module("self_attention", self_attention_);
  register_module("self_norm", self_norm_.module());
  register_module("cross_attention", cross_attention_);
  register_module("cross_norm", cross_norm_.module());
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_norm", feed_forward_norm_.module());
  register_module("dropout", dropout_);
}

template <class Self, class Cross>
Var TransformerDecoderLayer::around(const Var& x, const TransformerPass& pass, Self self, Cross cross) const {
  const Var looked_back = residual(x, self_norm_, config_.norm, dropout_, pass, self);
  const Var attended = residual(looked_back, cross_norm_, config_.norm, dropout_, pass, cross);
  return note("output", residual(attended, feed_forward_norm_, config_.norm, dropout_, pass,
                                 [&](const Var& in) { return feed_forward_(in); }));
}

Var TransformerDecoderLayer::operator()(const Var& x, const Var& memory, const Mask& self_mask,
                                        const Mask& cross_mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  return around(
      x, pass, [&](const Var& in) { return self_attention_.self(in, self_mask, {.rng = pass.rng}); },
      [&](const Var& in) { return cross_attention_(in, memory, memory, cross_mask, {.rng = pass.rng}); });
}

DecoderLayerCache TransformerDecoderLayer::prepare(const Var& memory) const {
  const ErrorFrame frame = enter();
  return {.self = {}, .cross = cross_attention_.prepare(memory, memory)};
}

Var TransformerDecoderLayer::step(const Var& x, DecoderLayerCache& cache, const Mask& cross_mask) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  return around(
      x, {}, [&](const Var& in) { return self_attention_.step(in, cache.self); },
      [&](const Var& in) { return cross_attention_.attend_to(cache.cross, in, cross_mask); });
}

void DecoderLayerCache::select(const Tensor& rows) {
  self.select(rows);
  cross.select(rows);
}

}  // namespace heed
