#include "layers/multi_head_attention.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/attention.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/softmax.h"
#include "core/attention.h"
#include "layers/attention_maps.h"

namespace heed {
namespace {

MultiHeadAttentionConfig checked(MultiHeadAttentionConfig config) {
  if (config.heads < 1 || config.width < 1 || (config.head_width == 0 && config.width % config.heads != 0))
    throw ConfigError({.what = text("MultiHeadAttention: width ", config.width, ", heads ", config.heads),
                       .expected = "heads >= 1 that divide a width >= 1, or a head_width"});
  const auto fill = [](std::int64_t& size, std::int64_t value) {
    if (size == 0) size = value;
  };
  fill(config.key_value_heads, config.heads);
  fill(config.key_width, config.width);
  fill(config.value_width, config.width);
  fill(config.head_width, config.width / config.heads);
  fill(config.head_value_width, config.head_width);
  if (config.key_value_heads < 1 || config.heads % config.key_value_heads != 0)
    throw ConfigError(
        {.what = text("MultiHeadAttention: heads ", config.heads, ", key_value_heads ", config.key_value_heads),
         .expected = "key_value_heads >= 1 that divide the heads"});
  if (std::min({config.key_width, config.value_width, config.head_width, config.head_value_width}) < 1 ||
      config.window < 0)
    throw ConfigError({.what = text("MultiHeadAttention: key_width ", config.key_width, ", value_width ",
                                    config.value_width, ", head_width ", config.head_width,
                                    ", head_value_width ", config.head_value_width, ", window ", config.window),
                       .expected = "widths >= 1, window >= 0"});
  return config;
}

std::string describe(const MultiHeadAttentionConfig& config) {
  return text("MultiHeadAttention ", config.width, ", ", config.heads, " heads",
              config.key_value_heads < config.heads ? text(" on ", config.key_value_heads) : "");
}

// A mask or bias for [B, T, S] holds for every head.
Mask for_heads(const Mask& mask) {
  return mask.defined() && mask.attends().rank() == 3 ? Mask::attend(mask.attends().unsqueeze(1)) : mask;
}
Var for_heads(const Var& bias) { return bias.rank() == 3 ? unsqueeze(bias, 1) : bias; }

Var batched(const Var& x) { return x.rank() == 2 ? unsqueeze(x, 0) : x; }

Var reshape(const Var& x, const Shape& shape) { return reshape(x, std::span(shape.begin(), shape.end())); }

// The product alone would repeat a batch of 1.
void require_same_batch(const Tensor& query, const Tensor& keys, const Tensor& values) {
  const auto batch = [](const Tensor& x) { return x.rank() == 0 ? 0 : x.extent(0); };
  if (batch(query) != batch(keys) || batch(query) != batch(values))
    throw ShapeError({.what = text("multi-head attention: query is ", query.shape(), ", keys are ",
                                   keys.shape(), ", values are ", values.shape()),
                      .expected = "one batch for all",
                      .operands = text("query: ", query.origin(), "    keys: ", keys.origin(),
                                       "    values: ", values.origin())});
}

void require_fits(const char* what, const Tensor& x, const Shape& scores) {
  if (!broadcasts_to(x.shape(), scores))
    throw ShapeError({.what = text("multi-head attention: the ", what, " ", x.shape(),
                                   " does not broadcast to the scores ", scores),
                      .expected = "[T, S], [B, T, S] or [B, H, T, S], or 1 in place of any",
                      .operands = text(what, ": ", x.origin())});
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttentionConfig& given, Rng& rng)
    : Module(describe(checked(given))),
      config_(checked(given)),
      query_(config_.width, config_.heads * config_.head_width, rng, {.bias = config_.bias}),
      key_(config_.key_width, config_.key_value_heads * config_.head_width, rng, {.bias = config_.bias}),
      value_(config_.value_width, config_.key_value_heads * config_.head_value_width, rng,
             {.bias = config_.bias}),
      out_(config_.heads * config_.head_value_width, config_.width, rng, {.bias = config_.bias}),
      dropout_(config_.dropout),
      positions_(config_.positions, config_.heads, config_.head_width, config_.head_value_width, rng),
      head_factors_(static_cast<std::size_t>(config_.heads), 1.0) {
  register_module("query", query_);
  register_module("key", key_);
  register_module("value", value_);
  register_module("out", out_);
  if (config_.dropout > 0) register_module("dropout", dropout_);
  if (!std::holds_alternative<std::monostate>(config_.positions)) register_module("positions", positions_);
}

void MultiHeadAttention::switch_head(std::int64_t head, bool on) {
  if (head < 0 || head >= config_.heads)
    throw IndexError({.what = text("switch_head: head ", head, " of ", description()),
                      .expected = text("0 <= head < ", config_.heads)});
  head_factors_[static_cast<std::size_t>(head)] = on ? 1 : 0;
}

double MultiHeadAttention::scale() const {
  return config_.scale.value_or(1 / std::sqrt(static_cast<double>(config_.head_width)));
}

Var MultiHeadAttention::heads_of(const Linear& map, const Var& x, std::int64_t heads) const {
  if (x.rank() != 3)
    throw ShapeError({.what = text("multi-head attention: an operand is ", x.shape()),
                      .expected = "query [B, T, D], keys and values [B, S, width], or all without B",
                      .operands = text("it is ", x.value().origin())});
  const Var y = map(x);
  const std::int64_t B = x.extent(0), T = x.extent(1), width = y.extent(2) / heads;
  if (T == 1) return reshape(y, {B, heads, 1, width});       // where both orders are one
  return transpose(reshape(y, {B, T, heads, width}), 1, 2);  // [B, H, T, d]
}

Var MultiHeadAttention::queries_of(const Var& x, std::int64_t first) const {
  return positions_.placed(heads_of(query_, x, config_.heads), first);
}
Var MultiHeadAttention::keys_of(const Var& x, std::int64_t first) const {
  return positions_.placed(heads_of(key_, x, config_.key_value_heads), first);
}
Var MultiHeadAttention::values_of(const Var& x) const { return heads_of(value_, x, config_.key_value_heads); }

Var MultiHeadAttention::operator()(const Var& query, const Var& keys, const Var& values, const Mask& mask,
                                   const AttentionPass& pass) const {
  const ErrorFrame frame = enter();
  const Var queries = batched(query), sources = batched(keys), contents = batched(values);
  require_same_batch(queries.value(), sources.value(), contents.value());
  const Var q = queries_of(queries, pass.first), k = keys_of(sources, 0), v = values_of(contents);
  const Var y = attend(q, k, v, mask, pass);
  return query.rank() == 2 ? squeeze(y, 0) : y;
}

Var MultiHeadAttention::self(const Var& x, const Mask& mask, const AttentionPass& pass) const {
  return (*this)(x, x, x, mask, pass);
}

Var MultiHeadAttention::step(const Var& x, KeyValueCache& cache, const Mask& mask) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  const Var steps = batched(x);
  const std::int64_t first = cache.length();
  cache.append(keys_of(steps, first).value(), values_of(steps).value());
  const std::int64_t T = steps.extent(1);
  const Mask up_to_own = T > 1 ? Mask::causal(T, cache.length(), first) : Mask();  // the last step sees all
  const Var y = attend(queries_of(steps, first), Var(cache.keys()), Var(cache.values()), up_to_own & mask,
                       {.first = first});
  return x.rank() == 2 ? squeeze(y, 0) : y;
}

KeyValueCache MultiHeadAttention::prepare(const Var& keys, const Var& values) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  KeyValueCache prepared;
  prepared.append(keys_of(batched(keys), 0).value(), values_of(batched(values)).value());
  return prepared;
}

