#include "core/reduce.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"
#include "core/runs.h"

namespace heed {
namespace {

// One long row in pieces of a fixed length, so that the sum does not depend on who adds which piece.
template <class T>
T sum_row(std::int64_t n, const T* x) {
  constexpr std::int64_t kPiece = AxisRun::kGrain;
  if (n <= 2 * kPiece) return kernels::loops<T>().sum(n, x, 1);
  std::vector<T> parts(static_cast<std::size_t>((n + kPiece - 1) / kPiece));
  parallel_for(n, kPiece, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / kPiece)] = kernels::loops<T>().sum(end - begin, x + begin, 1);
  });
  return kernels::loops<T>().sum(static_cast<std::int64_t>(parts.size()), parts.data(), 1);
}

// Rows of `run` folded element by element, y[o] = f(f(x[o][0], x[o][1]), ...), in pieces of columns; rows in
// blocks, so that a sum of many rows does not add small numbers to one that has grown large.
template <class T>
void fold_columns(kernels::Binary f, const T* x, T* y, const AxisRun& run) {
  constexpr std::int64_t kRowsOfBlock = 64, kMostColumns = 1024;
  const auto fold = kernels::loops<T>().binary[static_cast<int>(f)];
  run.for_each_block(kMostColumns, [&](std::int64_t o, std::int64_t column, std::int64_t columns) {
    T block[kMostColumns];
    const T* const from = x + o * run.n * run.inner + column;
    T* const to = y + o * run.inner + column;
    for (std::int64_t first = 0; first < run.n; first += kRowsOfBlock) {
      T* const total = first == 0 ? to : block;
      std::copy_n(from + first * run.inner, columns, total);
      for (std::int64_t i = first + 1; i < std::min(run.n, first + kRowsOfBlock); ++i)
        fold(columns, total, 1, from + i * run.inner, 1, total, 1);
      if (first > 0) fold(columns, to, 1, block, 1, to, 1);
    }
  });
}

// What reduces a row of elements, the function that it is made of, and the result of no elements.
template <class T>
struct Reducer {
  T (*row)(std::int64_t n, const T* x);
  kernels::Binary fold;
  T of_none;
};

enum class Kind { sum, product, largest, smallest };

template <class T>
Reducer<T> reducer_of(Kind kind) {
  using kernels::Binary;
  switch (kind) {
    case Kind::sum:
      return {sum_row<T>, Binary::add, T{0}};
    case Kind::product:
      return {[](std::int64_t n, const T* x) {
                T product = x[0];
                for (std::int64_t i = 1; i < n; ++i) product *= x[i];
                return product;
              },
              Binary::multiply, T{1}};
    case Kind::largest:
      return {[](std::int64_t n, const T* x) { return kernels::loops<T>().maximum(n, x, 1); }, Binary::maximum,
              T{0}};
    case Kind::smallest:
      break;
  }
  return {[](std::int64_t n, const T* x) { return kernels::loops<T>().minimum(n, x, 1); }, Binary::minimum,
          T{0}};
}

template <class T>
void reduce_run(const Reducer<T>& reducer, const T* x, T* y, const AxisRun& run) {
  if (run.n == 0)
    std::fill_n(y, run.outer * run.inner, reducer.of_none);
  else if (run.inner == 1 && run.outer == 1)
    *y = reducer.row(run.n, x);
  else if (run.inner == 1)
    run.for_each_row([&](std::int64_t o, std::int64_t) { y[o] = reducer.row(run.n, x + o * run.n); });
  else
    fold_columns(reducer.fold, x, y, run);
}

Tensor reduce(const Tensor& x, const Axes& axes, bool keep_axes, Kind kind, const char* operation) {
  const unsigned reduced = axes.bits(x.shape());
  Tensor y = x;
  // Runs of neighbouring axes at once, from the last: the inner ones are the cheapest.
  for (int last = x.rank() - 1; last >= 0; --last) {
    if (!(reduced >> last & 1)) continue;
    int first = last;
    while (first > 0 && reduced >> (first - 1) & 1) --first;
    Shape shape = y.shape();
    for (int axis = first; axis <= last; ++axis) shape = shape.with(axis, 1);
    const Tensor from = y.contiguous_copy_if_needed();
    const AxisRun run = AxisRun::around(y.shape(), first, last);
    y = Tensor::empty(shape, x.dtype());
    for_floating(x.dtype(), operation, [&](auto zero) {
      using T = decltype(zero);
      reduce_run(reducer_of<T>(kind), from.data<T>(), y.fresh_data<T>(), run);
    });
    last = first;
  }
  return keep_axes ? y : y.reshape(axes.reduced(x.shape(), false));
}

void require_elements(const Tensor& x, const Axes& axes, const char* operation) {
  const unsigned reduced = axes.bits(x.shape());
  for (int axis = 0; axis < x.rank(); ++axis)
    if (reduced >> axis & 1 && x.extent(axis) == 0)
      throw ShapeError({.what = text(operation, ": axis ", axis, " of ", x.shape(), " is empty")});
}

}  // namespace

