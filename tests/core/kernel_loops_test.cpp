// The element-wise loops and reductions of every variant, held against the reference.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/kernels/cpu.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/core/kernel_testing.h"

namespace heed::tests {
namespace {

using kernels::Binary;
using kernels::Compare;
using kernels::Loops;
using kernels::Unary;

constexpr std::int64_t kStrides[] = {1, 2, -1, 0};

template <class T>
const std::vector<T>& special_values() {
  using Limits = std::numeric_limits<T>;
  static const std::vector<T> values = {T(0),
                                        -T(0),
                                        T(1),
                                        T(-1),
                                        Limits::infinity(),
                                        -Limits::infinity(),
                                        Limits::quiet_NaN(),
                                        Limits::min(),
                                        -Limits::min(),
                                        Limits::denorm_min(),
                                        -Limits::denorm_min(),
                                        Limits::max(),
                                        Limits::lowest(),
                                        T(0.5),
                                        T(-2),
                                        Limits::epsilon()};
  return values;
}

/// Random numbers with special ones among them.
template <class T>
std::vector<T> varied_numbers(std::int64_t n, Rng& rng) {
  std::vector<T> x = random_numbers<T>(n, rng, -20, 20);
  for (T& v : x)
    if (rng.chance(0.2)) v = special_values<T>()[static_cast<std::size_t>(rng.below(16))];
  return x;
}

/// A row of n elements, `stride` apart, inside a vector that has no element more than it needs.
template <class T>
struct Row {
  std::vector<T> storage;
  std::int64_t stride;
  T* data;

  Row(std::int64_t n, std::int64_t apart, std::vector<T> content) : storage(std::move(content)), stride(apart) {
    data = storage.data() + (stride < 0 ? (1 - n) * stride : 0);
  }
  static std::int64_t size(std::int64_t n, std::int64_t stride) {
    return n == 0 ? 0 : (n - 1) * std::abs(stride) + 1;
  }
};

template <class T>
Row<T> varied_row(std::int64_t n, std::int64_t stride, Rng& rng) {
  return Row<T>(n, n == 0 ? 0 : stride, varied_numbers<T>(Row<T>::size(n, stride), rng));
}

/// Below this exp and sigmoid may give 0: sqrt(2) times the smallest normal number, and this number itself.
template <class T, class Wide = T>
Wide flushed_below(Unary function) {
  const Wide smallest = static_cast<Wide>(std::numeric_limits<T>::min());
  return function == Unary::exp ? Wide(1.4143) * smallest : function == Unary::sigmoid ? smallest : 0;
}

template <class T>
bool all_within(const std::vector<T>& got, const std::vector<T>& want, double bound, T flushed) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] == 0 && std::fabs(want[i]) < flushed) continue;
    if (!(ulps(got[i], want[i]) <= bound)) {
      UNSCOPED_INFO("element " << i << ": " << got[i] << " instead of " << want[i]);
      return false;
    }
  }
  return true;
}

/// For log, which takes subnormal numbers for 0.
template <class T>
void no_subnormals(std::vector<T>& x) {
  for (T& v : x)
    if (std::fpclassify(v) == FP_SUBNORMAL) v = 0;
}

/// How far each function may be from the reference, which is itself rounded.
template <class T>
double unary_bound(int function) {
  switch (static_cast<Unary>(function)) {
    case Unary::exp:
    case Unary::log:
    case Unary::sin:
    case Unary::cos:
    case Unary::log1p:
      return 2;
    case Unary::expm1:
    case Unary::sigmoid:
      return 4;
    case Unary::tanh:
      return sizeof(T) == sizeof(float) ? 7 : 4;
    case Unary::erf:
      return 9;
    default:
      return 0;
  }
}

TEMPLATE_TEST_CASE("kernels: unary loops agree with the reference at any size and stride", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(1);
    for (int f = 0; f < kernels::kUnaryCount; ++f)
      for (std::int64_t n : {0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1000})
        for (std::int64_t x_stride : kStrides)
          for (std::int64_t y_stride : {1, 2, -1}) {
            Row<T> x = varied_row<T>(n, x_stride, rng);
            if (f == static_cast<int>(Unary::log)) no_subnormals(x.storage);
            Row<T> y = varied_row<T>(n, y_stride, rng);
            Row<T> want(n, y.stride, y.storage);
            loops.unary[f](n, x.data, x.stride, y.data, y.stride);
            reference.unary[f](n, x.data, x.stride, want.data, want.stride);
            INFO("function " << f << ", n " << n << ", strides " << x_stride << " " << y_stride);
            REQUIRE(all_within(y.storage, want.storage, unary_bound<T>(f),
                               flushed_below<T>(static_cast<Unary>(f))));
          }
  });
}

