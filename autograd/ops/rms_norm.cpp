#include "autograd/ops/rms_norm.h"

#include <algorithm>

#include "autograd/backward.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "core/error.h"

namespace heed {
namespace {

// Of each row, [..., 1].
Tensor row_mean(const Tensor& x) {
  return sum(x, -1, true) / static_cast<double>(std::max<std::int64_t>(1, x.extent(-1)));
}

}  // namespace

Var rms_norm(const Var& x, const Var& gain, double epsilon, SourceLocation at) {
  if (x.rank() == 0 || gain.shape() != Shape{x.extent(-1)})
    throw ShapeError({.what = text("rms_norm: x is ", x.shape(), ", gain is ", gain.shape()),
                      .expected = "gain.shape == [x.shape[-1]]",
                      .operands = text("x: ", x.value().origin(), "    gain: ", gain.value().origin())});
  const Tensor root = apply(kernels::Unary::sqrt, row_mean(x.value() * x.value()) + epsilon, "rms_norm");
  return record_joint({"rms_norm", at}, x.value() / root * gain.value(), std::array{x, gain},
                      [x, gain, epsilon, root](const Var& dy) -> std::array<Var, 2> {
                        if (is_recording())
                          return differentiate_definition<2>(
                              {x, gain}, std::span(&dy, 1), [&](const std::array<Var, 2>& in) {
                                return std::vector<Var>{definition::rms_norm(in[0], in[1], epsilon)};
                              });
                        const Tensor z = x.value() / root, g = dy.value() * gain.value();
                        return {Var((g - z * row_mean(g * z)) / root), Var(dy.value() * z)};  // the engine sums
                      });
}

namespace definition {

Var rms_norm(const Var& x, const Var& gain, double epsilon) {
  return x / sqrt(mean(square(x), -1, true) + epsilon) * gain;
}

}  // namespace definition

}  // namespace heed
