#include "core/reduce.h"

#include <algorithm>
#include <cmath>

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
    // Rows are added to the first one, in blocks of columns.
    const auto add = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::add)];
    const std::int64_t width = std::min<std::int64_t>(run.inner, std::max<std::int64_t>(64, kGrain / run.n));
    const std::int64_t blocks = (run.inner + width - 1) / width;
    const std::int64_t block_cost = width * run.n;
    parallel_for(run.outer * blocks, std::max<std::int64_t>(1, kGrain / block_cost),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t piece = begin; piece < end; ++piece) {
                     const std::int64_t o = piece / blocks, column = piece % blocks * width;
                     const std::int64_t columns = std::min(width, run.inner - column);
                     const T* const from = x + o * run.n * run.inner + column;
                     T* const to = y + o * run.inner + column;
                     std::copy_n(from, columns, to);
                     for (std::int64_t i = 1; i < run.n; ++i)
                       add(columns, to, 1, from + i * run.inner, 1, to, 1);
                   }
                 });
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
    const auto loop = which == Extreme::largest ? kernels::loops<T>().maximum : kernels::loops<T>().minimum;
    for (std::int64_t o = 0; o < run.outer; ++o)
      for (std::int64_t i = 0; i < run.inner; ++i)
        y.fresh_data<T>()[o * run.inner + i] =
            loop(run.n, from.data<T>() + o * run.n * run.inner + i, run.inner);
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

Tensor argmax(const Tensor& x, int axis) {
  const int at = x.shape().resolve(axis);
  if (x.extent(at) == 0)
    throw ShapeError({.what = text("argmax: axis ", axis, " of ", x.shape(), " is empty")});
  const Tensor from = x.contiguous_copy_if_needed();
  const Run run = run_around(x.shape(), at, at);
  Tensor y = Tensor::empty(x.shape().without(at), DType::i32);
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* const data = from.data<T>();
    for (std::int64_t o = 0; o < run.outer; ++o)
      for (std::int64_t i = 0; i < run.inner; ++i) {
        const T* const row = data + o * run.n * run.inner + i;
        std::int64_t best = 0;
        for (std::int64_t k = 1; k < run.n && row[best * run.inner] == row[best * run.inner]; ++k)
          if (!(row[k * run.inner] <= row[best * run.inner]))
            best = k;  // larger, or NaN, which ends the search
        y.fresh_data<std::int32_t>()[o * run.inner + i] = static_cast<std::int32_t>(best);
      }
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