Var MultiHeadAttention::attend_to(const KeyValueCache& prepared, const Var& query, const Mask& mask,
                                  const AttentionPass& pass) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  const Var queries = batched(query);
  require_same_batch(queries.value(), prepared.keys(), prepared.values());
  const Var y =
      attend(queries_of(queries, pass.first), Var(prepared.keys()), Var(prepared.values()), mask, pass);
  return query.rank() == 2 ? squeeze(y, 0) : y;
}

// q [B, H, T, d]   k [B, G, S, d]   v [B, G, S, e]   ->   [B, T, D]
Var MultiHeadAttention::attend(const Var& q, const Var& k, const Var& v, const Mask& mask,
                               const AttentionPass& pass) const {
  Mask attends = for_heads(mask);
  const Shape scores = q.shape().with(-1, k.extent(2));
  if (attends.defined()) require_fits("mask", attends.attends(), scores);
  if (pass.bias.defined()) require_fits("bias", for_heads(pass.bias).value(), scores);
  if (const std::int64_t reach = config_.window - 1; reach >= 0)
    attends = attends &
              Mask::window(q.extent(2), k.extent(2), {.before = reach, .after = reach, .first = pass.first});
  const bool plainly = pass.bias.defined() || dropout_.active() || positions_.needs_scores();
  const Var context = joined(plainly ? attend_plainly(q, k, v, attends, pass) : attend_fused(q, k, v, attends));
  return note("output", out_(note("context", context)));
}

