#include "autograd/ops/linear_algebra.h"

#include <algorithm>

#include "core/error.h"

namespace heed {
namespace {

// The bias in every row, then the product added: one pass less than a product followed by a sum.
Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b) {
  if (b.shape() != Shape{w.extent(1)} || b.dtype() != x.dtype())
    throw ShapeError({.what = text("linear: w is ", w.shape(), ", b is ", b.dtype(), " ", b.shape()),
                      .expected = "b.shape == [w.shape[1]]",
                      .operands = text("w: ", w.origin(), "    b: ", b.origin())});
  Tensor y = Tensor::empty({x.extent(0), w.extent(1)}, x.dtype());
  y.copy_from(b);
  add_matmul(y, x, w);
  return y;
}

}  // namespace

Var linear(const Var& x, const Var& w, const Var& b) {
  if (x.rank() == 0 || w.rank() != 2 || x.extent(-1) != w.extent(0))
    throw ShapeError({.what = text("linear: inner extents differ: x is ", x.shape(), ", w is ", w.shape()),
                      .expected = x.rank() == 0 || w.rank() != 2 ? text("x [..., D] and w [D, K]")
                                                                 : text("x.shape[-1] == w.shape[0], got ",
                                                                        x.extent(-1), " and ", w.extent(0)),
                      .operands = text("x: ", x.value().origin(), "    w: ", w.value().origin())});
  const Tensor rows = x.value().as_rows();
  const Tensor product = b.defined() ? affine(rows, w.value(), b.value()) : matmul(rows, w.value());
  return record("linear", product.reshape(x.shape().with(-1, w.extent(1))),
                wrt(x, [w](const Var& dy) { return linear(dy, transpose(w), Var()); }),             // [..., D]
                wrt(w, [x](const Var& dy) { return matmul(transpose(as_rows(x)), as_rows(dy)); }),  // [D, K]
                wrt(b, [](const Var& dy) { return dy; }));  // the engine sums
}

}  // namespace heed
