// Sums, products, extremes, variances and norms along axes.
#pragma once

#include <algorithm>

#include "autograd/backward.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "core/reduce.h"

namespace heed {

/// Sum of all elements, a scalar.   dx = dy everywhere
inline Var sum(const Var& x, SourceLocation at = {}) {
  return record({"sum", at}, sum(x.value()),
                wrt(x, [shape = x.shape()](const Var& dy) { return expand(dy, shape); }));
}

/// Sum along axes, which disappear, or stay with extent 1: `sum(x, 0)`, `sum(x, {0, -1}, true)`. Of no
/// elements: 0.   dx = dy repeated along the axes
inline Var sum(const Var& x, const Axes& axes, bool keep_axes = false, SourceLocation at = {}) {
  return record({"sum", at}, sum(x.value(), axes, keep_axes),
                wrt(x, [shape = x.shape(), axes, keep_axes](const Var& dy) {
                  return expand(keep_axes ? dy : reshape(dy, axes.reduced(shape, true)), shape);
                }));
}
inline Var sum(const Var& x, int axis, bool keep_axis = false, SourceLocation at = {}) {
  return sum(x, Axes(axis), keep_axis, at);
}
inline Var sum(const Var& x, std::initializer_list<int> axes, bool keep_axes = false, SourceLocation at = {}) {
  return sum(x, Axes(axes), keep_axes, at);
}

/// Mean of all elements, or along axes. Of no elements: 0.   dx = dy / n everywhere
inline Var mean(const Var& x, SourceLocation at = {}) {
  return Operand(sum(x, at), at) * (1.0 / static_cast<double>(std::max<std::int64_t>(1, x.count())));
}
inline Var mean(const Var& x, const Axes& axes, bool keep_axes = false, SourceLocation at = {}) {
  const std::int64_t n = std::max<std::int64_t>(1, axes.count(x.shape()));
  return Operand(sum(x, axes, keep_axes, at), at) * (1.0 / static_cast<double>(n));
}
inline Var mean(const Var& x, int axis, bool keep_axis = false, SourceLocation at = {}) {
  return mean(x, Axes(axis), keep_axis, at);
}
inline Var mean(const Var& x, std::initializer_list<int> axes, bool keep_axes = false, SourceLocation at = {}) {
  return mean(x, Axes(axes), keep_axes, at);
}

/// The largest (smallest) element along axes (all: {}), which disappear unless `keep_axes`. NaN wins.
///   dx = dy in equal parts for the elements that are as large, 0 for the others
/// To give all of it to the first of them, as the positions of argmax() do, take top_k(x, 1).
/// Throws ShapeError when one of the axes is empty.
Var max(const Var& x, const Axes& axes = {}, bool keep_axes = false, SourceLocation at = {});
Var min(const Var& x, const Axes& axes = {}, bool keep_axes = false, SourceLocation at = {});

/// The position (i32) of the first of the largest (smallest) elements along an axis; as core/reduce.h says.
inline Tensor argmax(const Var& x, int axis) { return argmax(x.value(), axis); }
inline Tensor argmin(const Var& x, int axis) { return argmin(x.value(), axis); }

/// Product along axes (all: {}). Of no elements: 1.
///   dx = dy times the product of the other elements, also where some are 0
Var product(const Var& x, const Axes& axes = {}, bool keep_axes = false, SourceLocation at = {});

/// Sum of the squared distances from the mean along axes (all: {}), divided by n = their number less the
/// correction.   dx = dy 2 (x - mean) / n
/// Throws ShapeError when there are no more elements than the correction.
Var variance(const Var& x, const Axes& axes = {}, const VarianceOptions& options = {}, SourceLocation at = {});

/// Its square root.   dx = dy (x - mean) / (n y), 0 where y is 0
Var standard_deviation(const Var& x, const Axes& axes = {}, const VarianceOptions& options = {},
                       SourceLocation at = {});

/// The p-norm along axes (all: {}), (sum |x|^p)^(1/p): 1 the sum of distances from 0, 2 the length, infinity
/// the largest distance. Of no elements: 0.
///   dx = dy sign(x) |x / y|^(p - 1);   of p infinity in equal parts for the farthest;   0 where y is 0
/// Where x is 0 there is no second derivative for p below 2. Throws ConfigError unless p >= 1.
Var norm(const Var& x, double p = 2, const Axes& axes = {}, bool keep_axes = false, SourceLocation at = {});

}  // namespace heed
