// Softplus, the logarithm of the logistic function, and the cross-entropy of independent yes-or-no decisions.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "core/error.h"

namespace heed {

/// log(1 + e^x): positive, near 0 far below 0 and near x far above.   dx = dy sigmoid(x)
inline Var softplus(const Var& x, SourceLocation at = {}) {
  return record({"softplus", at}, softplus(x.value()), wrt(x, [x](const Var& dy) { return dy * sigmoid(x); }));
}

/// log(sigmoid(x)), without overflow: negative, near x far below 0.   dx = dy sigmoid(-x)
inline Var log_sigmoid(const Var& x, SourceLocation at = {}) {
  return record({"log_sigmoid", at}, -softplus(-x.value()),
                wrt(x, [x](const Var& dy) { return dy * sigmoid(-x); }));
}

/// Cross-entropy of each score against its target, in nats: -t log(p) - (1 - t) log(1 - p) with
/// p = sigmoid(score), for any score without overflow. Divided by log(2) it is in bits.
///
///   scores [...]   targets [...] in [0, 1]   ->   losses [...]
///   dscores = dlosses (sigmoid(scores) - targets)
///
/// Throws ShapeError unless the shapes are the same.
inline Var binary_cross_entropy(const Var& scores, const Tensor& targets, SourceLocation at = {}) {
  if (scores.shape() != targets.shape())
    throw ShapeError(
        {.what = text("binary_cross_entropy: scores are ", scores.shape(), ", targets are ", targets.shape()),
         .expected = "scores.shape == targets.shape",
         .operands = text("scores: ", scores.value().origin(), "    targets: ", targets.origin())});
  return record({"binary_cross_entropy", at}, softplus(scores.value()) - scores.value() * targets,
                wrt(scores, [scores, targets](const Var& dy) {
                  return dy * (sigmoid(scores) - Var(unchanged(targets)));
                }));
}

}  // namespace heed
