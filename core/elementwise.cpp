#include "core/elementwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/map.h"

namespace heed {
namespace {

// Whether the elements of both lie in the same order without gaps, few enough for one thread: then there is
// nothing to walk, and for small tensors walking costs more than computing.
bool one_short_row(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  std::int64_t step = 1;
  for (std::size_t axis = static_cast<std::size_t>(a.rank()); axis-- > 0;) {
    const std::int64_t n = a.shape().begin()[axis];
    if (n != 1 && (a.strides()[axis] != step || b.strides()[axis] != step)) return false;
    step *= n;
  }
  return step <= kElementsPerThread;
}

// Integers wrap around: the language leaves overflow undefined for signed ones only.
std::int32_t integer_result(kernels::Binary f, std::int32_t a, std::int32_t b, const char* operation) {
  using kernels::Binary;
  const std::uint32_t ua = static_cast<std::uint32_t>(a), ub = static_cast<std::uint32_t>(b);
  switch (f) {
    case Binary::add:
      return static_cast<std::int32_t>(ua + ub);
    case Binary::subtract:
      return static_cast<std::int32_t>(ua - ub);
    case Binary::multiply:
      return static_cast<std::int32_t>(ua * ub);
    case Binary::minimum:
      return std::min(a, b);
    case Binary::maximum:
      return std::max(a, b);
    case Binary::divide:
      if (b == 0) throw IndexError({.what = text(operation, ": division of an integer by zero")});
      return b == -1 ? static_cast<std::int32_t>(0 - ua) : a / b;
    case Binary::power:
    case Binary::tanh_gradient:
    case Binary::sigmoid_gradient:
    case Binary::relu_gradient:
      break;
  }
  throw_not_floating(DType::i32, operation);
}

template <class T>
bool compare(kernels::Compare f, T a, T b) {
  using kernels::Compare;
  switch (f) {
    case Compare::equal:
      return a == b;
    case Compare::not_equal:
      return a != b;
    case Compare::less:
      return a < b;
    case Compare::less_equal:
      return a <= b;
  }
  return false;
}

void require_same_dtype(const Tensor& a, const Tensor& b, const char* operation) {
  if (a.dtype() != b.dtype()) throw_dtypes_differ(a, b, operation);
}

// f over a and b, one of which may be a scalar on the stack with stride 0.
template <class T>
Tensor binary_with_scalar(kernels::Binary f, const Tensor& x, double value, bool scalar_first,
                          const char* operation) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  if (x.count() == 0) return y;
  const T scalar = static_cast<T>(value);
  const StridedWalk<2> walk(x.shape(), {&x, &y});
  const T* const from = x.data<T>();
  T* const to = y.fresh_data<T>();
  walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 2> at) {
    const auto [sx, sy] = walk.inner_stride;
    if constexpr (std::is_floating_point_v<T>) {
      const auto loop = kernels::loops<T>().binary[static_cast<int>(f)];
      if (scalar_first)
        loop(n, &scalar, 0, from + at[0], sx, to + at[1], sy);
      else
        loop(n, from + at[0], sx, &scalar, 0, to + at[1], sy);
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        const T v = from[at[0] + i * sx];
        to[at[1] + i * sy] =
            scalar_first ? integer_result(f, scalar, v, operation) : integer_result(f, v, scalar, operation);
      }
    }
  });
  return y;
}

// Throws unless the number could be an element of x.
void require_element(double value, const Tensor& x, const char* operation) {
  const bool whole = value == std::trunc(value) && value >= -0x1p31 && value < 0x1p31;
  if (x.dtype() == DType::i32 ? whole : x.dtype() != DType::boolean || value == 0 || value == 1) return;
  throw DTypeError(
      {.what = text(operation, ": ", value, " is no ", x.dtype(), ", which the tensor's elements are"),
       .operands = x.origin()});
}

// The number as a scalar of x's type.
Tensor number_like(const Tensor& x, double value, const char* operation) {
  require_element(value, x, operation);
  return Tensor::scalar(value, x.dtype());
}

Tensor with_scalar(kernels::Binary f, const Tensor& x, double value, bool scalar_first, const char* operation) {
  if (x.dtype() == DType::i32) {
    require_element(value, x, operation);
    return binary_with_scalar<std::int32_t>(f, x, value, scalar_first, operation);
  }
  return for_floating(x.dtype(), operation, [&](auto zero) {
    return binary_with_scalar<decltype(zero)>(f, x, value, scalar_first, operation);
  });
}

}  // namespace

Tensor apply(kernels::Unary f, const Tensor& x, const char* operation) {
  return for_floating(x.dtype(), operation, [&](auto zero) {
    using T = decltype(zero);
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    if (x.count() == 0) return y;
    const auto loop = kernels::loops<T>().unary[static_cast<int>(f)];
    const T* const from = x.data<T>();
    T* const to = y.fresh_data<T>();
    if (x.count() <= kElementsPerThread && x.contiguous()) {
      loop(x.count(), from, 1, to, 1);
      return y;
    }
    const StridedWalk<2> walk(x.shape(), {&x, &y});
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 2> at) {
      loop(n, from + at[0], walk.inner_stride[0], to + at[1], walk.inner_stride[1]);
    });
    return y;
  });
}

