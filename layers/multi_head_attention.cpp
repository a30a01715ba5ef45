#include "layers/multi_head_attention.h"

#include <cmath>

#include "autograd/ops/attention.h"
#include "autograd/ops/shape.h"
#include "core/attention.h"
#include "layers/attention_maps.h"

namespace heed {
namespace {

const MultiHeadAttentionConfig& checked(const MultiHeadAttentionConfig& config) {
  if (config.heads < 1 || config.width < 1 || config.width % config.heads != 0)
    throw ConfigError({.what = text("MultiHeadAttention: width ", config.width, ", heads ", config.heads),
                       .expected = "heads >= 1 that divide a width >= 1"});
  return config;
}

// A mask for [B, T, S] holds for every head.
Mask for_heads(const Mask& mask) {
  return mask.defined() && mask.attends().rank() == 3 ? Mask::attend(mask.attends().unsqueeze(1)) : mask;
}

// The product alone would repeat a batch of 1.
void require_same_batch(const Var& query, const Var& keys, const Var& values) {
  const auto batch = [](const Var& x) { return x.rank() == 0 ? 0 : x.extent(0); };
  if (batch(query) != batch(keys) || batch(query) != batch(values))
    throw ShapeError({.what = text("multi-head attention: query is ", query.shape(), ", keys are ",
                                   keys.shape(), ", values are ", values.shape()),
                      .expected = "one batch for all",
                      .operands = text("query: ", query.value().origin(), "    keys: ", keys.value().origin(),
                                       "    values: ", values.value().origin())});
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttentionConfig& config, Rng& rng)
    : Module(text("MultiHeadAttention ", config.width, ", ", config.heads, " heads")),
      heads_(checked(config).heads),
      query_(config.width, config.width, rng, {.bias = config.bias}),
      key_(config.width, config.width, rng, {.bias = config.bias}),
      value_(config.width, config.width, rng, {.bias = config.bias}),
      out_(config.width, config.width, rng, {.bias = config.bias}) {
  register_module("query", query_);
  register_module("key", key_);
  register_module("value", value_);
  register_module("out", out_);
}

Var MultiHeadAttention::heads_of(const Linear& map, const Var& x) const {
  if (x.rank() != 3)
    throw ShapeError({.what = text("multi-head attention: an operand is ", x.shape()),
                      .expected = "query [B, T, D], keys [B, S, D], values [B, S, D]",
                      .operands = text("it is ", x.value().origin())});
  const Var y = map(x);
  return transpose(reshape(y, {x.extent(0), x.extent(1), heads_, y.extent(2) / heads_}), 1, 2);  // [B, H, T, d]
}

Var MultiHeadAttention::operator()(const Var& query, const Var& keys, const Var& values,
                                   const Mask& mask) const {
  const ErrorFrame frame = enter();
  require_same_batch(query, keys, values);
  const Var q = heads_of(query_, query), k = heads_of(key_, keys), v = heads_of(value_, values);
  if (AttentionMaps::wanted(*this))
    AttentionMaps::keep(*this, attention_weights(q.value(), k.value(), for_heads(mask),
                                                 1 / std::sqrt(static_cast<double>(q.extent(-1)))));
  const Var y = attention(q, k, v, {.mask = for_heads(mask)});               // [B, H, T, d]
  return out_(reshape(transpose(y, 1, 2), {y.extent(0), y.extent(2), -1}));  // [B, T, H, d] -> [B, T, D]
}

}  // namespace heed