Tensor sum(const Tensor& x) {
  const Tensor from = x.contiguous_copy_if_needed();
  return for_floating(x.dtype(), "sum", [&](auto zero) {
    using T = decltype(zero);
    Tensor y = Tensor::empty({}, x.dtype());
    *y.fresh_data<T>() = x.count() == 0 ? T{0} : sum_row(x.count(), from.data<T>());
    return y;
  });
}

Tensor sum(const Tensor& x, const Axes& axes, bool keep_axes) {
  return reduce(x, axes, keep_axes, Kind::sum, "sum");
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep_axes) {
  const std::int64_t n = std::max<std::int64_t>(1, axes.count(x.shape()));
  return sum(x, axes, keep_axes) * (1.0 / static_cast<double>(n));
}

Tensor product(const Tensor& x, const Axes& axes, bool keep_axes) {
  return reduce(x, axes, keep_axes, Kind::product, "product");
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

Tensor max(const Tensor& x, const Axes& axes, bool keep_axes) {
  require_elements(x, axes, "max");
  return reduce(x, axes, keep_axes, Kind::largest, "max");
}

Tensor min(const Tensor& x, const Axes& axes, bool keep_axes) {
  require_elements(x, axes, "min");
  return reduce(x, axes, keep_axes, Kind::smallest, "min");
}

namespace {

// The first position of the largest (smallest) element, or of NaN.
template <class T>
std::int64_t position_of_extreme(const T* row, std::int64_t n, std::int64_t stride, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    // Two passes without dependent jumps are faster than one with them.
    const auto& loops = kernels::loops<T>();
    const T extreme = largest ? loops.maximum(n, row, stride) : loops.minimum(n, row, stride);
    for (std::int64_t k = 0; k < n; ++k)
      if (row[k * stride] == extreme || row[k * stride] != row[k * stride]) return k;
    return 0;
  } else {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < n; ++k)
      if (largest ? row[k * stride] > row[best * stride] : row[k * stride] < row[best * stride]) best = k;
    return best;
  }
}

Tensor position(const Tensor& x, int axis, bool largest, const char* operation) {
  const int at = x.shape().resolve(axis);
  require_elements(x, at, operation);
  const Tensor from = x.contiguous_copy_if_needed();
  const AxisRun run = AxisRun::around(x.shape(), at, at);
  Tensor y = Tensor::empty(x.shape().without(at), DType::i32);
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (y.count() == 0) return;
    run.for_each_row([&](std::int64_t o, std::int64_t i) {
      const T* const row = from.data<T>() + o * run.n * run.inner + i;
      y.fresh_data<std::int32_t>()[o * run.inner + i] =
          static_cast<std::int32_t>(position_of_extreme(row, run.n, run.inner, largest));
    });
  });
  return y;
}

}  // namespace

Tensor argmax(const Tensor& x, int axis) { return position(x, axis, true, "argmax"); }

Tensor argmin(const Tensor& x, int axis) { return position(x, axis, false, "argmin"); }

double variance_divisor(const Shape& shape, const Axes& axes, std::int64_t correction, const char* operation) {
  const std::int64_t n = axes.count(shape);
  if (n <= correction || correction < 0)
    throw ShapeError({.what = text(operation, ": of ", n, " elements along the axes of ", shape,
                                   " none are left after a correction of ", correction),
                      .expected = "0 <= correction < number of elements"});
  return static_cast<double>(n - correction);
}

Tensor variance(const Tensor& x, const Axes& axes, const VarianceOptions& options) {
  const double divisor = variance_divisor(x.shape(), axes, options.correction, "variance");
  const Tensor distances = apply(kernels::Unary::square, x - mean(x, axes, true), "variance");
  return sum(distances, axes, options.keep_axes) * (1.0 / divisor);
}

Tensor standard_deviation(const Tensor& x, const Axes& axes, const VarianceOptions& options) {
  return apply(kernels::Unary::sqrt, variance(x, axes, options), "standard_deviation");
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

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keep_axes) {
  using kernels::Unary;
  if (!(p >= 1)) throw ConfigError({.what = text("norm: p is ", p), .expected = "p >= 1"});
  if (!is_floating(x.dtype())) throw_not_floating(x.dtype(), "norm");
  if (axes.count(x.shape()) == 0) return Tensor::zeros(axes.reduced(x.shape(), keep_axes), x.dtype());
  const Tensor distances = apply(Unary::absolute, x.to(DType::f64), "norm");
  const auto powers = [&] { return apply(kernels::Binary::power, distances, p, "norm"); };
  Tensor y = std::isinf(p) ? max(distances, axes, keep_axes)
             : p == 1      ? sum(distances, axes, keep_axes)
             : p == 2
                 ? apply(Unary::sqrt, sum(apply(Unary::square, distances, "norm"), axes, keep_axes), "norm")
                 : apply(kernels::Binary::power, sum(powers(), axes, keep_axes), 1 / p, "norm");
  return y.to(x.dtype());
}

}  // namespace heed
