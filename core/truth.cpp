#include "core/truth.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"

namespace heed {
namespace {

Tensor truth_of(const Tensor& x) {
  return x.dtype() == DType::boolean
             ? x
             : apply(kernels::Compare::not_equal, x, Tensor::scalar(0, x.dtype()), "nonzero");
}

// In f64, which counts exactly as far as there is memory.
Tensor count_of(const Tensor& x, const Axes& axes, bool keep_axes) {
  return sum(truth_of(x).to(DType::f64), axes, keep_axes);
}

void require_mask(const Tensor& mask, const char* operation) {
  if (mask.dtype() != DType::boolean)
    throw DTypeError({.what = text(operation, ": the mask is ", mask.dtype()), .expected = "boolean"});
}

std::int64_t trues_of(const Tensor& contiguous_mask) {
  const bool* const m = contiguous_mask.data<bool>();
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < contiguous_mask.count(); ++i) count += m[i];
  return count;
}

}  // namespace

Tensor any(const Tensor& x, const Axes& axes, bool keep_axes) {
  return apply(kernels::Compare::not_equal, count_of(x, axes, keep_axes), Tensor::scalar(0, DType::f64), "any");
}

Tensor all(const Tensor& x, const Axes& axes, bool keep_axes) {
  const double n = static_cast<double>(axes.count(x.shape()));
  return equal(count_of(x, axes, keep_axes), Tensor::scalar(n, DType::f64));
}

Tensor count_nonzero(const Tensor& x, const Axes& axes, bool keep_axes) {
  return count_of(x, axes, keep_axes).to(DType::i32);
}

Tensor nonzero(const Tensor& x) {
  const Tensor truth = truth_of(x).contiguous_copy_if_needed();
  Tensor positions = Tensor::empty({trues_of(truth), x.rank()}, DType::i32);
  const bool* const is_true = truth.data<bool>();
  std::int32_t* row = positions.fresh_data<std::int32_t>();
  for (std::int64_t i = 0; i < truth.count(); ++i) {
    if (!is_true[i]) continue;
    std::int64_t rest = i;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      row[axis] = static_cast<std::int32_t>(rest % x.extent(axis));
      rest /= x.extent(axis);
    }
    row += x.rank();
  }
  return positions;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  require_mask(mask, "masked_select");
  const Shape shape = broadcast(x, mask, "masked_select");
  const Tensor from = x.expand(shape).contiguous_copy_if_needed(),
               chosen = mask.expand(shape).contiguous_copy_if_needed();
  Tensor y = Tensor::empty({trues_of(chosen)}, x.dtype());
  const bool* const is_true = chosen.data<bool>();
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* const values = from.data<T>();
    T* to = y.fresh_data<T>();
    for (std::int64_t i = 0; i < chosen.count(); ++i)
      if (is_true[i]) *to++ = values[i];
  });
  return y;
}

Tensor masked_unselect(const Tensor& values, const Tensor& mask) {
  require_mask(mask, "masked_unselect");
  const Tensor chosen = mask.contiguous_copy_if_needed(), from = values.contiguous_copy_if_needed();
  const std::int64_t count = trues_of(chosen);
  if (values.shape() != Shape{count})
    throw ShapeError({.what = text("masked_unselect: values are ", values.shape(), " for a mask ", mask.shape(),
                                   " with ", count, " true elements"),
                      .expected = text("values [", count, "]"),
                      .operands = text("values: ", values.origin())});
  Tensor y = Tensor::zeros(mask.shape(), values.dtype());
  const bool* const is_true = chosen.data<bool>();
  for_any(values.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* next = from.data<T>();
    T* const to = y.fresh_data<T>();
    for (std::int64_t i = 0; i < chosen.count(); ++i)
      if (is_true[i]) to[i] = *next++;
  });
  return y;
}

}  // namespace heed