// Sums, products and choices are exact or rounded once; the others are several operations.
double binary_bound(int f) {
  const bool composed = f == static_cast<int>(Binary::power) || f == static_cast<int>(Binary::tanh_gradient) ||
                        f == static_cast<int>(Binary::sigmoid_gradient);
  return composed ? 2.5 : 0;
}

// The second operand of the gradients of tanh and sigmoid is a value of theirs: large numbers would overflow in
// float and not in the reference's double.
template <class T>
void keep_in_domain(int f, Row<T>& b) {
  if (f != static_cast<int>(Binary::tanh_gradient) && f != static_cast<int>(Binary::sigmoid_gradient)) return;
  for (T& value : b.storage)
    if (std::isfinite(value)) value /= 1 + std::abs(value);
}

TEMPLATE_TEST_CASE("kernels: binary loops agree with the reference at any size and stride", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(2);
    for (int f = 0; f < kernels::kBinaryCount; ++f)
      for (std::int64_t n : {0, 1, 2, 7, 8, 15, 16, 17, 33, 100, 1000})
        for (std::int64_t a_stride : kStrides)
          for (std::int64_t b_stride : kStrides)
            for (std::int64_t y_stride : {1, -1}) {
              const Row<T> a = varied_row<T>(n, a_stride, rng);
              Row<T> b = varied_row<T>(n, b_stride, rng);
              keep_in_domain(f, b);
              Row<T> y = varied_row<T>(n, y_stride, rng);
              Row<T> want(n, y.stride, y.storage);
              loops.binary[f](n, a.data, a.stride, b.data, b.stride, y.data, y.stride);
              reference.binary[f](n, a.data, a.stride, b.data, b.stride, want.data, want.stride);
              INFO("function " << f << ", n " << n << ", strides " << a_stride << " " << b_stride << " "
                               << y_stride);
              REQUIRE(all_within(y.storage, want.storage, binary_bound(f), T(0)));
            }
  });
}

TEMPLATE_TEST_CASE("kernels: comparisons agree with the reference, NaN included", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(3);
    for (int f = 0; f < kernels::kCompareCount; ++f)
      for (std::int64_t n : {0, 1, 7, 16, 33, 100, 1000})
        for (std::int64_t a_stride : kStrides)
          for (std::int64_t b_stride : kStrides)
            for (std::int64_t y_stride : {1, 3}) {
              const Row<T> a = varied_row<T>(n, a_stride, rng);
              Row<T> b = varied_row<T>(n, b_stride, rng);
              if (n > 0 && b_stride != 0) b.data[n / 2 * b_stride] = a.data[n / 2 * a_stride];
              const std::size_t size = static_cast<std::size_t>(3 * n + 1);
              std::vector<std::uint8_t> y(size, 9), want(size, 9);
              loops.compare[f](n, a.data, a.stride, b.data, b.stride, y.data(), y_stride);
              reference.compare[f](n, a.data, a.stride, b.data, b.stride, want.data(), y_stride);
              INFO("function " << f << ", n " << n << ", strides " << a_stride << " " << b_stride << " "
                               << y_stride);
              REQUIRE(y == want);
            }
  });
}

TEMPLATE_TEST_CASE("kernels: element-wise loops may write over an operand", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(4);
    for (std::int64_t n : kAwkwardSizes)
      for (std::int64_t stride : {1, 2, -1}) {
        const Row<T> a = varied_row<T>(n, stride, rng), b = varied_row<T>(n, stride, rng);
        for (int f = 0; f < kernels::kUnaryCount; ++f) {
          Row<T> apart(n, stride, a.storage), over(n, stride, a.storage);
          loops.unary[f](n, a.data, stride, apart.data, stride);
          loops.unary[f](n, over.data, stride, over.data, stride);
          REQUIRE(same_bits(apart.storage, over.storage));
        }
        for (int f = 0; f < kernels::kBinaryCount; ++f) {
          Row<T> apart(n, stride, a.storage), over_a(n, stride, a.storage);
          loops.binary[f](n, a.data, stride, b.data, stride, apart.data, stride);
          loops.binary[f](n, over_a.data, stride, b.data, stride, over_a.data, stride);
          REQUIRE(same_bits(apart.storage, over_a.storage));
          Row<T> apart_b(n, stride, b.storage), over_b(n, stride, b.storage);
          loops.binary[f](n, a.data, stride, b.data, stride, apart_b.data, stride);
          loops.binary[f](n, a.data, stride, over_b.data, stride, over_b.data, stride);
          REQUIRE(same_bits(apart_b.storage, over_b.storage));
        }
      }
  });
}

