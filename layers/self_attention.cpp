#include "layers/self_attention.h"

#include <cmath>

#include "autograd/ops/attention.h"
#include "core/attention.h"
#include "layers/attention_maps.h"

namespace heed {
namespace {

void require_sequences(const Var& x) {
  if (x.rank() != 2 && x.rank() != 3)
    throw ShapeError({.what = text("self-attention: x is ", x.shape()),
                      .expected = "x [T, D] or [B, T, D]",
                      .operands = text("x: ", x.value().origin())});
}

SelfAttentionConfig checked(SelfAttentionConfig config) {
  if (config.inner == 0) config.inner = config.width;
  if (config.width < 1 || config.inner < 1)
    throw ConfigError({.what = text("SelfAttention: width ", config.width, ", inner ", config.inner),
                       .expected = "both at least 1"});
  return config;
}

}  // namespace

Var self_attention(const Var& x, const Mask& mask) {
  require_sequences(x);
  return attention(x, x, x, {.mask = mask, .scale = 1.0});
}

SelfAttention::SelfAttention(const SelfAttentionConfig& config, Rng& rng)
    : Module("SelfAttention"),
      config_(checked(config)),
      query_(config_.width, config_.inner, rng, {.bias = config_.bias}),
      key_(config_.width, config_.inner, rng, {.bias = config_.bias}),
      value_(config_.width, config_.inner, rng, {.bias = config_.bias}) {
  register_module("query", query_);
  register_module("key", key_);
  register_module("value", value_);
}

Var SelfAttention::operator()(const Var& x, const Mask& mask) const {
  const ErrorFrame frame = enter();
  require_sequences(x);
  const Var q = query_(x), k = key_(x), v = value_(x);  // [..., T, inner]
  const double scale = config_.scaled ? 1 / std::sqrt(static_cast<double>(config_.inner)) : 1;
  if (AttentionMaps::wanted(*this)) {
    const Tensor weights = attention_weights(q.value(), k.value(), mask, scale);  // [T, T] or [B, T, T]
    AttentionMaps::keep(*this, (x.rank() == 2 ? weights.unsqueeze(0) : weights).unsqueeze(1));
    note("weights", weights);
  }
  return note("context", attention(q, k, v, {.mask = mask, .scale = scale}));
}

}  // namespace heed
