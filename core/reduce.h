// Sums, products, extremes and other numbers that stand for many, along axes.
#pragma once

#include <span>

#include "core/tensor.h"

namespace heed {

/// Sum of all elements, a scalar; f32, f64. The order of additions depends on the shape only.
Tensor sum(const Tensor& x);
/// Sum along axes, which disappear, or stay with extent 1 when `keep_axes`. An empty axis sums to 0.
/// Throws IndexError for an axis outside the tensor.
Tensor sum(const Tensor& x, const Axes& axes, bool keep_axes = false);
/// Mean along axes; of no elements: 0. f32, f64.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
/// Product along axes; of no elements: 1. f32, f64.
Tensor product(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);

/// Sums x down to `shape`, which broadcasts to x's shape: the inverse of expand.
/// Throws ShapeError when it does not.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// The largest (smallest) element along axes, which disappear unless `keep_axes`. NaN wins. f32, f64.
/// Throws ShapeError when one of the axes is empty.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep_axes = false);
/// Position (i32) of the first largest (smallest) element along an axis, which disappears; NaN wins. Throws
/// ShapeError when the axis is empty.
Tensor argmax(const Tensor& x, int axis);
Tensor argmin(const Tensor& x, int axis);

struct VarianceOptions {
  std::int64_t correction = 1;  ///< taken off the number of elements: 1 estimates from a sample, 0 is of all
  bool keep_axes = false;
};

/// Sum of the squared distances from the mean, divided by the number of elements less the correction; f32, f64.
/// Throws ShapeError when there are no more elements than the correction.
Tensor variance(const Tensor& x, const Axes& axes = {}, const VarianceOptions& options = {});
/// Its square root.
Tensor standard_deviation(const Tensor& x, const Axes& axes = {}, const VarianceOptions& options = {});
/// What variance() divides by, for an operation of that name.
double variance_divisor(const Shape& shape, const Axes& axes, std::int64_t correction, const char* operation);

/// Sum of the squares of adjacent numbers, accumulated in f64.
double sum_of_squares(std::span<const float> x);
double sum_of_squares(std::span<const double> x);

/// Square root of the sum of all squares, accumulated in f64.
double norm(const Tensor& x);
/// The p-norm along axes, (sum |x|^p)^(1/p), accumulated in f64: 1 the sum of distances from 0, 2 the length,
/// infinity the largest distance. Of no elements: 0. Throws ConfigError unless p >= 1.
Tensor norm(const Tensor& x, double p, const Axes& axes = {}, bool keep_axes = false);

}  // namespace heed
