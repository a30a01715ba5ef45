#include "layers/layer_norm.h"

#include <algorithm>

#include "autograd/ops/layer_norm.h"
#include "autograd/ops/shape.h"

namespace heed {
namespace {

std::string describe(const Shape& axes) {
  return axes.rank() == 1 ? text("LayerNorm ", axes[0]) : text("LayerNorm ", axes);
}

bool ends_with(const Shape& shape, const Shape& axes) {
  return shape.rank() >= axes.rank() && std::equal(axes.begin(), axes.end(), shape.end() - axes.rank());
}

}  // namespace

LayerNorm::LayerNorm(const Shape& axes, const LayerNormOptions& options)
    : Module(describe(axes)), epsilon_(options.epsilon) {
  if (axes.rank() == 0) throw ConfigError({.what = "LayerNorm: no axes", .expected = "one or more"});
  gain_ = register_parameter("gain", Tensor::ones(axes));
  bias_ = register_parameter("bias", Tensor::zeros(axes));
}

Var LayerNorm::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  const Shape& axes = gain_.shape();
  if (axes.rank() == 1) return note("output", layer_norm(x, gain_, bias_, epsilon_));
  if (!ends_with(x.shape(), axes))
    throw ShapeError({.what = text("layer norm: x is ", x.shape(), ", normalised together are ", axes),
                      .expected = text("x [..., ", axes, "]"),
                      .operands = text("x: ", x.value().origin())});
  const std::int64_t n = axes.count(), rows = n == 0 ? 0 : x.count() / n;
  const Var y = layer_norm(reshape(x, {rows, n}), reshape(gain_, {n}), reshape(bias_, {n}), epsilon_);
  return note("output", reshape(y, std::span(x.shape().begin(), x.shape().end())));
}

}  // namespace heed