TEMPLATE_TEST_CASE("kernels: a result does not depend on where its element lies", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(5);
    const std::int64_t n = 77;
    const std::vector<T> a = varied_numbers<T>(n, rng), b = varied_numbers<T>(n, rng);
    std::vector<T> together(77), alone(77);
    for (int f = 0; f < kernels::kUnaryCount; ++f) {
      loops.unary[f](n, a.data(), 1, together.data(), 1);
      for (std::size_t i = 0; i < 77; ++i) loops.unary[f](1, &a[i], 2, &alone[i], 1);
      INFO("unary function " << f);
      REQUIRE(same_bits(together, alone));
    }
    for (int f = 0; f < kernels::kBinaryCount; ++f) {
      loops.binary[f](n, a.data(), 1, b.data(), 1, together.data(), 1);
      for (std::size_t i = 0; i < 77; ++i) loops.binary[f](1, &a[i], 0, &b[i], 1, &alone[i], 1);
      INFO("binary function " << f);
      REQUIRE(same_bits(together, alone));
    }
  });
}

TEMPLATE_TEST_CASE("kernels: axpy adds a multiple at any size and stride", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(6);
    for (std::int64_t n : kAwkwardSizes)
      for (std::int64_t x_stride : kStrides)
        for (std::int64_t y_stride : {1, 2, -1}) {
          const Row<T> x(n, x_stride, random_numbers<T>(Row<T>::size(n, x_stride), rng));
          Row<T> y(n, y_stride, random_numbers<T>(Row<T>::size(n, y_stride), rng));
          Row<T> want(n, y_stride, y.storage);
          loops.axpy(n, T(-0.7), x.data, x_stride, y.data, y_stride);
          reference.axpy(n, T(-0.7), x.data, x_stride, want.data, y_stride);
          REQUIRE(first_difference(y.storage, want.storage, 3) == "");
        }
  });
}

TEMPLATE_TEST_CASE("kernels: sums and dot products are those of the reference", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(7);
    for (std::int64_t n : kAwkwardSizes)
      for (std::int64_t a_stride : kStrides)
        for (std::int64_t b_stride : kStrides) {
          const Row<T> a(n, a_stride, random_numbers<T>(Row<T>::size(n, a_stride), rng, -1, 1));
          const Row<T> b(n, b_stride, random_numbers<T>(Row<T>::size(n, b_stride), rng, -1, 1));
          const std::vector<T> got = {loops.sum(n, a.data, a_stride),
                                      loops.dot(n, a.data, a_stride, b.data, b_stride)};
          const std::vector<T> want = {reference.sum(n, a.data, a_stride),
                                       reference.dot(n, a.data, a_stride, b.data, b_stride)};
          INFO("n " << n << ", strides " << a_stride << " " << b_stride);
          // The reference rounds too, once an element.
          REQUIRE(first_difference(got, want, 16 + static_cast<double>(n)) == "");
          const std::int64_t size = static_cast<std::int64_t>(a.storage.size());
          const double squares = reference.sum_of_squares(size, a.storage.data());
          REQUIRE(std::fabs(loops.sum_of_squares(size, a.storage.data()) - squares) <= 1e-13 * squares);
        }
  });
}

TEMPLATE_TEST_CASE("kernels: a sum has the same bits whatever the stride", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(8);
    for (std::int64_t n : kAwkwardSizes) {
      const std::vector<T> x = random_numbers<T>(n, rng);
      std::vector<T> spread(static_cast<std::size_t>(3 * n));
      for (std::size_t i = 0; i < x.size(); ++i) spread[3 * i] = x[i];
      REQUIRE(loops.sum(n, x.data(), 1) == loops.sum(n, spread.data(), 3));
      REQUIRE(loops.dot(n, x.data(), 1, x.data(), 1) == loops.dot(n, spread.data(), 3, x.data(), 1));
    }
  });
}

TEST_CASE("kernels: a long sum of floats keeps its accuracy") {
  const std::vector<float> x(3'000'000, 0.1f);
  const double want = 3e6 * static_cast<double>(0.1f);
  for_each_variant<float>([&](const Loops<float>& loops, const Loops<float>&) {
    REQUIRE(std::fabs(static_cast<double>(loops.sum(3'000'000, x.data(), 1)) - want) <= 1e-6 * want);
  });
}