Tensor apply(kernels::Binary f, const Tensor& a, const Tensor& b, const char* operation) {
  require_same_dtype(a, b, operation);
  if (is_floating(a.dtype()) && one_short_row(a, b))
    return for_floating(a.dtype(), operation, [&](auto zero) {
      using T = decltype(zero);
      Tensor y = Tensor::empty(a.shape(), a.dtype());
      kernels::loops<T>().binary[static_cast<int>(f)](a.count(), a.data<T>(), 1, b.data<T>(), 1,
                                                      y.fresh_data<T>(), 1);
      return y;
    });
  Tensor y = Tensor::empty(broadcast(a, b, operation), a.dtype());
  if (y.count() == 0) return y;
  const StridedWalk<3> walk(y.shape(), {&a, &b, &y});
  const auto [sa, sb, sy] = walk.inner_stride;
  if (a.dtype() == DType::i32) {
    using T = std::int32_t;
    for (std::int64_t r = 0; r < walk.rows; ++r) {
      const auto at = walk.offsets(r);
      for (std::int64_t i = 0; i < walk.inner; ++i)
        y.fresh_data<T>()[at[2] + i * sy] =
            integer_result(f, a.data<T>()[at[0] + i * sa], b.data<T>()[at[1] + i * sb], operation);
    }
    return y;
  }
  for_floating(a.dtype(), operation, [&](auto zero) {
    using T = decltype(zero);
    const auto loop = kernels::loops<T>().binary[static_cast<int>(f)];
    const T *const pa = a.data<T>(), *const pb = b.data<T>();
    T* const py = y.fresh_data<T>();
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 3> at) {
      loop(n, pa + at[0], walk.inner_stride[0], pb + at[1], walk.inner_stride[1], py + at[2],
           walk.inner_stride[2]);
    });
  });
  return y;
}

Tensor apply(kernels::Binary f, const Tensor& a, double b, const char* operation) {
  return with_scalar(f, a, b, false, operation);
}

Tensor apply(kernels::Binary f, double a, const Tensor& b, const char* operation) {
  return with_scalar(f, b, a, true, operation);
}

Tensor apply(kernels::Compare f, const Tensor& a, const Tensor& b, const char* operation) {
  require_same_dtype(a, b, operation);
  Tensor y = Tensor::empty(broadcast(a, b, operation), DType::boolean);
  if (y.count() == 0) return y;
  const StridedWalk<3> walk(y.shape(), {&a, &b, &y});
  auto* const py = reinterpret_cast<std::uint8_t*>(y.fresh_bytes());
  for_any(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *const pa = a.data<T>(), *const pb = b.data<T>();
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 3> at) {
      const auto [sa, sb, sy] = walk.inner_stride;
      if constexpr (std::is_floating_point_v<T>) {
        kernels::loops<T>().compare[static_cast<int>(f)](n, pa + at[0], sa, pb + at[1], sb, py + at[2], sy);
      } else {
        for (std::int64_t i = 0; i < n; ++i)
          py[at[2] + i * sy] = compare(f, pa[at[0] + i * sa], pb[at[1] + i * sb]);
      }
    });
  });
  return y;
}

Tensor apply(kernels::Compare f, const Tensor& a, double b, const char* operation) {
  return apply(f, a, number_like(a, b, operation), operation);
}

Tensor apply(kernels::Compare f, double a, const Tensor& b, const char* operation) {
  return apply(f, number_like(b, a, operation), b, operation);
}

Tensor operator-(const Tensor& a) {
  // 0 - a would make 0 of 0, whose negative is -0; integers have one 0.
  return a.dtype() == DType::i32 ? apply(kernels::Binary::subtract, 0, a, "negate")
                                 : apply(kernels::Unary::negate, a, "negate");
}

Tensor clamp(const Tensor& x, const Bounds& bounds) {
  if (bounds.min && bounds.max && !(*bounds.min <= *bounds.max))
    throw ConfigError(
        {.what = text("clamp: min is ", *bounds.min, ", max is ", *bounds.max), .expected = "min <= max"});
  Tensor y = x;
  if (bounds.min) y = apply(kernels::Binary::maximum, y, *bounds.min, "clamp");
  if (bounds.max) y = apply(kernels::Binary::minimum, y, *bounds.max, "clamp");
  return y;
}

Tensor pow(const Tensor& x, double n) {
  if (n == 2) return apply(kernels::Unary::square, x, "pow");
  if (n == -1) return apply(kernels::Unary::reciprocal, x, "pow");
  return apply(kernels::Binary::power, x, n, "pow");
}

