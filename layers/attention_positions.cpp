#include "layers/attention_positions.h"

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/linear_algebra.h"
#include "layers/init.h"

namespace heed {
namespace {

std::string describe(const PositionScheme& scheme) {
  if (const auto* rotary = std::get_if<Rotary>(&scheme))
    return text("Rotary, base ", rotary->base,
                rotary->layout == RotaryLayout::interleaved ? ", interleaved" : ", halves");
  if (std::holds_alternative<Alibi>(scheme)) return "Alibi";
  if (const auto* bias = std::get_if<BucketBias>(&scheme))
    return text("BucketBias ", bias->buckets, bias->bidirectional ? ", bidirectional" : ", causal");
  if (const auto* coefficients = std::get_if<RelativeCoefficients>(&scheme))
    return text("RelativeCoefficients ", coefficients->max_distance);
  if (const auto* vectors = std::get_if<RelativeVectors>(&scheme))
    return text("RelativeVectors ", vectors->max_distance);
  return "no positions";
}

std::int64_t distances(std::int64_t farthest) {
  if (farthest < 0)
    throw ConfigError({.what = text("AttentionPositions: max_distance ", farthest), .expected = "at least 0"});
  return 2 * farthest + 1;
}

Tensor vectors(std::int64_t rows, std::int64_t width, Rng& rng) {
  return init::normal({rows, width}, 1 / std::sqrt(static_cast<double>(width)), rng);
}

// A number for each target, source and head: table [rows, H], ids [T, S] -> [H, T, S].
Var of_heads(const Var& table, const Tensor& ids) { return permute(embedding(table, ids), {2, 0, 1}); }

// Each row of x [B, H, T, m] times the matrix of its own step, matrices [T, m, n] -> [B, H, T, n].
Var step_products(const Var& x, const Var& matrices) {
  const std::int64_t batch = x.extent(0), heads = x.extent(1), steps = x.extent(2), n = matrices.extent(2);
  const Var rows = reshape(permute(x, {2, 0, 1, 3}), {steps, batch * heads, x.extent(3)});
  return permute(reshape(matmul(rows, matrices), {steps, batch, heads, n}), {1, 2, 0, 3});
}

}  // namespace

AttentionPositions::AttentionPositions(const PositionScheme& scheme, std::int64_t heads, std::int64_t width,
                                       std::int64_t value_width, Rng& rng)
    : Module(describe(scheme)), scheme_(scheme), heads_(heads) {
  if (std::holds_alternative<Rotary>(scheme) && width % 2 != 0)
    throw ConfigError(
        {.what = text("AttentionPositions: Rotary in heads of width ", width), .expected = "an even width"});
  if (const auto* buckets = std::get_if<BucketBias>(&scheme)) {
    relative_buckets(0, 0, *buckets);  // throws when they make no sense
    table_ = register_parameter("bias", Tensor::zeros({buckets->buckets, heads}));
  } else if (const auto* coefficients = std::get_if<RelativeCoefficients>(&scheme)) {
    table_ = register_parameter("coefficients", Tensor::ones({distances(coefficients->max_distance), heads}));
  } else if (const auto* relative = std::get_if<RelativeVectors>(&scheme)) {
    const std::int64_t rows = distances(relative->max_distance);
    table_ = register_parameter("keys", vectors(rows, width, rng));
    value_table_ = register_parameter("values", vectors(rows, value_width, rng));
  }
}

Var AttentionPositions::placed(const Var& x, std::int64_t first) const {
  const auto* rotary = std::get_if<Rotary>(&scheme_);
  return rotary == nullptr ? x : rotate(x, *rotary, first);
}

bool AttentionPositions::needs_scores() const {
  return !std::holds_alternative<std::monostate>(scheme_) && !std::holds_alternative<Rotary>(scheme_);
}

Var AttentionPositions::on_scores(const Var& scores, const Var& q, double scale, std::int64_t first) const {
  const std::int64_t T = scores.extent(2), S = scores.extent(3);
  if (std::holds_alternative<Alibi>(scheme_)) {
    const Tensor sources = Tensor::arange(S, DType::f64),
                 targets = (Tensor::arange(T, DType::f64) + static_cast<double>(first)).unsqueeze(1);
    const Tensor away =
        apply(kernels::Binary::maximum, sources - targets, targets - sources, "alibi");  // [T, S]
    const Tensor slopes = alibi_slopes(heads_).reshape({heads_, 1, 1});
    return scores - Var((slopes * away).to(scores.dtype()));
  }
  if (const auto* buckets = std::get_if<BucketBias>(&scheme_))
    return scores + of_heads(table_, relative_buckets(T, S, *buckets, first));
  if (const auto* coefficients = std::get_if<RelativeCoefficients>(&scheme_))
    return scores * of_heads(table_, clipped_distances(T, S, coefficients->max_distance, first));
  if (const auto* relative = std::get_if<RelativeVectors>(&scheme_)) {
    const Var keys = embedding(table_, clipped_distances(T, S, relative->max_distance, first));  // [T, S, d]
    return scores + step_products(q, transpose(keys)) * scale;
  }
  return scores;
}

Var AttentionPositions::on_values(const Var& y, const Var& weights, std::int64_t first) const {
  const auto* relative = std::get_if<RelativeVectors>(&scheme_);
  if (relative == nullptr) return y;
  const Tensor ids = clipped_distances(weights.extent(2), weights.extent(3), relative->max_distance, first);
  return y + step_products(weights, embedding(value_table_, ids));  // [T, S, e]
}

}  // namespace heed
