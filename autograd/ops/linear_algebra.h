// Matrix products.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "core/matmul.h"

namespace heed {

/// a bT: the product of every row of a with every row of b, batched as matmul. It and its gradients read a and
/// b as they lie and write rows, where matmul(a, transpose(b)) gives gradients that are transposed views.
///
///   a [..., m, k]   b [..., n, k]   ->   y [..., m, n]    (leading axes broadcast)
///   da = dy b                            db = dyT a
///
/// Throws ShapeError unless both ranks are >= 2 and the two k agree.
Var matmul_transposed(const Var& a, const Var& b, SourceLocation at = {});

/// aT b: the product of every column of a with every column of b, batched as matmul; the same holds of its
/// gradients.
///
///   a [..., k, m]   b [..., k, n]   ->   y [..., m, n]    (leading axes broadcast)
///   da = b dyT                           db = a dy
///
/// Throws ShapeError unless both ranks are >= 2 and the two k agree.
Var transposed_matmul(const Var& a, const Var& b, SourceLocation at = {});

/// Leading axes folded into one: [..., n] -> [rows, n].
inline Var as_rows(const Var& x, SourceLocation at = {}) {
  const Shape rows = x.value().as_rows().shape();
  return reshape(x, std::span(rows.begin(), rows.end()), at);
}

/// aT b, the gradient of a factor of this rank in a product over a batch. One matrix (rank 2), by which all
/// were multiplied, gets the sum over the batch: one product over all rows.
inline Var factor_gradient(int rank, const Var& a, const Var& b) {
  return rank == 2 && a.rank() > 2 ? transposed_matmul(as_rows(a), as_rows(b)) : transposed_matmul(a, b);
}

/// Matrix product, batched over any leading axes.
///
///   a [..., m, k]   b [..., k, n]   ->   y [..., m, n]    (leading axes broadcast)
///   da = dy bT                           db = aT dy
///
/// Throws ShapeError unless both ranks are >= 2 and the two k agree.
inline Var matmul(const Var& a, const Var& b, SourceLocation at = {}) {
  return record({"matmul", at}, matmul(a.value(), b.value()),
                wrt(a, [b](const Var& dy) { return matmul_transposed(dy, b); }),  // dy bT   [..., m, k]
                wrt(b, [a, rank = b.rank()](const Var& dy) {                      // aT dy   [..., k, n]
                  return factor_gradient(rank, a, dy);
                }));
}

/// x w + b: the affine map of a fully connected layer, one product over all rows.
///
///   x [..., D]   w [D, K]   b [K] or undefined   ->   y [..., K]
///   dx = dy wT   dw = xT dy, summed over rows    db = dy, summed over rows
///
/// Throws ShapeError unless x.shape[-1] == w.shape[0] and b.shape == [w.shape[1]].
Var linear(const Var& x, const Var& w, const Var& b, SourceLocation at = {});

/// All products of an element of a with one of b.
///
///   a [..., m]   b [..., n]   ->   y [..., m, n]    (leading axes broadcast)
///   da = dy b    db = aT dy
///
/// Throws ShapeError for a scalar, and unless the leading axes broadcast.
Var outer(const Var& a, const Var& b, SourceLocation at = {});

/// Sum of the products of the elements of two vectors.
///
///   a [..., n]   b [..., n]   ->   y [...]    (leading axes broadcast)
///   da = dy b    db = dy a
///
/// Throws ShapeError unless the two n agree.
Var dot(const Var& a, const Var& b, SourceLocation at = {});

/// Matrices times vectors; vectors times matrices are matvec(transpose(a), v).
///
///   a [..., m, k]   v [..., k]   ->   y [..., m]    (leading axes broadcast)
///   da = dy outer v   dv = aT dy
///
/// Throws ShapeError unless the two k agree.
Var matvec(const Var& a, const Var& v, SourceLocation at = {});

}  // namespace heed
