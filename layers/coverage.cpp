#include "layers/coverage.h"

#include <algorithm>

#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "core/mask.h"

namespace heed {

Var coverage_of(const Var& weights) {
  const Tensor step = Tensor::arange(weights.extent(1), DType::i32);
  const Tensor before = less(step, step.unsqueeze(1));  // [T, T], true below the diagonal
  return matmul(Var(before.to(weights.dtype())), weights);
}

Var coverage_loss(const Var& weights, const Tensor& lengths) {
  if (weights.rank() != 3 || (lengths.defined() && lengths.shape() != Shape{weights.extent(0)}))
    throw ShapeError({.what = text("coverage_loss: weights are ", weights.shape(),
                                   lengths.defined() ? text(", lengths are ", lengths.shape()) : ""),
                      .expected = "weights [B, T, S], lengths [B] or undefined"});
  const Var coverage = coverage_of(weights);
  const Var again = sum(where(less(weights.value(), coverage.value()), weights, coverage), 2);  // [B, T]
  if (!lengths.defined()) return mean(again);
  const Tensor real = Mask::padding(lengths, weights.extent(1)).attends().squeeze(1);  // [B, T]
  const Tensor counts = real.to(weights.dtype());
  return sum(again * Var(counts)) / std::max(1.0, sum(counts).item());
}

}  // namespace heed
