#include "core/layer_norm.h"

#include <algorithm>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"
#include "core/reduce.h"
#include "core/strided_rows.h"

namespace heed {
namespace {

// Rows of one piece; each piece of the backward pass sums its own dgain and dbias.
std::int64_t rows_per_piece(std::int64_t width) {
  return std::max<std::int64_t>(16, (1 << 14) / std::max<std::int64_t>(1, width));
}

}  // namespace

LayerNormForward layer_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon) {
  if (x.rank() == 0 || gain.shape() != Shape{x.extent(-1)} || bias.shape() != gain.shape())
    throw ShapeError(
        {.what = text("layer_norm: x is ", x.shape(), ", gain is ", gain.shape(), ", bias is ", bias.shape()),
         .expected = "gain.shape == bias.shape == [x.shape[-1]]",
         .operands = text("x: ", x.origin(), "    gain: ", gain.origin(), "    bias: ", bias.origin())});
  if (x.dtype() != gain.dtype()) throw_dtypes_differ(x, gain, "layer_norm");
  const std::int64_t n = x.extent(-1), rows = n == 0 ? 0 : x.count() / n;
  LayerNormForward forward{Tensor::empty(x.shape(), x.dtype()), Tensor::empty({rows}, x.dtype()),
                           Tensor::empty({rows}, x.dtype())};
  const Tensor from = x.contiguous_copy_if_needed(), g = gain.contiguous_copy_if_needed(),
               b = bias.contiguous_copy_if_needed();
  for_floating(x.dtype(), "layer_norm", [&](auto zero) {
    using T = decltype(zero);
    parallel_for(rows, rows_per_piece(n), [&](std::int64_t begin, std::int64_t end) {
      kernels::loops<T>().layer_norm(end - begin, n, from.data<T>() + begin * n, g.data<T>(), b.data<T>(),
                                     epsilon, forward.y.fresh_data<T>() + begin * n,
                                     forward.mean.fresh_data<T>() + begin,
                                     forward.rstd.fresh_data<T>() + begin);
    });
  });
  return forward;
}

LayerNormBackward layer_norm_backward(const Tensor& x, const Tensor& gain, const LayerNormForward& forward,
                                      const Tensor& dy) {
  if (dy.shape() != x.shape() || gain.shape() != Shape{x.extent(-1)} || forward.y.shape() != x.shape())
    throw ShapeError({.what = text("layer_norm_backward: x is ", x.shape(), ", dy is ", dy.shape(),
                                   ", gain is ", gain.shape()),
                      .expected = "dy.shape == x.shape and gain.shape == [x.shape[-1]]"});
  const std::int64_t n = x.extent(-1), rows = forward.mean.count();
  const std::int64_t grain = rows_per_piece(n), pieces = std::max<std::int64_t>(1, (rows + grain - 1) / grain);
  Tensor dx = Tensor::empty(x.shape(), x.dtype());
  Tensor dgain = Tensor::zeros({pieces, n}, x.dtype()), dbias = Tensor::zeros({pieces, n}, x.dtype());
  if (x.count() == 0) return {dx, sum(dgain, 0), sum(dbias, 0)};
  const Tensor from = x.contiguous_copy_if_needed(), g = gain.contiguous_copy_if_needed();
  const StridedRows gradients(dy, x.shape(), true);
  for_floating(x.dtype(), "layer_norm", [&](auto zero) {
    using T = decltype(zero);
    parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
      gradients.for_each_run(
          begin, end, [&](std::int64_t row, std::int64_t count, std::int64_t offset, std::int64_t stride) {
            kernels::loops<T>().layer_norm_backward(
                count, n, from.data<T>() + row * n, g.data<T>(), forward.mean.data<T>() + row,
                forward.rstd.data<T>() + row,
                {gradients.tensor().data<T>() + offset, stride, gradients.column_stride()},
                dx.fresh_data<T>() + row * n, dgain.fresh_data<T>() + begin / grain * n,
                dbias.fresh_data<T>() + begin / grain * n);
          });
    });
  });
  return {dx, sum(dgain, 0), sum(dbias, 0)};
}

}  // namespace heed
