#include "layers/scored_attention.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "layers/init.h"

namespace heed {
namespace {

const char* name_of(ScoreKind kind) {
  constexpr const char* kNames[] = {"dot", "scaled dot", "general", "concat", "additive", "projected"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool is_tanh(ScoreKind kind) { return kind == ScoreKind::concat || kind == ScoreKind::additive; }

ScoredAttentionConfig checked(ScoredAttentionConfig config) {
  if (config.key_width == 0) config.key_width = config.query_width;
  if (config.inner == 0) config.inner = config.query_width;
  if (std::min({config.query_width, config.key_width, config.inner}) < 1 || config.window < 0)
    throw ConfigError({.what = text("ScoredAttention: query_width ", config.query_width, ", key_width ",
                                    config.key_width, ", inner ", config.inner, ", window ", config.window),
                       .expected = "widths >= 1, window >= 0"});
  const bool is_dot = config.score == ScoreKind::dot || config.score == ScoreKind::scaled_dot;
  if (is_dot && config.query_width != config.key_width)
    throw ConfigError({.what = text("ScoredAttention: an inner product of states ", config.query_width, " and ",
                                    config.key_width, " wide"),
                       .expected = "equal widths",
                       .hint = "ScoreKind::general maps one to the other"});
  if (config.coverage && !is_tanh(config.score))
    throw ConfigError({.what = text("ScoredAttention: coverage in a score of kind ", name_of(config.score)),
                       .expected = "concat or additive"});
  return config;
}

std::string describe(const ScoredAttentionConfig& config) {
  return text("ScoredAttention, ", name_of(config.score), config.coverage ? ", coverage" : "",
              config.window > 0 ? text(", window ", config.window) : "");
}

// [..., n] . v [n] -> [...]
Var inner_product(const Var& x, const Var& v) { return squeeze(matmul(x, unsqueeze(v, 1)), -1); }

}  // namespace

ScoredAttention::ScoredAttention(const ScoredAttentionConfig& given, Rng& rng)
    : Module(describe(given)), config_(checked(given)) {
  const std::int64_t Q = config_.query_width, K = config_.key_width, inner = config_.inner;
  switch (config_.score) {
    case ScoreKind::dot:
    case ScoreKind::scaled_dot:
      break;
    case ScoreKind::general:
      weight_ = register_parameter("weight", init::scaled_uniform({K, Q}, K, rng));
      break;
    case ScoreKind::concat:
    case ScoreKind::additive: {
      const std::int64_t rows = Q + K + (config_.coverage ? 1 : 0);
      weight_ = register_parameter("weight", init::scaled_uniform({rows, inner}, rows, rng));
      bias_ = register_parameter("bias", Tensor::zeros({inner}));
      v_ = register_parameter("v", init::scaled_uniform({inner}, inner, rng));
      break;
    }
    case ScoreKind::projected:
      register_module("query", query_.emplace(Q, inner, rng));
      register_module("key", key_.emplace(K, inner, rng));
      register_module("value", value_.emplace(K, inner, rng));
  }
  if (config_.window == 0) return;
  place_weight_ = register_parameter("place_weight", init::scaled_uniform({Q, Q}, Q, rng));
  place_v_ = register_parameter("place_v", init::scaled_uniform({Q}, Q, rng));
}

ScoredAttention::Memory ScoredAttention::memory(const Var& hs) const {
  const ErrorFrame frame = enter();
  const std::int64_t Q = config_.query_width, K = config_.key_width;
  if (hs.rank() != 3 || hs.extent(2) != K)
    throw ShapeError({.what = text("attention: hs is ", hs.shape()),
                      .expected = text("hs [B, S, ", K, "]"),
                      .operands = text("hs: ", hs.value().origin())});
  switch (config_.score) {
    case ScoreKind::general:
      return {matmul(hs, weight_), hs};
    case ScoreKind::additive:
      return {matmul(hs, slice(weight_, 0, Q, Q + K)), hs};
    case ScoreKind::projected:
      return {(*key_)(hs), (*value_)(hs)};
    case ScoreKind::dot:
    case ScoreKind::scaled_dot:
    case ScoreKind::concat:
      break;
  }
  return {hs, hs};
}

Var ScoredAttention::scores(const Memory& memory, const Var& queries, const Var& coverage) const {
  const ErrorFrame frame = enter();
  const std::int64_t Q = config_.query_width;
  if (queries.rank() != 3 || queries.extent(0) != memory.keys.extent(0) || queries.extent(2) != Q)
    throw ShapeError(
        {.what = text("attention: queries are ", queries.shape(), " for keys ", memory.keys.shape()),
         .expected = text("queries [B, T, ", Q, "] for keys [B, S, ·]"),
         .operands = text("queries: ", queries.value().origin())});
  if (coverage.defined() && !config_.coverage)
    throw ConfigError({.what = "attention: a coverage is given", .expected = "a score with coverage"});
  if (is_tanh(config_.score)) return tanh_score(memory, queries, coverage);
  const Var products = matmul_transposed(query_ ? (*query_)(queries) : queries, memory.keys);
  return config_.score == ScoreKind::scaled_dot ? products * (1 / std::sqrt(static_cast<double>(Q))) : products;
}

Var ScoredAttention::tanh_score(const Memory& memory, const Var& queries, const Var& coverage) const {
  const std::int64_t Q = config_.query_width, K = config_.key_width;
  const Shape pairs{queries.extent(0), queries.extent(1), memory.keys.extent(1), 1};  // [B, T, S, ·]
  Var inside;
  if (config_.score == ScoreKind::concat) {
    std::vector<Var> joined{expand(unsqueeze(queries, 2), pairs.with(3, Q)),
                            expand(unsqueeze(memory.keys, 1), pairs.with(3, K))};
    if (config_.coverage)
      joined.push_back(coverage.defined() ? unsqueeze(coverage, 3)
                                          : Var(Tensor::zeros(pairs, queries.dtype())));
    inside = linear(concat(joined, -1), weight_, bias_);
  } else {
    const Var of_queries = linear(queries, slice(weight_, 0, 0, Q), bias_);  // [B, T, inner]
    inside = unsqueeze(of_queries, 2) + unsqueeze(memory.keys, 1);
    if (coverage.defined())
      inside = inside + unsqueeze(coverage, 3) * slice(weight_, 0, Q + K, Q + K + 1);  // [1, inner]
  }
  return inner_product(tanh(inside), v_);
}

// Where each target looks, in steps of the source: [B, T, 1].
Var ScoredAttention::place(const Var& queries, const Mask& mask, std::int64_t sources) const {
  const Var share = sigmoid(inner_product(tanh(matmul(queries, place_weight_)), place_v_));  // [B, T]
  if (!mask.defined()) return unsqueeze(share * static_cast<double>(sources), -1);
  const Tensor attends = mask.attends().expand({queries.extent(0), queries.extent(1), sources});
  return unsqueeze(share, -1) * Var(sum(attends.to(queries.dtype()), -1, true));
}

// exp(-(s - place)² / (2 deviation²)): [B, T, S].
Var ScoredAttention::bell(const Var& place, std::int64_t sources) const {
  const double deviation = static_cast<double>(config_.window) / 2;
  const Var distance = Var(Tensor::arange(sources, place.dtype())) - place;
  return exp(distance * distance * (-1 / (2 * deviation * deviation)));
}

Mask ScoredAttention::within(const Tensor& place, std::int64_t sources) const {
  const Tensor distance = Tensor::arange(sources, place.dtype()) - place;  // [B, T, S]
  const Tensor reach = Tensor::scalar(static_cast<double>(config_.window), place.dtype());
  return Mask::attend(less_equal(distance * distance, reach * reach));
}

Attended ScoredAttention::operator()(const Memory& memory, const Var& queries, const Mask& mask,
                                     const Var& coverage) const {
  const ErrorFrame frame = enter();
  const Var all = note("scores", scores(memory, queries, coverage));  // [B, T, S]
  Var weights;
  if (config_.window == 0) {
    weights = softmax(all, mask);
  } else {
    const std::int64_t sources = all.extent(2);
    const Var center = place(queries, mask, sources);
    weights = softmax(all, mask & within(center.value(), sources)) * bell(center, sources);
  }
  note("weights", weights);
  if (AttentionMaps::wanted(*this)) AttentionMaps::keep(*this, weights.value().unsqueeze(1));  // [B, 1, T, S]
  return {note("context", matmul(weights, memory.values)), weights};
}

}  // namespace heed
