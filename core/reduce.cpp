#include "core/reduce.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"

namespace heed {
namespace {

constexpr std::int64_t kGrain = 1 << 15;

// A contiguous tensor seen as [outer, n, inner] around a run of neighbouring axes.
struct Run {
  std::int64_t outer = 1, n = 1, inner = 1;
};

Run run_around(const Shape& shape, int first, int last) {
  Run run;
  for (int axis = 0; axis < shape.rank(); ++axis)
    (axis < first ? run.outer : axis <= last ? run.n : run.inner) *= shape[axis];
  return run;
}

// One long row in pieces of a fixed length, so that the sum does not depend on who adds which piece.
template <class T>
T sum_row(const T* x, std::int64_t n) {
  if (n <= 2 * kGrain) return n == 0 ? T{0} : kernels::loops<T>().sum(n, x, 1);
  std::vector<T> parts(static_cast<std::size_t>((n + kGrain - 1) / kGrain));
  parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / kGrain)] = kernels::loops<T>().sum(end - begin, x + begin, 1);
  });
  return kernels::loops<T>().sum(static_cast<std::int64_t>(parts.size()), parts.data(), 1);
}

// Rows of `run` folded element by element, y[o] = f(f(x[o][0], x[o][1]), ...), in pieces of columns; rows in
// blocks, so that a sum of many rows does not add small numbers to one that has grown large.
template <class T>
void fold_columns(kernels::Binary f, const T* x, T* y, Run run) {
  constexpr std::int64_t kRowsOfBlock = 64, kMostColumns = 1024;
  const auto fold = kernels::loops<T>().binary[static_cast<int>(f)];
  const std::int64_t width = std::min({run.inner, kMostColumns, std::max<std::int64_t>(256, kGrain / run.n)});
  const std::int64_t pieces = (run.inner + width - 1) / width;
  parallel_for(run.outer * pieces, std::max<std::int64_t>(1, kGrain / (width * run.n)),
               [&](std::int64_t begin, std::int64_t end) {
                 T block[kMostColumns];
                 for (std::int64_t piece = begin; piece < end; ++piece) {
                   const std::int64_t o = piece / pieces, column = piece % pieces * width;
                   const std::int64_t columns = std::min(width, run.inner - column);
                   const T* const from = x + o * run.n * run.inner + column;
                   T* const to = y + o * run.inner + column;
                   for (std::int64_t first = 0; first < run.n; first += kRowsOfBlock) {
                     T* const total = first == 0 ? to : block;
                     std::copy_n(from + first * run.inner, columns, total);
                     for (std::int64_t i = first + 1; i < std::min(run.n, first + kRowsOfBlock); ++i)
                       fold(columns, total, 1, from + i * run.inner, 1, total, 1);
                     if (first > 0) fold(columns, to, 1, block, 1, to, 1);
                   }
                 }
               });
}

template <class T>
void sum_run(const T* x, T* y, Run run) {
  if (run.n == 0 || run.inner == 0) {
    std::fill_n(y, run.outer * run.inner, T{0});
  } else if (run.inner == 1 && run.outer == 1) {
    *y = sum_row(x, run.n);
  } else if (run.inner == 1) {
    parallel_for(run.outer, std::max<std::int64_t>(1, kGrain / run.n),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t o = begin; o < end; ++o)
                     y[o] = kernels::loops<T>().sum(run.n, x + o * run.n, 1);
                 });
  } else {
    fold_columns(kernels::Binary::add, x, y, run);
  }
}

// Reduces the axes first … last of x to extent 1.
Tensor sum_axes(const Tensor& x, int first, int last) {
  const Tensor from = x.contiguous_copy_if_needed();
  Shape shape = x.shape();
  for (int axis = first; axis <= last; ++axis) shape = shape.with(axis, 1);
  Tensor y = Tensor::empty(shape, x.dtype());
  for_floating(x.dtype(), "sum", [&](auto zero) {
    using T = decltype(zero);
    sum_run(from.data<T>(), y.fresh_data<T>(), run_around(x.shape(), first, last));
  });
  return y;
}

// each(o, i) for every row along the axis, o of the outer and i of the inner ones.
template <class Each>
void over_runs(const Run& run, Each each) {
  parallel_for(run.outer * run.inner, std::max<std::int64_t>(1, kGrain / run.n),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t k = begin; k < end; ++k) each(k / run.inner, k % run.inner);
               });
}

enum class Extreme { largest, smallest };

