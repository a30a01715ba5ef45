// Sums and extremes along axes.
#pragma once

#include <span>
#include <utility>

#include "core/tensor.h"

namespace heed {

/// Sum of all elements, a scalar; f32, f64. The order of additions depends on the shape only.
Tensor sum(const Tensor& x);
/// Sum along axes, which disappear, or stay with extent 1 when `keep_axes`. An empty axis sums to 0.
/// Throws IndexError for an axis outside the tensor.
Tensor sum(const Tensor& x, std::span<const int> axes, bool keep_axes = false);
inline Tensor sum(const Tensor& x, int axis, bool keep_axes = false) {
  return sum(x, std::span(&axis, 1), keep_axes);
}

/// Sums x down to `shape`, which broadcasts to x's shape: the inverse of expand.
/// Throws ShapeError when it does not.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// The largest (smallest) element along an axis, which disappears unless `keep_axis`. NaN wins. f32, f64.
/// Throws ShapeError when the axis is empty.
Tensor max(const Tensor& x, int axis, bool keep_axis = false);
Tensor min(const Tensor& x, int axis, bool keep_axis = false);
/// Position (i32) of the first largest element along an axis, which disappears; NaN wins. Throws ShapeError
/// when the axis is empty.
Tensor argmax(const Tensor& x, int axis);

/// Sum of the squares of adjacent numbers, accumulated in f64.
double sum_of_squares(std::span<const float> x);
double sum_of_squares(std::span<const double> x);

/// Square root of the sum of all squares, accumulated in f64.
double norm(const Tensor& x);

}  // namespace heed
