#include "core/cumulative.h"

#include <array>

#include "core/error.h"
#include "core/runs.h"

namespace heed {
namespace {

// Walks along an axis with one number for each row: next(total, i) is called for the elements i of the rows in
// turn, and visits neighbouring rows side by side.
template <class Next>
void scan(const AxisRun& run, bool reverse, double start, Next next) {
  constexpr std::int64_t kMostColumns = 256;
  run.for_each_block(kMostColumns, [&](std::int64_t o, std::int64_t column, std::int64_t columns) {
    std::array<double, kMostColumns> totals;
    totals.fill(start);
    for (std::int64_t step = 0; step < run.n; ++step) {
      const std::int64_t t = reverse ? run.n - 1 - step : step;
      const std::int64_t first = (o * run.n + t) * run.inner + column;
      for (std::int64_t i = 0; i < columns; ++i) next(totals[static_cast<std::size_t>(i)], first + i);
    }
  });
}

// combine(total, x) of all elements up to each one.
template <class Combine>
Tensor accumulated(const Tensor& x, int axis, const CumulativeOptions& options, double start,
                   const char* operation, Combine combine) {
  const int at = x.shape().resolve(axis);
  const Tensor from = x.contiguous_copy_if_needed();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  for_floating(x.dtype(), operation, [&](auto zero) {
    using T = decltype(zero);
    const T* const px = from.data<T>();
    T* const py = y.fresh_data<T>();
    scan(AxisRun::around(x.shape(), at, at), options.reverse, start, [=](double& total, std::int64_t i) {
      const double before = total;
      total = combine(total, static_cast<double>(px[i]));
      py[i] = static_cast<T>(options.exclusive ? before : total);
    });
  });
  return y;
}

}  // namespace

Tensor cumulative_sum(const Tensor& x, int axis, const CumulativeOptions& options) {
  return accumulated(x, axis, options, 0, "cumulative_sum", [](double a, double b) { return a + b; });
}

Tensor cumulative_product(const Tensor& x, int axis, const CumulativeOptions& options) {
  return accumulated(x, axis, options, 1, "cumulative_product", [](double a, double b) { return a * b; });
}

Tensor linear_recurrence(const Tensor& a, const Tensor& b, int axis, bool reverse) {
  if (a.shape() != b.shape())
    throw ShapeError({.what = text("linear_recurrence: a is ", a.shape(), ", b is ", b.shape()),
                      .expected = "a.shape == b.shape",
                      .operands = text("a: ", a.origin(), "    b: ", b.origin())});
  if (a.dtype() != b.dtype()) throw_dtypes_differ(a, b, "linear_recurrence");
  const int at = a.shape().resolve(axis);
  const Tensor factors = a.contiguous_copy_if_needed(), added = b.contiguous_copy_if_needed();
  Tensor y = Tensor::empty(a.shape(), a.dtype());
  for_floating(a.dtype(), "linear_recurrence", [&](auto zero) {
    using T = decltype(zero);
    const T *const pa = factors.data<T>(), *const pb = added.data<T>();
    T* const py = y.fresh_data<T>();
    scan(AxisRun::around(a.shape(), at, at), reverse, 0, [=](double& total, std::int64_t i) {
      total = static_cast<double>(pa[i]) * total + static_cast<double>(pb[i]);
      py[i] = static_cast<T>(total);
    });
  });
  return y;
}

}  // namespace heed
