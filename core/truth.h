// What the elements of a tensor say together: whether any or all hold, how many, and where.
#pragma once

#include "core/tensor.h"

namespace heed {

/// Whether any (all) of the elements along axes are true, or not 0; boolean. The axes disappear, or stay with
/// extent 1 when `keep_axes`. Of no elements: any is false, all is true. NaN counts as not 0.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
/// How many elements (i32) along axes are true, or not 0.
Tensor count_nonzero(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
/// The positions of the elements that are true, or not 0, in row-major order: [K, rank] (i32).
Tensor nonzero(const Tensor& x);

/// The elements of x where `mask` (boolean) is true, in row-major order: [K]; the two broadcast.
/// Throws ShapeError when they do not, DTypeError unless the mask is boolean.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// Zeros in the shape of `mask` with the values [K] where it is true: the inverse of masked_select.
/// Throws ShapeError unless there is a value for each, DTypeError unless the mask is boolean.
Tensor masked_unselect(const Tensor& values, const Tensor& mask);

}  // namespace heed
