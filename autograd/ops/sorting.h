// Elements in the order of their size.
#pragma once

#include "autograd/ops/indexing.h"
#include "core/sort.h"

namespace heed {

/// The elements along an axis from the smallest to the largest, or with `{.descending = true}` from the
/// largest, and the positions (i32) that they had. Equal ones stay in their order; NaN is larger than all
/// numbers.
///   dx = dy put back in the order of x
inline Sorted<Var> sort(const Var& x, int axis = -1, const SortOptions& options = {}, SourceLocation at = {}) {
  Tensor positions = argsort(x.value(), axis, options);
  return {gather(x, axis, positions, at), positions};
}

inline Tensor argsort(const Var& x, int axis = -1, const SortOptions& options = {}) {
  return argsort(x.value(), axis, options);
}

/// The k largest elements along an axis, from the largest on, or with `{.smallest = true}` the smallest, and
/// their positions (i32); of equal ones the first count.   dx = dy for those elements, 0 for the others
/// Throws ShapeError unless 0 <= k <= extent.
inline Sorted<Var> top_k(const Var& x, std::int64_t k, int axis = -1, const TopKOptions& options = {},
                         SourceLocation at = {}) {
  Tensor positions = argtop_k(x.value(), k, axis, options);
  return {gather(x, axis, positions, at), positions};
}

/// The middle one of the sorted elements of an axis, which disappears; of an even number the mean of the middle
/// two. NaN is larger than all numbers.   dx = dy for the middle one, or half of it for the middle two
/// Throws ShapeError when the axis is empty.
Var median(const Var& x, int axis = -1, bool keep_axis = false, SourceLocation at = {});

}  // namespace heed
