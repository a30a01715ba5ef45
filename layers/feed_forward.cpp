#include "layers/feed_forward.h"

#include "autograd/ops/activations.h"

namespace heed {

Var activate(const Var& x, Activation activation) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    default:
      return silu(x);
  }
}

FeedForward::FeedForward(const FeedForwardConfig& config, Rng& rng)
    : Module(text("FeedForward ", config.width, " -> ", config.inner, " -> ", config.width,
                  config.gated ? ", gated" : "")),
      activation_(config.activation),
      inner_(config.width, config.inner, rng, {.bias = config.bias}),
      outer_(config.inner, config.width, rng, {.bias = config.bias}) {
  register_module("inner", inner_);
  if (config.gated)
    register_module("gate", gate_.emplace(config.width, config.inner, rng, LinearOptions{.bias = config.bias}));
  register_module("outer", outer_);
}

Var FeedForward::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  const Var inner = inner_(x);
  const Var hidden = gate_ ? inner * activate((*gate_)(x), activation_) : activate(inner, activation_);
  return note("output", outer_(note("hidden", hidden)));
}

}  // namespace heed
