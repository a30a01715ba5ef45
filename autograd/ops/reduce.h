// Sums and means.
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

/// Sum along an axis, which disappears, or stays with extent 1.   dx = dy repeated along the axis
inline Var sum(const Var& x, int axis, bool keep_axis = false, SourceLocation at = {}) {
  return record({"sum", at}, sum(x.value(), axis, keep_axis),
                wrt(x, [shape = x.shape(), axis, keep_axis](const Var& dy) {
                  return expand(keep_axis ? dy : unsqueeze(dy, shape.resolve(axis)), shape);
                }));
}

/// Mean of all elements, or along an axis. Of no elements: 0.   dx = dy / n everywhere
inline Var mean(const Var& x, SourceLocation at = {}) {
  return Operand(sum(x, at), at) * (1.0 / static_cast<double>(std::max<std::int64_t>(1, x.count())));
}
inline Var mean(const Var& x, int axis, bool keep_axis = false, SourceLocation at = {}) {
  return Operand(sum(x, axis, keep_axis, at), at) *
         (1.0 / static_cast<double>(std::max<std::int64_t>(1, x.extent(axis))));
}

}  // namespace heed