TEMPLATE_TEST_CASE("kernels: maximum and minimum find the extreme, or NaN when there is one", "", float,
                   double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(9);
    for (std::int64_t n : {1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 100, 600})
      for (std::int64_t stride : {1, 2, -1}) {
        Row<T> x(n, stride, random_numbers<T>(Row<T>::size(n, stride), rng, 1, 2));
        for (std::int64_t at = 0; at < n; ++at) {
          T& element = x.data[at * stride];
          const T before = element;
          element = T(5);
          REQUIRE(loops.maximum(n, x.data, stride) == T(5));
          element = T(-5);
          REQUIRE(loops.minimum(n, x.data, stride) == T(-5));
          if (n == 1) REQUIRE(loops.maximum(n, x.data, stride) == T(-5));
          element = std::numeric_limits<T>::quiet_NaN();
          REQUIRE(std::isnan(loops.maximum(n, x.data, stride)));
          REQUIRE(std::isnan(loops.minimum(n, x.data, stride)));
          element = before;
        }
      }
    const T infinity = std::numeric_limits<T>::infinity();
    const std::vector<T> lowest(9, -infinity), highest(9, infinity);
    REQUIRE(loops.maximum(9, lowest.data(), 1) == -infinity);
    REQUIRE(loops.minimum(9, highest.data(), 1) == infinity);
  });
}

TEMPLATE_TEST_CASE("kernels: exp, log, their forms near 0 and 1, tanh, sigmoid and erf are right at the edges",
                   "", float, double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T tiny = std::numeric_limits<T>::denorm_min();
  struct Edge {
    Unary function;
    T x, y;
  };
  const Edge edges[] = {
      {Unary::exp, -infinity, 0},
      {Unary::exp, T(-800), 0},
      {Unary::exp, T(800), infinity},
      {Unary::exp, infinity, infinity},
      {Unary::exp, nan, nan},
      {Unary::exp, 0, 1},
      {Unary::exp, tiny, 1},
      {Unary::log, 0, -infinity},
      {Unary::log, -T(0), -infinity},
      {Unary::log, T(-1), nan},
      {Unary::log, -std::numeric_limits<T>::min(), nan},
      {Unary::log, -infinity, nan},
      {Unary::log, infinity, infinity},
      {Unary::log, nan, nan},
      {Unary::log, 1, 0},
      {Unary::tanh, infinity, 1},
      {Unary::tanh, -infinity, -1},
      {Unary::tanh, nan, nan},
      {Unary::tanh, tiny, tiny},
      {Unary::tanh, -tiny, -tiny},
      {Unary::tanh, T(1e-10), T(1e-10)},
      {Unary::sigmoid, infinity, 1},
      {Unary::sigmoid, -infinity, 0},
      {Unary::sigmoid, 0, T(0.5)},
      {Unary::sigmoid, nan, nan},
      {Unary::expm1, -infinity, -1},
      {Unary::expm1, T(-800), -1},
      {Unary::expm1, T(800), infinity},
      {Unary::expm1, infinity, infinity},
      {Unary::expm1, nan, nan},
      {Unary::expm1, std::numeric_limits<T>::min(), std::numeric_limits<T>::min()},
      {Unary::expm1, T(-1e-30), T(-1e-30)},
      {Unary::log1p, infinity, infinity},
      {Unary::log1p, std::numeric_limits<T>::max(), std::log(std::numeric_limits<T>::max())},
      {Unary::log1p, T(-1), -infinity},
      {Unary::log1p, T(-2), nan},
      {Unary::log1p, -infinity, nan},
      {Unary::log1p, nan, nan},
      {Unary::log1p, tiny, tiny},
      {Unary::log1p, T(-1e-30), T(-1e-30)},
      {Unary::erf, infinity, 1},
      {Unary::erf, -infinity, -1},
      {Unary::erf, T(7), 1},
      {Unary::erf, nan, nan},
  };
  for_each_variant<T>([&](const Loops<T>& loops, const Loops<T>&) {
    for (const Edge& edge : edges) {
      std::vector<T> y(9), x(9, edge.x);
      loops.unary[static_cast<int>(edge.function)](9, x.data(), 1, y.data(), 1);
      INFO("function " << static_cast<int>(edge.function) << " of " << edge.x << " gives " << y[0]);
      for (T v : y) REQUIRE(ulps(v, edge.y) == 0);
    }
    const T zeros[] = {T(0), -T(0)};
    T y[2];
    for (const Unary signed_zero : {Unary::tanh, Unary::erf, Unary::expm1, Unary::log1p}) {
      loops.unary[static_cast<int>(signed_zero)](2, zeros, 1, y, 1);
      REQUIRE_FALSE(std::signbit(y[0]));
      REQUIRE(std::signbit(y[1]));
    }
  });
}

