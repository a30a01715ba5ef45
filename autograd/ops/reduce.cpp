#include "autograd/ops/reduce.h"

#include <cmath>

#include "autograd/ops/cumulative.h"

namespace heed {
namespace {

using kernels::Unary;

// The part that each element of x has in its extreme y [kept axes]: equal ones share, the others have 0.
Tensor shares(const Tensor& x, const Tensor& y, const Axes& axes) {
  const Tensor ties = equal(x, y).to(x.dtype());
  return ties / sum(ties, axes, true);
}

// The rule of max and min.
auto extreme_rule(const Var& x, const Axes& axes) {
  return [x, axes](const Var& dy, const Var& y) {
    const Shape kept = axes.reduced(x.shape(), true);
    return reshape(dy, kept) * Var(shares(x.value(), y.value().reshape(kept), axes));
  };
}

Var product_of_axis(const Var& x, int axis, bool keep_axis, const SourceLocation& at) {
  return record({"product", at}, product(x.value(), axis, keep_axis),
                wrt(x, [x, axis, keep_axis](const Var& dy) {
                  // Without a division, which a 0 would spoil.
                  const Var before = cumulative_product(x, axis, {.exclusive = true});
                  const Var after = cumulative_product(x, axis, {.exclusive = true, .reverse = true});
                  return before * after * (keep_axis ? dy : unsqueeze(dy, axis));
                }));
}

// sign(x) |x|^q and |x|^q: up to factors each other's derivatives.
Var signed_power(const Var& x, double q);

Tensor powers(const Tensor& x, double q) {
  return apply(kernels::Binary::power, apply(Unary::absolute, x, "norm"), q, "norm");
}

Var absolute_power(const Var& x, double q) {
  return record("absolute_power", powers(x.value(), q),
                wrt(x, [x, q](const Var& dy) { return q == 0 ? Var() : q * dy * signed_power(x, q - 1); }));
}

Var signed_power(const Var& x, double q) {
  return record("signed_power", apply(Unary::sign, x.value(), "norm") * powers(x.value(), q),
                wrt(x, [x, q](const Var& dy) { return q == 0 ? Var() : q * dy * absolute_power(x, q - 1); }));
}

}  // namespace

Var max(const Var& x, const Axes& axes, bool keep_axes, SourceLocation at) {
  return record({"max", at}, max(x.value(), axes, keep_axes), wrt(x, extreme_rule(x, axes)));
}

Var min(const Var& x, const Axes& axes, bool keep_axes, SourceLocation at) {
  return record({"min", at}, min(x.value(), axes, keep_axes), wrt(x, extreme_rule(x, axes)));
}

Var product(const Var& x, const Axes& axes, bool keep_axes, SourceLocation at) {
  const unsigned reduced = axes.bits(x.shape());
  Var y = x;
  for (int axis = x.rank() - 1; axis >= 0; --axis)
    if (reduced >> axis & 1) y = product_of_axis(y, axis, keep_axes, at);
  return y;
}

Var variance(const Var& x, const Axes& axes, const VarianceOptions& options, SourceLocation at) {
  const double divisor = variance_divisor(x.shape(), axes, options.correction, "variance");
  return record({"variance", at}, variance(x.value(), axes, options), wrt(x, [x, axes, divisor](const Var& dy) {
                  const Var distances = x - mean(x, axes, true);
                  return reshape(dy, axes.reduced(x.shape(), true)) * (2 / divisor) * distances;
                }));
}

Var standard_deviation(const Var& x, const Axes& axes, const VarianceOptions& options, SourceLocation at) {
  const double divisor = variance_divisor(x.shape(), axes, options.correction, "standard_deviation");
  return record({"standard_deviation", at}, standard_deviation(x.value(), axes, options),
                wrt(x, [x, axes, divisor](const Var& dy, const Var& y) {
                  // Where y is 0 all distances are: any divisor but 0 makes the gradient 0.
                  const Var none = Var(Tensor::scalar(1, y.dtype()));
                  const Var safe = where(equal(y.value(), Tensor::scalar(0, y.dtype())), none, y);
                  const Var distances = x - mean(x, axes, true);
                  return reshape(dy / safe, axes.reduced(x.shape(), true)) * (1 / divisor) * distances;
                }));
}

Var norm(const Var& x, double p, const Axes& axes, bool keep_axes, SourceLocation at) {
  return record(
      {"norm", at}, norm(x.value(), p, axes, keep_axes), wrt(x, [x, p, axes](const Var& dy, const Var& y) {
        const Shape kept = axes.reduced(x.shape(), true);
        const Var length = reshape(y, kept), g = reshape(dy, kept);
        if (std::isinf(p)) {
          const Tensor distances = apply(Unary::absolute, x.value(), "norm");
          return g * Var(apply(Unary::sign, x.value(), "norm") * shares(distances, length.value(), axes));
        }
        // Where the length is 0 all of x is: any divisor but 0 makes the gradient 0.
        const Tensor nothing = equal(length.value(), Tensor::scalar(0, x.dtype()));
        const Var unit = x / where(nothing, Var(Tensor::scalar(1, x.dtype())), length);
        return g * (p == 2 ? unit : signed_power(unit, p - 1));
      }));
}

}  // namespace heed
