// Sums, products and recurrences along an axis, with all that they pass through.
#pragma once

#include "core/tensor.h"

namespace heed {

struct CumulativeOptions {
  bool exclusive = false;  ///< without the element itself: the first is 0 (of a product 1)
  bool reverse = false;    ///< from the end of the axis to its beginning
};

/// The sum (product) of the elements of an axis up to each one; accumulated in f64; f32, f64.
/// Throws IndexError for an axis outside the tensor.
Tensor cumulative_sum(const Tensor& x, int axis, const CumulativeOptions& options = {});
Tensor cumulative_product(const Tensor& x, int axis, const CumulativeOptions& options = {});

/// y_t = a_t y_(t-1) + b_t along an axis, from y_(-1) = 0, or backwards, y_t = a_t y_(t+1) + b_t, when
/// `reverse`; accumulated in f64; f32, f64. Throws ShapeError unless a and b have one shape, DTypeError unless
/// one type.
Tensor linear_recurrence(const Tensor& a, const Tensor& b, int axis, bool reverse = false);

}  // namespace heed