// -> [B, H, T, e], or [B, G, H / G, T, e] when heads share keys
Var MultiHeadAttention::attend_fused(const Var& q, const Var& k, const Var& v, const Mask& mask) const {
  Var queries = q, keys = k, values = v;
  Mask attends = mask;
  if (shares_keys()) {  // the heads of a group meet its keys, which are not copied
    queries = reshape(q, per_group(q.shape()));
    keys = unsqueeze(k, 2);
    values = unsqueeze(v, 2);
    if (mask.defined() && mask.attends().rank() == 4)
      attends = Mask::attend(mask.attends().reshape(per_group(mask.attends().shape())));
  }
  if (AttentionMaps::wanted(*this)) {
    const Tensor repeated = keys.value().expand(queries.shape().with(-2, k.extent(2)));
    const Tensor weights = attention_weights(queries.value(), repeated, attends, scale())
                               .reshape({q.extent(0), q.extent(1), q.extent(2), k.extent(2)});
    AttentionMaps::keep(*this, weights);
    note("weights", weights);
  }
  return attention(queries, keys, values, {.mask = attends, .scale = scale()});
}

// -> [B, H, T, e]
Var MultiHeadAttention::attend_plainly(const Var& q, const Var& k, const Var& v, const Mask& mask,
                                       const AttentionPass& pass) const {
  const auto product = [&](const Var& a, const Var& b) {  // [B, H, m, n] x [B, G, n, p] -> [B, H, m, p]
    if (!shares_keys()) return matmul(a, b);
    return reshape(matmul(reshape(a, per_group(a.shape())), unsqueeze(b, 2)), a.shape().with(-1, b.extent(-1)));
  };
  Var scores = positions_.on_scores(product(q, transpose(k)) * scale(), q, scale(), pass.first);
  if (pass.bias.defined()) scores = scores + for_heads(pass.bias);
  const Var weights = note("weights", softmax(note("scores", scores), mask));
  if (AttentionMaps::wanted(*this)) AttentionMaps::keep(*this, weights.value());
  const Var dropped = dropout_(weights, pass.rng);
  return positions_.on_values(product(dropped, v), dropped, pass.first);
}

// [B, H, m, n] as [B, G, H / G, m, n]; extents of 1 stay.
Shape MultiHeadAttention::per_group(const Shape& shape) const {
  if (shape[1] == 1) return shape.inserted(1, 1);
  return shape.with(1, shape[1] / config_.key_value_heads).inserted(1, config_.key_value_heads);
}

// [B, H, T, e] or [B, G, H / G, T, e] -> [B, T, H e], without what the heads that are off give.
Var MultiHeadAttention::joined(const Var& y) const {
  const std::int64_t heads = config_.heads, T = y.extent(-2), width = y.extent(-1);
  const Var steps = T == 1 ? y : y.rank() == 4 ? transpose(y, 1, 2) : permute(y, {0, 3, 1, 2, 4});
  const Var row = reshape(steps, {y.extent(0), T, heads * width});
  if (std::find(head_factors_.begin(), head_factors_.end(), 0.0) == head_factors_.end()) return row;
  const Tensor factors = Tensor::of(head_factors_, {heads, 1}, y.dtype()).expand({heads, width});
  return row * Var(factors.reshape({heads * width}));
}

}  // namespace heed
