// Diagonals and triangles of matrices.
#pragma once

#include "autograd/ops/reduce.h"
#include "core/arrange.h"

namespace heed {

/// Matrices [..., m, n] with zeros above the diagonal that lies `offset` to the right of the main one (tril) or
/// below it (triu).   dx = dy with the same zeros
/// Throws ShapeError unless the rank is >= 2.
inline Var tril(const Var& x, std::int64_t offset = 0, SourceLocation at = {}) {
  return record({"tril", at}, tril(x.value(), offset),
                wrt(x, [offset](const Var& dy) { return tril(dy, offset); }));
}
inline Var triu(const Var& x, std::int64_t offset = 0, SourceLocation at = {}) {
  return record({"triu", at}, triu(x.value(), offset),
                wrt(x, [offset](const Var& dy) { return triu(dy, offset); }));
}

Var undiagonal(const Var& y, const Shape& shape, std::int64_t offset, int axis_a, int axis_b);

/// Elements [..., i, ..., i + offset, ...] of two axes, which disappear: the last axis of the result.
///   dx = dy there, 0 elsewhere
/// Throws ShapeError when the two are one, IndexError when the diagonal lies outside the matrix.
inline Var diagonal(const Var& x, std::int64_t offset = 0, int axis_a = -2, int axis_b = -1,
                    SourceLocation at = {}) {
  return record({"diagonal", at}, x.value().diagonal(offset, axis_a, axis_b),
                wrt(x, [shape = x.shape(), offset, axis_a, axis_b](const Var& dy) {
                  return undiagonal(dy, shape, offset, axis_a, axis_b);
                }));
}

/// Zeros of `shape` with y on that diagonal: the gradient of diagonal.   dy = the diagonal
inline Var undiagonal(const Var& y, const Shape& shape, std::int64_t offset, int axis_a, int axis_b) {
  return record(
      "undiagonal", undiagonal(y.value(), shape, offset, axis_a, axis_b),
      wrt(y, [offset, axis_a, axis_b](const Var& dx) { return diagonal(dx, offset, axis_a, axis_b); }));
}

/// Square matrices with the last axis on their diagonal: [..., n] -> [..., m, m] with m = n + |offset|.
///   dx = the diagonal of dy
inline Var diag_embed(const Var& x, std::int64_t offset = 0, SourceLocation at = {}) {
  return record({"diag_embed", at}, diag_embed(x.value(), offset),
                wrt(x, [offset](const Var& dy) { return diagonal(dy, offset); }));
}

/// Sum of the diagonal of matrices: [..., m, n] -> [...].   dx = dy on the diagonal, 0 elsewhere
inline Var trace(const Var& x, std::int64_t offset = 0, SourceLocation at = {}) {
  return sum(diagonal(x, offset, -2, -1, at), -1, false, at);
}

}  // namespace heed
