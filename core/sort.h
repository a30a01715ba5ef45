// Elements in the order of their size.
#pragma once

#include "core/tensor.h"

namespace heed {

/// Elements in a new order, and the positions (i32) along the axis that they had.
template <class T>
struct Sorted {
  T values;
  Tensor positions;
};

struct SortOptions {
  bool descending = false;
};

/// The positions (i32) along an axis, in the order of the elements; equal ones stay in the order that they
/// have. NaN is larger than all numbers. Any type.
Tensor argsort(const Tensor& x, int axis = -1, const SortOptions& options = {});
/// The elements along an axis in that order, with their positions.
Sorted<Tensor> sort(const Tensor& x, int axis = -1, const SortOptions& options = {});

struct TopKOptions {
  bool smallest = false;  ///< the smallest in place of the largest
};

/// The positions (i32) of the k largest elements along an axis, from the largest on; of equal ones the first
/// count as larger. NaN is larger than all numbers. Throws ShapeError unless 0 <= k <= extent.
Tensor argtop_k(const Tensor& x, std::int64_t k, int axis = -1, const TopKOptions& options = {});
/// The k largest elements along an axis in that order, with their positions.
Sorted<Tensor> top_k(const Tensor& x, std::int64_t k, int axis = -1, const TopKOptions& options = {});

}  // namespace heed
