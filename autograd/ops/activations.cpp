#include "autograd/ops/activations.h"

#include <cmath>

#include "autograd/ops/rounding.h"
#include "autograd/ops/shape.h"
#include "core/error.h"
#include "core/map.h"

namespace heed {

Var leaky_relu(const Var& x, double slope, SourceLocation at) {
  Tensor value = for_floating(x.dtype(), "leaky_relu", [&](auto zero) {
    using T = decltype(zero);
    return map<T>(x.value(), [s = static_cast<T>(slope)](T v) { return v > 0 ? v : s * v; });
  });
  return record({"leaky_relu", at}, std::move(value),
                wrt(x, [x, slope](const Var& dy) { return where(greater(x, 0.0), dy, dy * slope); }));
}

Var prelu(const Var& x, const Var& slope, SourceLocation at) {
  if (!broadcasts_to(slope.shape(), x.shape()))
    throw ShapeError({.what = text("prelu: the slope ", slope.shape(), " does not broadcast to x, ", x.shape()),
                      .operands = text("x: ", x.value().origin(), "    slope: ", slope.value().origin())});
  return record({"prelu", at}, where(greater(x, 0.0), x.value(), x.value() * slope.value()),
                wrt(x, [x, slope](const Var& dy) { return where(greater(x, 0.0), dy, dy * slope); }),
                wrt(slope, [x](const Var& dy) { return where(greater(x, 0.0), 0.0, dy * x); }));
}

namespace {

// scale x where x > 0, else scale alpha (e^(x / width) - 1). The gradient needs nothing but the output, which
// is positive where x is.
Var exponential_linear(Operation operation, const Var& x, double scale, double alpha, double width) {
  if (!(alpha > 0))
    throw ConfigError({.what = text(operation.name, ": alpha ", alpha), .expected = "alpha > 0"});
  const double depth = scale * alpha;
  return record(operation, relu(x.value()) * scale + expm1(minimum(x.value(), 0.0) * (1 / width)) * depth,
                wrt(x, [scale, depth, width](const Var& dy, const Var& y) {
                  return dy * where(greater(y, 0.0), scale, (y + depth) * (1 / width));
                }));
}

}  // namespace

Var elu(const Var& x, double alpha, SourceLocation at) {
  return exponential_linear({"elu", at}, x, 1, alpha, 1);
}

Var celu(const Var& x, double alpha, SourceLocation at) {
  return exponential_linear({"celu", at}, x, 1, alpha, alpha);
}

Var selu(const Var& x, SourceLocation at) {
  return exponential_linear({"selu", at}, x, 1.0507009873554804934193349852946,
                            1.6732632423543772848170429916717, 1);
}

Var softsign(const Var& x, SourceLocation at) {
  Tensor value = for_floating(x.dtype(), "softsign", [&](auto zero) {
    using T = decltype(zero);
    return map<T>(x.value(), [](T v) { return v / (1 + std::abs(v)); });
  });
  return record({"softsign", at}, std::move(value),
                wrt(x, [x](const Var& dy) { return dy / square(abs(x) + 1.0); }));
}

Var hard_sigmoid(const Var& x, SourceLocation at) {
  return record({"hard_sigmoid", at}, clamp(x.value() * (1.0 / 6) + 0.5, {.min = 0, .max = 1}),
                wrt(x, [x](const Var& dy) { return where(less(abs(x.value()), 3.0), dy * (1.0 / 6), 0.0); }));
}

Var hard_tanh(const Var& x, SourceLocation at) {
  return record({"hard_tanh", at}, clamp(x.value(), {.min = -1, .max = 1}),
                wrt(x, [x](const Var& dy) { return where(less(abs(x.value()), 1.0), dy, 0.0); }));
}

Var glu(const Var& x, int axis, SourceLocation at) {
  const std::int64_t n = x.extent(axis);
  if (n % 2 != 0)
    throw ShapeError({.what = text("glu: axis ", axis, " of ", x.shape(), " has no halves"),
                      .expected = text("x.shape[", axis, "] even, got ", n),
                      .operands = text("x: ", x.value().origin())});
  return Operand(slice(x, axis, 0, n / 2, 1, at), at) * sigmoid(slice(x, axis, n / 2, n, 1, at), at);
}

}  // namespace heed
