// Softplus and the logarithm of the logistic function.
#pragma once

#include "autograd/ops/arithmetic.h"

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

}  // namespace heed
