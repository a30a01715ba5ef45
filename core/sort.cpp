#include "core/sort.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/index.h"
#include "core/parallel.h"
#include "core/runs.h"

namespace heed {
namespace {

template <class T>
bool less_with_nan(T a, T b) {
  return a < b || (b != b && a == a);
}

// The first `taken` positions of each row along an axis, in the order of `comes_before`.
template <class T, class Order>
void order_rows(const Tensor& x, Tensor& positions, bool descending, Order order) {
  const std::int64_t n = x.extent(-1), taken = positions.extent(-1), rows = n == 0 ? 0 : x.count() / n;
  const T* const from = x.data<T>();
  std::int32_t* const to = positions.fresh_data<std::int32_t>();
  parallel_for(rows, std::max<std::int64_t>(1, AxisRun::kGrain / (8 * std::max<std::int64_t>(1, n))),
               [&](std::int64_t begin, std::int64_t end) {
                 std::vector<std::int32_t> row(static_cast<std::size_t>(n));
                 for (std::int64_t r = begin; r < end; ++r) {
                   const T* const values = from + r * n;
                   std::iota(row.begin(), row.end(), 0);
                   order(row, [values, descending](std::int32_t a, std::int32_t b) {
                     return descending ? less_with_nan(values[b], values[a])
                                       : less_with_nan(values[a], values[b]);
                   });
                   std::copy_n(row.begin(), taken, to + r * taken);
                 }
               });
}

// Positions along `axis`: `taken` of them a row, as `order(row, comes_before)` puts them.
template <class Order>
Tensor ordered(const Tensor& x, int axis, std::int64_t taken, bool descending, Order order) {
  const Tensor rows = x.transpose(axis, -1).contiguous_copy_if_needed();
  Tensor positions = Tensor::empty(rows.shape().with(-1, taken), DType::i32);
  for_any(x.dtype(), [&](auto zero) { order_rows<decltype(zero)>(rows, positions, descending, order); });
  return positions.transpose(axis, -1).contiguous_copy_if_needed();
}

}  // namespace

Tensor argsort(const Tensor& x, int axis, const SortOptions& options) {
  return ordered(x, axis, x.extent(axis), options.descending,
                 [](auto& row, auto before) { std::stable_sort(row.begin(), row.end(), before); });
}

Sorted<Tensor> sort(const Tensor& x, int axis, const SortOptions& options) {
  Tensor positions = argsort(x, axis, options);
  return {gather(x, axis, positions), positions};
}

Tensor argtop_k(const Tensor& x, std::int64_t k, int axis, const TopKOptions& options) {
  if (k < 0 || k > x.extent(axis))
    throw ShapeError({.what = text("top_k: ", k, " elements of axis ", axis, " of ", x.shape()),
                      .expected = text("0 <= k <= ", x.extent(axis)),
                      .operands = x.origin()});
  return ordered(x, axis, k, !options.smallest, [k](auto& row, auto before) {
    std::partial_sort(row.begin(), row.begin() + k, row.end(), [before](std::int32_t a, std::int32_t b) {
      return before(a, b) || (!before(b, a) && a < b);
    });
  });
}

Sorted<Tensor> top_k(const Tensor& x, std::int64_t k, int axis, const TopKOptions& options) {
  Tensor positions = argtop_k(x, k, axis, options);
  return {gather(x, axis, positions), positions};
}

}  // namespace heed
