// Matrix products.
#pragma once

#include "core/tensor.h"

namespace heed {

/// Matrix product, batched over any leading axes, which broadcast; f32 or f64, any strides, nothing is copied.
///
///   a [..., m, k]   b [..., k, n]   ->   y [..., m, n]
///
/// Throws ShapeError unless both ranks are >= 2 and the two k agree; DTypeError when the types differ.
Tensor matmul(const Tensor& a, const Tensor& b);
/// The same with one factor transposed: a bT for b [..., n, k], and aT b for a [..., k, m].
Tensor matmul_transposed(const Tensor& a, const Tensor& b);
Tensor transposed_matmul(const Tensor& a, const Tensor& b);

/// y += a b for y [m, n] in place; a [m, k], b [k, n], all of rank 2.
void add_matmul(Tensor& y, const Tensor& a, const Tensor& b, SourceLocation at = {});

/// x w + bias:  x [m, k]   w [k, n]   bias [n]   ->   [m, n]. Throws ShapeError unless they fit.
Tensor affine(const Tensor& x, const Tensor& w, const Tensor& bias);

}  // namespace heed