void add_scaled(Tensor& y, double a, const Tensor& x, SourceLocation at) {
  require_same_dtype(y, x, "add_scaled");
  const bool short_row = one_short_row(y, x);  // then the shapes agree and y has elements of its own
  if (!short_row && !broadcasts_to(x.shape(), y.shape()))
    throw ShapeError({.what = text("add_scaled: ", x.shape(), " does not broadcast to ", y.shape())});
  if (!short_row) require_own_elements(y, "add_scaled");
  if (y.count() == 0) return;
  if (overlaps(y, x)) return add_scaled(y, a, x.clone(), at);
  for_floating(y.dtype(), "add_scaled", [&](auto zero) {
    using T = decltype(zero);
    const T* const from = x.data<T>();
    T* const to = y.mutable_data<T>(at);
    if (short_row) return kernels::loops<T>().axpy(y.count(), static_cast<T>(a), from, 1, to, 1);
    const StridedWalk<2> walk(y.shape(), {&x, &y});
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 2> begin) {
      kernels::loops<T>().axpy(n, static_cast<T>(a), from + begin[0], walk.inner_stride[0], to + begin[1],
                               walk.inner_stride[1]);
    });
  });
}

void scale(Tensor& y, double a, SourceLocation at) {
  for_floating(y.dtype(), "scale", [&](auto zero) {
    using T = decltype(zero);
    require_own_elements(y, "scale");
    if (y.count() == 0) return;
    const T factor = static_cast<T>(a);
    const StridedWalk<1> walk(y.shape(), {&y});
    T* const data = y.mutable_data<T>(at);
    const auto multiply = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::multiply)];
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 1> begin) {
      multiply(n, data + begin[0], walk.inner_stride[0], &factor, 0, data + begin[0], walk.inner_stride[0]);
    });
  });
}

namespace {

// x or y, without a jump: conditions are seldom foreseeable.
template <class T>
T either(bool condition, T x, T y) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint8_t>>;
  const Bits mask = static_cast<Bits>(-static_cast<Bits>(condition));
  const Bits bx = std::bit_cast<Bits>(x), by = std::bit_cast<Bits>(y);
  return std::bit_cast<T>(static_cast<Bits>(by ^ ((bx ^ by) & mask)));
}

Tensor choose(const Tensor& condition, const Tensor& x, const Tensor& y, const char* operation) {
  if (condition.dtype() != DType::boolean)
    throw DTypeError(
        {.what = text(operation, ": the condition is ", condition.dtype()), .expected = "boolean"});
  require_same_dtype(x, y, operation);
  const Shape shape = broadcast(condition, x.expand(broadcast(x, y, operation)), operation);
  Tensor result = Tensor::empty(shape, x.dtype());
  if (result.count() == 0) return result;
  const StridedWalk<4> walk(shape, {&condition, &x, &y, &result});
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const bool* const pc = condition.data<bool>();
    const T *const px = x.data<T>(), *const py = y.data<T>();
    T* const to = result.fresh_data<T>();
    walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 4> at) {
      const auto [sc, sx, sy, st] = walk.inner_stride;
      for (std::int64_t i = 0; i < n; ++i)
        to[at[3] + i * st] = either(pc[at[0] + i * sc], px[at[1] + i * sx], py[at[2] + i * sy]);
    });
  });
  return result;
}

Tensor truth(bool value) { return Tensor::scalar(value ? 1 : 0, DType::boolean); }

}  // namespace

Tensor where(const Tensor& condition, const Tensor& x, const Tensor& y) {
  return choose(condition, x, y, "where");
}

Tensor where(const Tensor& condition, const Tensor& x, double y) {
  return choose(condition, x, number_like(x, y, "where"), "where");
}

Tensor where(const Tensor& condition, double x, const Tensor& y) {
  return choose(condition, number_like(y, x, "where"), y, "where");
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  if (!broadcasts_to(mask.shape(), x.shape()))
    throw ShapeError(
        {.what = text("masked_fill: the mask ", mask.shape(), " does not broadcast to x, ", x.shape()),
         .operands = text("x: ", x.origin(), "    mask: ", mask.origin())});
  return choose(mask, number_like(x, value, "masked_fill"), x, "masked_fill");
}

Tensor logical_not(const Tensor& a) { return choose(a, truth(false), truth(true), "logical_not"); }

Tensor logical_and(const Tensor& a, const Tensor& b) { return choose(a, b, truth(false), "logical_and"); }

Tensor logical_or(const Tensor& a, const Tensor& b) { return choose(a, truth(true), b, "logical_or"); }

Tensor logical_xor(const Tensor& a, const Tensor& b) { return choose(a, logical_not(b), b, "logical_xor"); }

bool identical(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor same = equal(a, b);
  return std::all_of(same.data<bool>(), same.data<bool>() + same.count(), [](bool v) { return v; });
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape())
    throw ShapeError({.what = text("largest_difference: a is ", a.shape(), ", b is ", b.shape()),
                      .expected = "equal shapes"});
  const std::vector<double> va = a.to_vector(), vb = b.to_vector();
  double largest = 0;
  for (std::size_t i = 0; i < va.size(); ++i) {
    const double difference = std::abs(va[i] - vb[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN is kept
    if (std::isnan(largest)) break;
  }
  return largest;
}

}  // namespace heed
