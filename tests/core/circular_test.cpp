#include "core/circular.h"

#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

// x of position i around the ring of one row of [rows, n].
double around(const Tensor& x, std::int64_t row, std::int64_t i) {
  const std::int64_t n = x.extent(1);
  return x.at({row, (i % n + n) % n});
}

// The definition, element by element: `sign` -1 for the convolution, 1 for the correlation.
Tensor plainly(const Tensor& x, const Tensor& s, std::int64_t sign) {
  Tensor y = Tensor::zeros(x.shape(), DType::f64);
  const std::int64_t k = s.extent(1) / 2;
  for (std::int64_t row = 0; row < x.extent(0); ++row)
    for (std::int64_t i = 0; i < x.extent(1); ++i) {
      double sum = 0;
      for (std::int64_t j = -k; j <= k; ++j) sum += around(x, row, i + sign * j) * s.at({row, j + k});
      y.set({row, i}, sum);
    }
  return y;
}

}  // namespace

TEST_CASE("circular: convolution and correlation are the sums that they are said to be") {
  for (const auto& [n, taps] : {std::pair(1, 1), std::pair(1, 5), std::pair(2, 7), std::pair(5, 3),
                                std::pair(128, 3), std::pair(33, 9), std::pair(4, 9)}) {
    INFO(n << " positions, " << taps << " shifts");
    const Tensor x = normal({3, n}, 1), s = normal({3, taps}, 2);
    CHECK(largest_difference(circular_convolution(x, s), plainly(x, s, -1)) < 1e-13);
    CHECK(largest_difference(circular_correlation(x, s), plainly(x, s, 1)) < 1e-13);
    CHECK(largest_difference(circular_convolution(strided(x), strided(s)), plainly(x, s, -1)) < 1e-13);
  }
}

TEST_CASE("circular: a shift by one moves each element by one, the last one to the front, exactly") {
  const Tensor x = Tensor::of({1, 2, 3, 4}, {4});
  CHECK(circular_convolution(x, Tensor::of({0, 0, 1}, {3})).to_vector() == Values{4, 1, 2, 3});
  CHECK(circular_convolution(x, Tensor::of({1, 0, 0}, {3})).to_vector() == Values{2, 3, 4, 1});
  CHECK(circular_convolution(x, Tensor::of({0, 1, 0}, {3})).to_vector() == Values{1, 2, 3, 4});
  CHECK(circular_correlation(x, Tensor::of({0, 0, 1}, {3})).to_vector() == Values{2, 3, 4, 1});
}

TEST_CASE("circular: taps are the products of a with b moved") {
  const Tensor a = normal({2, 6}, 3), b = normal({2, 6}, 4);
  const Tensor s = circular_taps(a, b, 2);
  REQUIRE(s.shape() == Shape{2, 5});
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t j = -2; j <= 2; ++j) {
      double sum = 0;
      for (std::int64_t i = 0; i < 6; ++i) sum += a.at({row, i}) * around(b, row, i - j);
      CHECK(std::abs(s.at({row, j + 2}) - sum) < 1e-13);
    }
}

TEST_CASE("circular: a distribution over shifts keeps the sum, whatever the rows") {
  const Tensor x = normal({3, 9}, 5);
  const Tensor s = Tensor::of({0.2, 0.5, 0.3}, {3}, DType::f64).expand({3, 3});
  CHECK(largest_difference(sum(circular_convolution(x, s), -1), sum(x, -1)) < 1e-13);
}

TEST_CASE("circular: rows without elements, and no rows") {
  CHECK(circular_convolution(Tensor::zeros({2, 0}), Tensor::ones({2, 3})).shape() == Shape{2, 0});
  CHECK(circular_convolution(Tensor::zeros({0, 4}), Tensor::ones({0, 3})).shape() == Shape{0, 4});
  CHECK(circular_taps(Tensor::zeros({2, 0}), Tensor::zeros({2, 0}), 1).to_vector() == Values(6, 0.0));
}

TEST_CASE("circular: many rows have the same bits at any number of threads") {
  const Tensor x = normal({700, 200}, 6, DType::f32), s = normal({700, 5}, 7, DType::f32);
  CHECK(all_same(on_any_threads([&] { return circular_convolution(x, s); })));
  CHECK(all_same(on_any_threads([&] { return circular_taps(x, circular_correlation(x, s), 2); })));
}

TEST_CASE("circular: operands that do not fit are errors that say why") {
  CHECK_THAT(thrown<ShapeError>([] {
               circular_convolution(Tensor::zeros({2, 4}), Tensor::zeros({3, 3}));
             }),
             ContainsSubstring("circular_convolution: x is [2, 4], s is [3, 3]\n  requires x [..., N] and "
                               "s [..., 2k + 1] with the same leading axes"));
  CHECK_THROWS_AS(circular_correlation(Tensor::zeros({4}), Tensor::zeros({2})), ShapeError);
  CHECK_THROWS_AS(circular_convolution(Tensor::zeros({}), Tensor::zeros({})), ShapeError);
  CHECK_THROWS_AS(circular_convolution(Tensor::zeros({4}), Tensor::zeros({3}, DType::f64)), DTypeError);
  CHECK_THROWS_AS(circular_convolution(Tensor::zeros({4}, DType::i32), Tensor::zeros({3}, DType::i32)),
                  DTypeError);
  CHECK_THROWS_AS(circular_taps(Tensor::zeros({4}), Tensor::zeros({5}), 1), ShapeError);
  CHECK(thrown<ConfigError>([] { circular_taps(Tensor::zeros({4}), Tensor::zeros({4}), -1); }) ==
        "ConfigError: circular_taps: k is -1\n  requires k >= 0");
}

}  // namespace heed::tests
