// Softmax and its kin. Softmax and its logarithm are fused kernels, each with its definition from primitive
// operations.
#pragma once

#include <concepts>

#include "autograd/record.h"
#include "core/random.h"
#include "core/softmax.h"

namespace heed {

/// Softmax along the last axis. Blocked positions get 0; a row with nothing to attend to gives 0 and gradient
/// 0.
///   dx = y (dy - sum(dy y))
/// Throws ShapeError unless the mask broadcasts to x.
Var softmax(const Var& x, const Mask& mask = {}, SourceLocation at = {});

/// x - log(sum(exp(x))) along an axis.   dx = dy - exp(y) sum(dy)
Var log_softmax(const Var& x, int axis = -1, SourceLocation at = {});

Var softmax_along(const Var& x, int axis, SourceLocation at);
/// Softmax along any axis. (An axis is an int and nothing that becomes one: `{}` is no mask, not axis 0.)
inline Var softmax(const Var& x, std::same_as<int> auto axis, SourceLocation at = {}) {
  return softmax_along(x, axis, at);
}

/// Softmax of -x: the least gets the most.   dx = -y (dy - sum(dy y))
Var softmin(const Var& x, int axis = -1, SourceLocation at = {});

/// log(sum(exp(x))) of all elements, a scalar, or along an axis, which disappears unless `keep_axis`; without
/// overflow, -infinity where all are.   dx = dy exp(x - y)
/// Throws ShapeError when there are no elements or the axis is empty.
Var logsumexp(const Var& x, SourceLocation at = {});
Var logsumexp(const Var& x, int axis, bool keep_axis = false, SourceLocation at = {});

/// The nearest point to each row, along the last axis, among the rows of numbers >= 0 whose sum is 1 (Martins
/// and Astudillo 2016): like softmax, but with exact zeros. Blocked positions get 0; a row with nothing to
/// attend to gives 0 and gradient 0.
///   dx = dy - the mean of dy over the positions where y > 0, at those positions; 0 elsewhere
/// Throws ShapeError unless the mask broadcasts to x.
Var sparsemax(const Var& x, const Mask& mask = {}, SourceLocation at = {});

struct GumbelOptions {
  double temperature = 1;  ///< the lower, the nearer to one of the classes
  bool hard = false;       ///< 1 for the largest and 0 for the others, with the gradient of the soft result
  int axis = -1;
};

/// Draws from the classes of an axis by their scores x, so that gradients flow to them: the softmax of (x + g)
/// / temperature with Gumbel noise g (Jang et al. 2017; Maddison et al. 2017). Each class is the largest with
/// the probability softmax(x).
///   dx = y (dy - sum(dy y)) / temperature for the soft y, also when the result is hard
/// Throws ConfigError unless temperature > 0, ShapeError for a hard draw from no classes.
Var gumbel_softmax(const Var& x, const GumbelOptions& options, Rng& rng, SourceLocation at = {});

/// The definitions, from primitive operations: what create_graph differentiates and tests compare with.
namespace definition {
Var softmax(const Var& x, const Mask& mask = {});
Var log_softmax(const Var& x);
}  // namespace definition

}  // namespace heed
