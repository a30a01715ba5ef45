#include "layers/feed_forward.h"

#include <cmath>
#include <numbers>

#include "autograd/ops/arithmetic.h"

namespace heed {
namespace {

// x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x³).
Var gelu(const Var& x) {
  const double factor = 2 * std::sqrt(2 / std::numbers::pi);
  return x * sigmoid(x * (square(x) * (0.044715 * factor) + factor));
}

}  // namespace

FeedForward::FeedForward(const FeedForwardConfig& config, Rng& rng)
    : Module(text("FeedForward ", config.width, " -> ", config.inner, " -> ", config.width)),
      activation_(config.activation),
      inner_(config.width, config.inner, rng),
      outer_(config.inner, config.width, rng) {
  register_module("inner", inner_);
  register_module("outer", outer_);
}

Var FeedForward::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  const Var hidden = inner_(x);
  return outer_(activation_ == Activation::relu ? relu(hidden) : gelu(hidden));
}

}  // namespace heed
