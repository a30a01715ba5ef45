// Convolution around a ring: the rows of a memory whose last row is the neighbour of the first.
#pragma once

#include "core/tensor.h"

namespace heed {

/// y_i = sum over j of x_(i-j) s_j, positions taken around the ring: x moved by j, weighted by s_j.
///
///   x [..., N]   s [..., 2k + 1]: s_-k … s_k   ->   y [..., N]     (the leading axes are the same)
///
/// Throws ShapeError unless the leading axes agree and s has an odd number of elements a row, DTypeError when
/// the types differ or are no floating-point type. So do the other two.
Tensor circular_convolution(const Tensor& x, const Tensor& s);

/// y_i = sum over j of x_(i+j) s_j: moved the other way.
Tensor circular_correlation(const Tensor& x, const Tensor& s);

/// s_j = sum over i of a_i b_(i-j) for j = -k … k: how much of a is b moved by j.
///
///   a [..., N]   b [..., N]   ->   s [..., 2k + 1]
///
/// Throws ShapeError unless a and b have one shape of at least one axis, ConfigError unless k >= 0.
Tensor circular_taps(const Tensor& a, const Tensor& b, std::int64_t k);

}  // namespace heed