/// Numbers whose bits are evenly spread over all that there are.
std::vector<float> numbers_of_all_sizes(float) {
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 24'989) {
    const std::uint32_t low = static_cast<std::uint32_t>(bits);
    float v;
    std::memcpy(&v, &low, sizeof v);
    x.push_back(v);
  }
  return x;
}

std::vector<double> numbers_of_all_sizes(double) {
  Rng rng(10);
  std::vector<double> x;
  for (int i = 0; i < 60'000; ++i) {
    const std::uint64_t bits = rng.bits64();
    double v;
    std::memcpy(&v, &bits, sizeof v);
    x.push_back(v);
  }
  return x;
}

template <class T, class Wide, class Exact>
double worst_ulps(const Loops<T>& loops, Unary function, const std::vector<T>& x, Exact exact) {
  std::vector<T> y(x.size());
  loops.unary[static_cast<int>(function)](static_cast<std::int64_t>(x.size()), x.data(), 1, y.data(), 1);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Wide want = exact(static_cast<Wide>(x[i]));
    const bool flushed = y[i] == 0 && want < flushed_below<T, Wide>(function);
    if (!flushed) worst = std::max(worst, ulps(y[i], want));
  }
  return worst;
}

TEMPLATE_TEST_CASE("kernels: exp, log, expm1, log1p, tanh, sigmoid and erf are accurate over the whole range",
                   "", float, double) {
  using T = TestType;
  using Wide = std::conditional_t<sizeof(T) == sizeof(float), double, long double>;
  const Flushing off(false);  // subnormal operands are to be seen
  std::vector<T> x = numbers_of_all_sizes(T{});
  Rng rng(11);
  for (double size : {0.1, 1.0, 10.0, 100.0, sizeof(T) == sizeof(float) ? 104.0 : 746.0})
    for (T v : random_numbers<T>(30'000, rng, -size, size)) x.push_back(v);
  std::vector<T> normal = x;
  no_subnormals(normal);
  for_each_variant<T>([&](const Loops<T>& loops, const Loops<T>& reference) {
    if (&loops == &reference) return;
    CHECK(worst_ulps<T, Wide>(loops, Unary::exp, x, [](Wide v) { return std::exp(v); }) <= 1.3);
    CHECK(worst_ulps<T, Wide>(loops, Unary::log, normal, [](Wide v) { return std::log(v); }) <= 1.1);
    CHECK(worst_ulps<T, Wide>(loops, Unary::expm1, x, [](Wide v) { return std::expm1(v); }) <= 3);
    CHECK(worst_ulps<T, Wide>(loops, Unary::log1p, x, [](Wide v) { return std::log1p(v); }) <= 1.6);
    const double tanh_bound = sizeof(T) == sizeof(float) ? 6 : 3;
    CHECK(worst_ulps<T, Wide>(loops, Unary::tanh, x, [](Wide v) { return std::tanh(v); }) <= tanh_bound);
    CHECK(worst_ulps<T, Wide>(loops, Unary::sigmoid, x, [](Wide v) { return 1 / (1 + std::exp(-v)); }) <= 2.6);
    CHECK(worst_ulps<T, Wide>(loops, Unary::erf, x, [](Wide v) { return std::erf(v); }) <= 9);
    const T subnormal[] = {std::numeric_limits<T>::denorm_min(), -std::numeric_limits<T>::min() / 2};
    T log_of[2];
    loops.unary[static_cast<int>(Unary::log)](2, subnormal, 1, log_of, 1);
    CHECK((std::isinf(log_of[0]) && std::isinf(log_of[1])));
  });
}

TEMPLATE_TEST_CASE("kernels: tanh, sigmoid and erf never leave the range of their functions", "", float,
                   double) {
  using T = TestType;
  const std::vector<T> x = numbers_of_all_sizes(T{});
  for_each_variant<T>([&](const Loops<T>& loops, const Loops<T>&) {
    std::vector<T> y(x.size());
    for (const Unary function : {Unary::tanh, Unary::erf, Unary::sigmoid}) {
      loops.unary[static_cast<int>(function)](static_cast<std::int64_t>(x.size()), x.data(), 1, y.data(), 1);
      const T lowest = function == Unary::sigmoid ? 0 : -1;
      CHECK(std::none_of(y.begin(), y.end(), [=](T v) { return v < lowest || v > 1; }));
    }
  });
}

}  // namespace
}  // namespace heed::tests