Tensor extreme(const Tensor& x, int axis, bool keep_axis, Extreme which, const char* operation) {
  const int at = x.shape().resolve(axis);
  if (x.extent(at) == 0)
    throw ShapeError({.what = text(operation, ": axis ", axis, " of ", x.shape(), " is empty")});
  const Tensor from = x.contiguous_copy_if_needed();
  const Run run = run_around(x.shape(), at, at);
  Tensor y = Tensor::empty(keep_axis ? x.shape().with(at, 1) : x.shape().without(at), x.dtype());
  for_floating(x.dtype(), operation, [&](auto zero) {
    using T = decltype(zero);
    if (y.count() == 0) return;
    const bool largest = which == Extreme::largest;
    if (run.inner > 1)
      return fold_columns(largest ? kernels::Binary::maximum : kernels::Binary::minimum, from.data<T>(),
                          y.fresh_data<T>(), run);
    const auto loop = largest ? kernels::loops<T>().maximum : kernels::loops<T>().minimum;
    over_runs(run, [&](std::int64_t o, std::int64_t) {
      y.fresh_data<T>()[o] = loop(run.n, from.data<T>() + o * run.n, 1);
    });
  });
  return y;
}

}  // namespace

Tensor sum(const Tensor& x) {
  const Tensor from = x.contiguous_copy_if_needed();
  return for_floating(x.dtype(), "sum", [&](auto zero) {
    using T = decltype(zero);
    Tensor y = Tensor::empty({}, x.dtype());
    *y.fresh_data<T>() = sum_row(from.data<T>(), x.count());
    return y;
  });
}

Tensor sum(const Tensor& x, std::span<const int> axes, bool keep_axes) {
  std::array<bool, kMaxRank> reduced{};
  for (const int axis : axes) reduced[static_cast<std::size_t>(x.shape().resolve(axis))] = true;
  Tensor y = x;
  // Runs of neighbouring axes at once, from the last: the inner ones are the cheapest.
  for (int last = x.rank() - 1; last >= 0; --last) {
    if (!reduced[static_cast<std::size_t>(last)]) continue;
    int first = last;
    while (first > 0 && reduced[static_cast<std::size_t>(first - 1)]) --first;
    y = sum_axes(y, first, last);
    last = first;
  }
  if (keep_axes) return y;
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (!reduced[static_cast<std::size_t>(axis)]) shape = shape.inserted(shape.rank(), x.extent(axis));
  return y.reshape(shape);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (!broadcasts_to(shape, x.shape()))
    throw ShapeError({.what = text("sum_to: ", shape, " does not broadcast to ", x.shape())});
  const int leading = x.rank() - shape.rank();
  std::array<int, kMaxRank> axes{};
  std::size_t count = 0;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (axis < leading || (shape[axis - leading] == 1 && x.extent(axis) != 1)) axes[count++] = axis;
  return sum(x, std::span(axes.data(), count), true).reshape(shape);
}

Tensor max(const Tensor& x, int axis, bool keep_axis) {
  return extreme(x, axis, keep_axis, Extreme::largest, "max");
}
Tensor min(const Tensor& x, int axis, bool keep_axis) {
  return extreme(x, axis, keep_axis, Extreme::smallest, "min");
}

namespace {

// The first position of the largest element, or of NaN.
template <class T>
std::int64_t position_of_largest(const T* row, std::int64_t n, std::int64_t stride) {
  if constexpr (std::is_floating_point_v<T>) {
    // Two passes without dependent jumps are faster than one with them.
    const T largest = kernels::loops<T>().maximum(n, row, stride);
    for (std::int64_t k = 0; k < n; ++k)
      if (row[k * stride] == largest || row[k * stride] != row[k * stride]) return k;
    return 0;
  } else {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < n; ++k)
      if (row[k * stride] > row[best * stride]) best = k;
    return best;
  }
}

}  // namespace

Tensor argmax(const Tensor& x, int axis) {
  const int at = x.shape().resolve(axis);
  if (x.extent(at) == 0)
    throw ShapeError({.what = text("argmax: axis ", axis, " of ", x.shape(), " is empty")});
  const Tensor from = x.contiguous_copy_if_needed();
  const Run run = run_around(x.shape(), at, at);
  Tensor y = Tensor::empty(x.shape().without(at), DType::i32);
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (y.count() == 0) return;
    over_runs(run, [&](std::int64_t o, std::int64_t i) {
      const T* const row = from.data<T>() + o * run.n * run.inner + i;
      y.fresh_data<std::int32_t>()[o * run.inner + i] =
          static_cast<std::int32_t>(position_of_largest(row, run.n, run.inner));
    });
  });
  return y;
}

double sum_of_squares(std::span<const float> x) {
  return x.empty() ? 0.0
                   : kernels::loops<float>().sum_of_squares(static_cast<std::int64_t>(x.size()), x.data());
}

double sum_of_squares(std::span<const double> x) {
  return x.empty() ? 0.0
                   : kernels::loops<double>().sum_of_squares(static_cast<std::int64_t>(x.size()), x.data());
}

double norm(const Tensor& x) {
  const Tensor from = x.contiguous_copy_if_needed();
  return for_floating(x.dtype(), "norm", [&](auto zero) {
    using T = decltype(zero);
    return std::sqrt(x.count() == 0 ? 0.0 : kernels::loops<T>().sum_of_squares(x.count(), from.data<T>()));
  });
}

}  // namespace heed
