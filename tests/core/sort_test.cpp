// Sorting: stable, of any type and strides, NaN last; the k largest are the first k of the sorted.
#include "core/sort.h"

#include <algorithm>
#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("sort: a permutation in order, with the positions that it had, along every axis") {
  const Tensor x = strided(normal({4, 5, 6}, 1));
  for (const int axis : {0, 1, -1})
    for (const bool descending : {false, true}) {
      const auto [values, positions] = sort(x, axis, {.descending = descending});
      INFO(axis << " " << descending);
      CHECK(identical(values, gather(x, axis, positions)));
      CHECK(positions.dtype() == DType::i32);
      CHECK(identical(argsort(x, axis, {.descending = descending}), positions));
      const std::int64_t n = x.extent(axis);
      const Tensor left = values.slice(axis, 0, n - 1), right = values.slice(axis, 1, n);
      for (const double ordered : (descending ? less_equal(right, left) : less_equal(left, right)).to_vector())
        REQUIRE(ordered == 1);
      // Each position once: sorted, they are 0, 1, 2, …
      const Tensor once = sort(positions, axis).values;
      for (std::int64_t i = 0; i < n; ++i)
        REQUIRE(max(once.select(axis, i).to(DType::f64)).item() == static_cast<double>(i));
    }
}

TEST_CASE("sort: equal elements stay in their order, both ways") {
  const Tensor x = Tensor::of({2, 1, 2, 1, 2, 0}, {6}, DType::i32);
  CHECK(argsort(x).to_vector() == Values{5, 1, 3, 0, 2, 4});
  CHECK(argsort(x, 0, {.descending = true}).to_vector() == Values{0, 2, 4, 1, 3, 5});
  CHECK(sort(Tensor::of({1, 0, 1}, {3}, DType::boolean)).values.to_vector() == Values{0, 1, 1});
}

TEST_CASE("sort: NaN is larger than all numbers") {
  const Tensor x = Tensor::of({NAN, 1, INFINITY, NAN, -INFINITY}, {5});
  CHECK(argsort(x).to_vector() == Values{4, 1, 2, 0, 3});
  CHECK(argsort(x, 0, {.descending = true}).to_vector() == Values{0, 3, 2, 1, 4});
  CHECK(argtop_k(x, 3).to_vector() == Values{0, 3, 2});
  CHECK(argtop_k(x, 2, 0, {.smallest = true}).to_vector() == Values{4, 1});
}

TEST_CASE("top_k: the first k of the sorted, ties by position, for every k and axis") {
  Rng rng(5);
  const Tensor x = Tensor::uniform({3, 8, 2}, 0, 5, rng).to(DType::i32).to(DType::f32);  // many equal ones
  for (const int axis : {0, 1, 2})
    for (std::int64_t k = 0; k <= x.extent(axis); ++k)
      for (const bool smallest : {false, true}) {
        const auto [values, positions] = top_k(x, k, axis, {.smallest = smallest});
        const Sorted<Tensor> sorted = sort(x, axis, {.descending = !smallest});
        REQUIRE(identical(values, sorted.values.slice(axis, 0, k)));
        REQUIRE(identical(positions, sorted.positions.slice(axis, 0, k)));
      }
  CHECK(thrown<ShapeError>([&] { top_k(x, 4, 0); }) ==
        "ShapeError: top_k: 4 elements of axis 0 of [3, 8, 2]\n  requires 0 <= k <= 3\n  a tensor");
  CHECK_THROWS_AS(top_k(x, -1), ShapeError);
}

TEST_CASE("sort: empty axes and axes of one element") {
  CHECK(sort(Tensor::empty({2, 0})).values.shape() == Shape{2, 0});
  CHECK(sort(Tensor::empty({0, 3})).positions.shape() == Shape{0, 3});
  CHECK(sort(counted({3, 1})).values.to_vector() == Values{0, 1, 2});
  CHECK_THROWS_AS(sort(Tensor::scalar(1)), IndexError);
}

TEST_CASE("sort: the same at any number of threads") {
  const Tensor x = normal({300, 70}, 7, DType::f32);
  CHECK(all_same(on_any_threads([&] { return argsort(x); })));
  CHECK(all_same(on_any_threads([&] { return argtop_k(x, 5, 0); })));
}

}  // namespace
}  // namespace heed::tests
