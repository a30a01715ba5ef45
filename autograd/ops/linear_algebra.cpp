#include "autograd/ops/linear_algebra.h"

#include "core/error.h"

namespace heed {

Var matmul_transposed(const Var& a, const Var& b, SourceLocation at) {
  return record({"matmul_transposed", at}, matmul_transposed(a.value(), b.value()),
                wrt(a, [b](const Var& dy) { return matmul(dy, b); }),  // [..., m, k]
                wrt(b, [a, rank = b.rank()](const Var& dy) {           // [..., n, k]
                  return factor_gradient(rank, dy, a);
                }));
}

Var transposed_matmul(const Var& a, const Var& b, SourceLocation at) {
  return record({"transposed_matmul", at}, transposed_matmul(a.value(), b.value()),
                wrt(a, [b](const Var& dy) { return matmul_transposed(b, dy); }),  // [..., k, m]
                wrt(b, [a](const Var& dy) { return matmul(a, dy); }));            // [..., k, n]
}

Var linear(const Var& x, const Var& w, const Var& b, SourceLocation at) {
  if (x.rank() == 0 || w.rank() != 2 || x.extent(-1) != w.extent(0))
    throw ShapeError({.what = text("linear: inner extents differ: x is ", x.shape(), ", w is ", w.shape()),
                      .expected = x.rank() == 0 || w.rank() != 2 ? text("x [..., D] and w [D, K]")
                                                                 : text("x.shape[-1] == w.shape[0], got ",
                                                                        x.extent(-1), " and ", w.extent(0)),
                      .operands = text("x: ", x.value().origin(), "    w: ", w.value().origin())});
  if (b.defined() && (b.shape() != Shape{w.extent(1)} || b.dtype() != x.dtype()))
    throw ShapeError({.what = text("linear: w is ", w.shape(), ", b is ", b.dtype(), " ", b.shape()),
                      .expected = "b.shape == [w.shape[1]]",
                      .operands = text("w: ", w.value().origin(), "    b: ", b.value().origin())});
  const Tensor rows = x.value().as_rows();
  const Tensor product = b.defined() ? affine(rows, w.value(), b.value()) : matmul(rows, w.value());
  return record({"linear", at}, product.reshape(x.shape().with(-1, w.extent(1))),
                wrt(x, [w](const Var& dy) { return linear(dy, transpose(w), Var()); }),             // [..., D]
                wrt(w, [x](const Var& dy) { return transposed_matmul(as_rows(x), as_rows(dy)); }),  // [D, K]
                wrt(b, [](const Var& dy) { return dy; }));  // the engine sums
}

namespace {

// The two must have a last axis; with `inner` of the same extent.
void require_vectors(const Var& a, const Var& b, bool inner, const char* operation) {
  const bool vectors = a.rank() > 0 && b.rank() > 0;
  if (vectors && (!inner || a.extent(-1) == b.extent(-1))) return;
  throw ShapeError(
      {.what = text(operation, vectors ? ": inner extents differ: a is " : ": operands must be vectors: a is ",
                    a.shape(), ", b is ", b.shape()),
       .expected = vectors ? text("a.shape[-1] == b.shape[-1], got ", a.extent(-1), " and ", b.extent(-1))
                           : text("rank >= 1, got ", a.rank(), " and ", b.rank()),
       .operands = text("a: ", a.value().origin(), "    b: ", b.value().origin())});
}

}  // namespace

Var outer(const Var& a, const Var& b, SourceLocation at) {
  require_vectors(a, b, false, "outer");
  return Operand(unsqueeze(a, -1, at), at) * unsqueeze(b, -2, at);
}

Var dot(const Var& a, const Var& b, SourceLocation at) {
  require_vectors(a, b, true, "dot");
  return squeeze(squeeze(matmul(unsqueeze(a, -2, at), unsqueeze(b, -1, at), at), -1, at), -1, at);
}

Var matvec(const Var& a, const Var& v, SourceLocation at) {
  if (a.rank() < 2 || v.rank() < 1 || a.extent(-1) != v.extent(-1))
    throw ShapeError({.what = text("matvec: a is ", a.shape(), ", v is ", v.shape()),
                      .expected = "a [..., m, k] and v [..., k]",
                      .operands = text("a: ", a.value().origin(), "    v: ", v.value().origin())});
  return squeeze(matmul(a, unsqueeze(v, -1, at), at), -1, at);
}

}  // namespace heed
