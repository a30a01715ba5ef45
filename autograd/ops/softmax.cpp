#include "autograd/ops/softmax.h"

#include <limits>

#include "autograd/ops/comparison.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/rounding.h"
#include "core/error.h"

namespace heed {
namespace {

// f along an axis, where f goes along the last one.
template <class F>
Var along(const Var& x, int axis, const SourceLocation& at, F f) {
  if (x.rank() == 0 || x.shape().resolve(axis) == x.rank() - 1) return f(x);  // which refuses a scalar
  return transpose(f(transpose(x, axis, -1, at)), axis, -1, at);
}

}  // namespace

Var softmax(const Var& x, const Mask& mask, SourceLocation at) {
  return record({"softmax", at}, softmax(x.value(), mask), wrt(x, [](const Var& dy, const Var& y) {
                  if (is_recording()) return y * (dy - sum(dy * y, -1, true));
                  return Var(softmax_backward(y.value(), dy.value()));
                }));
}

Var softmax_along(const Var& x, int axis, SourceLocation at) {
  return along(x, axis, at, [&](const Var& rows) { return softmax(rows, Mask(), at); });
}

Var softmin(const Var& x, int axis, SourceLocation at) { return softmax_along(-Operand(x, at), axis, at); }

Var log_softmax(const Var& x, int axis, SourceLocation at) {
  return along(x, axis, at, [&](const Var& rows) {
    return record({"log_softmax", at}, log_softmax(rows.value()), wrt(rows, [](const Var& dy, const Var& y) {
                    if (is_recording()) return dy - exp(y) * sum(dy, -1, true);
                    return Var(log_softmax_backward(y.value(), dy.value()));
                  }));
  });
}

Var logsumexp(const Var& x, int axis, bool keep_axis, SourceLocation at) {
  return record({"logsumexp", at}, logsumexp(x.value(), axis, keep_axis),
                wrt(x, [x, axis = x.shape().resolve(axis), keep_axis](const Var& dy, const Var& y) {
                  constexpr double kNone = -std::numeric_limits<double>::infinity();
                  const Var total = where(equal(y, kNone), 0.0, y);  // exp(-inf - -inf) would be NaN
                  if (keep_axis) return dy * exp(x - total);
                  return unsqueeze(dy, axis) * exp(x - unsqueeze(total, axis));
                }));
}

Var logsumexp(const Var& x, SourceLocation at) { return logsumexp(reshape(x, {x.count()}, at), 0, false, at); }

Var sparsemax(const Var& x, const Mask& mask, SourceLocation at) {
  if (mask.defined()) {
    if (!broadcasts_to(mask.attends().shape(), x.shape()))
      throw ShapeError({.what = text("sparsemax: the mask ", mask.attends().shape(),
                                     " does not broadcast to the scores ", x.shape())});
    const double blocked = -std::numeric_limits<double>::infinity();
    return sparsemax(masked_fill(x, logical_not(mask.attends()), blocked, at), {}, at);
  }
  return record({"sparsemax", at}, sparsemax(x.value()), wrt(x, [](const Var& dy, const Var& y) {
                  const Var support(greater(y, 0.0).to(y.dtype()));
                  const Var size = maximum(sum(support, -1, true), 1.0);
                  return support * (dy - sum(dy * support, -1, true) / size);
                }));
}

namespace {

// Independent draws of -log(-log(u)), u uniform between 0 and 1.
Tensor gumbel_noise(const Shape& shape, Rng& rng, DType dtype) {
  const Tensor u = Tensor::uniform(shape, std::numeric_limits<double>::min(), 1, rng, DType::f64);
  return (-log(-log(u))).to(dtype);
}

}  // namespace

Var gumbel_softmax(const Var& x, const GumbelOptions& options, Rng& rng, SourceLocation at) {
  if (!(options.temperature > 0))
    throw ConfigError(
        {.what = text("gumbel_softmax: temperature ", options.temperature), .expected = "temperature > 0"});
  const Var noisy = Operand(x, at) + Var(gumbel_noise(x.shape(), rng, x.dtype()));
  return along(Operand(noisy, at) / options.temperature, options.axis, at, [&](const Var& rows) {
    const Var soft = softmax(rows, Mask(), at);
    if (!options.hard) return soft;
    const Tensor classes = Tensor::arange(soft.extent(-1), DType::i32);
    const Tensor chosen = equal(argmax(soft.value(), -1).unsqueeze(-1), classes);
    return straight_through(chosen.to(soft.dtype()), soft, at);
  });
}

namespace {

// A number per row that keeps exp in range: its largest, and for rows of nothing any. The result does not
// depend on it, so no gradient flows through it.
Var largest_of_rows(const Var& x) {
  return Var(x.extent(-1) == 0 ? Tensor::zeros(x.shape().with(-1, 1), x.dtype()) : max(x.value(), -1, true));
}

}  // namespace

namespace definition {

Var softmax(const Var& x, const Mask& mask) {
  Var weights = exp(x - largest_of_rows(x));
  if (mask.defined()) weights = where(mask.attends(), weights, 0.0);
  const Var total = sum(weights, -1, true);
  // A row with nothing to attend to: 0 / 1 in place of 0 / 0.
  return weights / where(equal(total, 0.0), 1.0, total);
}

Var log_softmax(const Var& x) {
  const Var centred = x - largest_of_rows(x);
  return centred - log(sum(exp(centred), -1, true));
}

}  // namespace definition

}  // namespace heed
