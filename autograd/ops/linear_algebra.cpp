#include "autograd/ops/linear_algebra.h"

#include "core/error.h"

namespace heed {
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
                wrt(w, [x](const Var& dy) { return matmul(transpose(as_rows(x)), as_rows(dy)); }),  // [D, K]
                wrt(b, [](const Var& dy) { return dy; }));  // the engine sums
}

}  // namespace heed
