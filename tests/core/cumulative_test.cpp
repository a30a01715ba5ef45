// Running sums and products and recurrences, against a plain loop.
#include "core/cumulative.h"

#include <algorithm>

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("cumulative_sum and cumulative_product: up to each element, with or without it, from either end") {
  const Tensor x = Tensor::of({1, 2, 3, 4}, {4}, DType::f64);
  CHECK(cumulative_sum(x, 0).to_vector() == Values{1, 3, 6, 10});
  CHECK(cumulative_sum(x, 0, {.exclusive = true}).to_vector() == Values{0, 1, 3, 6});
  CHECK(cumulative_sum(x, 0, {.reverse = true}).to_vector() == Values{10, 9, 7, 4});
  CHECK(cumulative_sum(x, 0, {.exclusive = true, .reverse = true}).to_vector() == Values{9, 7, 4, 0});
  CHECK(cumulative_product(x, 0).to_vector() == Values{1, 2, 6, 24});
  CHECK(cumulative_product(x, 0, {.exclusive = true}).to_vector() == Values{1, 1, 2, 6});
  CHECK(cumulative_product(x, 0, {.exclusive = true, .reverse = true}).to_vector() == Values{24, 12, 4, 1});
}

TEST_CASE("cumulative_sum: along every axis, whatever the strides, agrees with a plain loop") {
  const Tensor x = strided(normal({3, 4, 5}, 1));
  for (const int axis : {0, 1, 2}) {
    const Tensor y = cumulative_sum(x, axis);
    Tensor total = Tensor::zeros(x.shape().without(axis), DType::f64);
    for (std::int64_t i = 0; i < x.extent(axis); ++i) {
      add_scaled(total, 1, x.select(axis, i));
      REQUIRE(difference(y.select(axis, i), total) < 1e-14);
    }
    // Backwards is forwards on the axis turned round.
    CHECK(identical(cumulative_sum(x, axis, {.reverse = true}), cumulative_sum(x.flip(axis), axis).flip(axis)));
    CHECK(identical(cumulative_product(x, axis, {.exclusive = true, .reverse = true}),
                    cumulative_product(x.flip(axis), axis, {.exclusive = true}).flip(axis)));
  }
}

TEST_CASE("cumulative_sum: long rows in f32 keep their digits") {
  const std::int64_t n = 1 << 20;
  const double last = cumulative_sum(Tensor::full({n}, 0.1), 0).at({n - 1});
  CHECK(std::abs(last / (static_cast<double>(n) * double{0.1f}) - 1) < 1e-7);
}

TEST_CASE("cumulative_sum: empty axes, axes of one, types and axes that are not there") {
  CHECK(cumulative_sum(Tensor::empty({0, 3}), 0).shape() == Shape{0, 3});
  CHECK(cumulative_product(Tensor::empty({3, 0}), 0).shape() == Shape{3, 0});
  CHECK(cumulative_sum(counted({3, 1}), 1).to_vector() == Values{0, 1, 2});
  CHECK(first_line(thrown<DTypeError>([] { cumulative_sum(counted({3}, DType::i32), 0); })) ==
        "DTypeError: cumulative_sum: elements are i32");
  CHECK_THROWS_AS(cumulative_sum(counted({3}), 1), IndexError);
  CHECK_THROWS_AS(cumulative_sum(Tensor::scalar(1), 0), IndexError);
}

TEST_CASE("linear_recurrence: step after step, from either end; sums and products are cases of it") {
  const Tensor a = strided(normal({2, 5, 3}, 1)), b = strided(normal({2, 5, 3}, 2));
  const Tensor y = linear_recurrence(a, b, 1);
  Tensor state = Tensor::zeros({2, 3}, DType::f64);
  for (std::int64_t t = 0; t < 5; ++t) {
    state = a.select(1, t) * state + b.select(1, t);
    CHECK(difference(y.select(1, t), state) < 1e-14);
  }
  CHECK(identical(linear_recurrence(a, b, 1, true), linear_recurrence(a.flip(1), b.flip(1), 1).flip(1)));
  CHECK(difference(linear_recurrence(Tensor::ones(b.shape(), DType::f64), b, 0), cumulative_sum(b, 0)) < 1e-14);
  CHECK(linear_recurrence(Tensor::empty({0}), Tensor::empty({0}), 0).shape() == Shape{0});
  CHECK(first_line(thrown<ShapeError>([&] { linear_recurrence(a, b.select(0, 0), 0); })) ==
        "ShapeError: linear_recurrence: a is [2, 5, 3], b is [5, 3]");
  CHECK_THROWS_AS(linear_recurrence(a, b.to(DType::f32), 0), DTypeError);
}

TEST_CASE("cumulative_sum: the same bits at any number of threads") {
  const Tensor x = normal({40, 70, 50}, 3, DType::f32);
  for (const int axis : {0, 1, 2}) CHECK(all_same(on_any_threads([&] { return cumulative_sum(x, axis); })));
}

}  // namespace
}  // namespace heed::tests
