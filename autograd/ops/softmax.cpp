#include "autograd/ops/softmax.h"

#include <algorithm>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "core/error.h"

namespace heed {

Var softmax(const Var& x, const Mask& mask, SourceLocation at) {
  return record({"softmax", at}, softmax(x.value(), mask), wrt(x, [](const Var& dy, const Var& y) {
                  if (is_recording()) return y * (dy - sum(dy * y, -1, true));
                  return Var(softmax_backward(y.value(), dy.value()));
                }));
}

Var log_softmax(const Var& x, SourceLocation at) {
  return record({"log_softmax", at}, log_softmax(x.value()), wrt(x, [](const Var& dy, const Var& y) {
                  if (is_recording()) return dy - exp(y) * sum(dy, -1, true);
                  return Var(log_softmax_backward(y.value(), dy.value()));
                }));
}

namespace {

// A loss for each position.
Var position_losses(const Var& scores, const Tensor& ids, std::int32_t ignored, SourceLocation at) {
  CrossEntropy forward = cross_entropy(scores.value(), ids, ignored);
  return record(
      {"cross_entropy", at}, std::move(forward.loss),
      wrt(scores, [scores, ids, ignored, probabilities = std::move(forward.probabilities)](const Var& dy) {
        if (is_recording())
          return differentiate_definition<1>({scores}, std::span(&dy, 1), [&](const std::array<Var, 1>& in) {
            return std::vector<Var>{definition::cross_entropy(in[0], unchanged(ids), ignored)};
          })[0];
        return Var(cross_entropy_backward(probabilities, unchanged(ids), ignored, dy.value()));
      }));
}

}  // namespace

Var cross_entropy(const Var& scores, const Tensor& ids, const CrossEntropyOptions& options, SourceLocation at) {
  const Var losses = position_losses(scores, ids, options.ignored, at);
  if (options.reduction == Reduction::none) return losses;
  if (options.reduction == Reduction::sum) return sum(losses, at);
  const Tensor counted = logical_not(equal(ids, Tensor::scalar(options.ignored, DType::i32)));
  const double count = sum(counted.to(DType::f64)).item();
  return Operand(sum(losses, at), at) * (1.0 / std::max(1.0, count));
}

namespace definition {

Var softmax(const Var& x, const Mask& mask) {
  // A number per row that keeps exp in range; the result does not depend on it, so no gradient flows through
  // it.
  const Var largest(max(x.value(), -1, true));
  Var weights = exp(x - largest);
  if (mask.defined()) weights = where(mask.attends(), weights, Var(Tensor::scalar(0, x.dtype())));
  const Var total = sum(weights, -1, true);
  // A row with nothing to attend to: 0 / 1 in place of 0 / 0.
  const Tensor empty = equal(total.value(), Tensor::scalar(0, x.dtype()));
  return weights / where(empty, Var(Tensor::scalar(1, x.dtype())), total);
}

Var log_softmax(const Var& x) {
  const Var centred = x - Var(max(x.value(), -1, true));
  return centred - log(sum(exp(centred), -1, true));
}

Var cross_entropy(const Var& scores, const Tensor& ids, std::int32_t ignored) {
  const Tensor classes = Tensor::arange(scores.extent(-1), DType::i32);
  const Tensor chosen = logical_and(equal(ids.unsqueeze(-1), classes),
                                    logical_not(equal(ids, Tensor::scalar(ignored, DType::i32))).unsqueeze(-1));
  return -sum(definition::log_softmax(scores) * Var(chosen.to(scores.dtype())), -1);
}

}  // namespace definition

}  // namespace heed
