#include "core/reduce.h"

#include <algorithm>
#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

// The sum of x over the axes set in `reduced`, which keep extent 1, element by element.
Values plain_sum(const Tensor& x, unsigned reduced) {
  Shape kept = x.shape();
  for (int axis = 0; axis < x.rank(); ++axis)
    if (reduced >> axis & 1) kept = kept.with(axis, 1);
  Values result(static_cast<std::size_t>(kept.count()), 0.0);
  const Values values = x.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), to = 0, step = 1;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      const std::int64_t position = rest % x.extent(axis);
      rest /= x.extent(axis);
      if (reduced >> axis & 1) continue;
      to += position * step;
      step *= x.extent(axis);
    }
    result[static_cast<std::size_t>(to)] += values[i];
  }
  return result;
}

std::vector<int> axes_of(unsigned reduced) {
  std::vector<int> axes;
  for (int axis = 0; axis < kMaxRank; ++axis)
    if (reduced >> axis & 1) axes.push_back(axis);
  return axes;
}

TEST_CASE("sum: over every set of axes, of every extent, kept or not, agrees with a plain loop") {
  for (const Shape& shape : {Shape{3, 4, 5}, Shape{2, 1, 3, 2}, Shape{1, 70, 3}, Shape{2, 0, 3}, Shape{3, 0},
                             Shape{0, 3}, Shape{0}, Shape{}, Shape{2, 1, 2, 1, 2, 1, 2, 2}})
    for (unsigned reduced = 0; reduced < 1u << shape.rank(); ++reduced) {
      INFO(to_string(shape) << ", axes " << reduced);
      const Tensor x = normal(shape, 11);
      const std::vector<int> axes = axes_of(reduced);
      const Tensor kept = sum(x, axes, true), dropped = sum(x, axes);
      REQUIRE(difference(kept, plain_sum(x, reduced)) <= 1e-13);
      REQUIRE(kept.to_vector() == dropped.to_vector());
      REQUIRE(kept.rank() == shape.rank());
      REQUIRE(dropped.rank() == shape.rank() - static_cast<int>(axes.size()));
      if (shape.rank() < kMaxRank) REQUIRE(sum(strided(x), axes).to_vector() == dropped.to_vector());
    }
}

TEST_CASE("sum: of everything, of one axis from the end, of an axis named twice") {
  const Tensor x = counted({3, 4});
  CHECK(sum(x).item() == 66);
  CHECK(sum(x).rank() == 0);
  CHECK(sum(x.transpose()).item() == 66);
  CHECK(sum(Tensor::empty({0, 4})).item() == 0);
  CHECK(sum(x, -1).to_vector() == Values{6, 22, 38});
  CHECK(sum(x, 0, true).shape() == Shape{1, 4});
  const std::vector<int> twice{0, -2};
  CHECK(sum(x, twice).to_vector() == Values{12, 15, 18, 21});
  CHECK(first_line(thrown<IndexError>([&] { sum(x, 2); })) ==
        "IndexError: axis 2 is outside a tensor of shape [3, 4]");
  CHECK_THROWS_AS(sum(x.to(DType::i32)), DTypeError);
}

TEST_CASE("sum: long rows in f32 keep their digits") {
  const Tensor x = Tensor::full({1 << 20}, 0.1);
  CHECK(std::abs(sum(x).item() / (double{1 << 20} * double{0.1f}) - 1) < 1e-6);
}

TEST_CASE("sum: the same bits at any number of threads, for sizes that are cut") {
  const Tensor x = normal({300007}, 3, DType::f32), wide = normal({500, 331}, 4, DType::f32);
  CHECK(all_same(on_any_threads([&] { return sum(x); })));
  CHECK(all_same(on_any_threads([&] { return sum(wide, 0); })));
  CHECK(all_same(on_any_threads([&] { return sum(wide, 1); })));
  CHECK(difference(sum(wide, 0), plain_sum(wide, 1)) < 1e-3);
  CHECK(difference(sum(wide, 1), plain_sum(wide, 2)) < 1e-3);
  CHECK(difference(sum(x), plain_sum(x, 1)) < 1e-2);
}

TEST_CASE("sum_to: is the inverse of expand") {
  const Tensor x = normal({2, 3, 4}, 9);
  CHECK(sum_to(x, {2, 3, 4}).to_vector() == x.to_vector());
  CHECK(difference(sum_to(x, {}), plain_sum(x, 7)) <= 1e-13);
  CHECK(difference(sum_to(x, {3, 1}), plain_sum(x, 5)) <= 1e-13);
  CHECK(sum_to(x, {3, 1}).shape() == Shape{3, 1});
  CHECK(difference(sum_to(x, {1, 3, 4}), plain_sum(x, 1)) <= 1e-13);
  CHECK(difference(sum_to(x.transpose(), {3}), plain_sum(x.transpose(), 3)) <= 1e-13);
  CHECK(sum_to(Tensor::empty({0, 4}, DType::f64), {1, 4}).to_vector() == Values{0, 0, 0, 0});
  CHECK(sum_to(Tensor::ones({5, 0}), {0}).shape() == Shape{0});
  CHECK(thrown<ShapeError>([&] {
          sum_to(x, {2, 4});
        }) == "ShapeError: sum_to: [2, 4] does not broadcast to [2, 3, 4]");
}

TEST_CASE("max, min and argmax: along every axis, the first of equals, NaN wins") {
  const Tensor x = Tensor::matrix({{3, -1, 3, 0}, {-5, 2, 2, -5}}, DType::f64);
  CHECK(max(x, 1).to_vector() == Values{3, 2});
  CHECK(min(x, -1).to_vector() == Values{-1, -5});
  CHECK(max(x, 0).to_vector() == Values{3, 2, 3, 0});
  CHECK(max(x, 0, true).shape() == Shape{1, 4});
  CHECK(argmax(x, 1).to_vector() == Values{0, 1});
  CHECK(argmax(x, 0).to_vector() == Values{0, 1, 0, 0});
  CHECK(argmax(x.transpose(), 0).to_vector() == Values{0, 1});
  CHECK(argmax(x, 1).dtype() == DType::i32);
  CHECK(argmax(x.to(DType::i32), 1).to_vector() == Values{0, 1});
  const Tensor holes = Tensor::matrix({{1, NAN, 2, NAN}, {NAN, 1, 9, 0}}, DType::f64);
  CHECK(std::isnan(max(holes, 1).at({0})));
  CHECK(std::isnan(min(holes, 1).at({1})));
  CHECK(argmax(holes, 1).to_vector() == Values{1, 0});
  const Tensor low = Tensor::full({3}, -INFINITY, DType::f64);
  CHECK(argmax(low, 0).item() == 0);
  CHECK(max(low, 0).item() == -INFINITY);
}

TEST_CASE("argmin: the first of the smallest, NaN wins") {
  const Tensor x = Tensor::matrix({{3, -1, 3, -1}, {-5, 2, 2, -5}}, DType::f64);
  CHECK(argmin(x, 1).to_vector() == Values{1, 0});
  CHECK(argmin(x, 0).to_vector() == Values{1, 0, 1, 1});
  CHECK(argmin(x.to(DType::i32), -1).to_vector() == Values{1, 0});
  CHECK(argmin(Tensor::of({1, NAN, 0}, {3}), 0).item() == 1);
  CHECK_THROWS_AS(argmin(Tensor::empty({0}), 0), ShapeError);
}

TEST_CASE("max, min and product: over every set of axes, kept or not, agree with axis after axis") {
  for (const Shape& shape : {Shape{3, 4, 5}, Shape{2, 1, 3, 2}, Shape{1, 70, 3}, Shape{}})
    for (unsigned reduced = 0; reduced < 1u << shape.rank(); ++reduced) {
      INFO(to_string(shape) << ", axes " << reduced);
      const Tensor x = strided(normal(shape, 12));
      const std::vector<int> axes = axes_of(reduced);
      Tensor largest = x, smallest = x, multiplied = x;
      for (const int axis : axes) {
        largest = max(largest, axis, true);
        smallest = min(smallest, axis, true);
        multiplied = product(multiplied, axis, true);
      }
      REQUIRE(max(x, axes, true).to_vector() == largest.to_vector());
      REQUIRE(min(x, axes).to_vector() == smallest.to_vector());
      REQUIRE(difference(product(x, axes), multiplied) < 1e-14);
      REQUIRE(max(x, axes).shape() == Axes(axes).reduced(shape, false));
      REQUIRE(product(x, axes, true).shape() == Axes(axes).reduced(shape, true));
    }
  CHECK(max(counted({3, 4})).item() == 11);
  CHECK(min(counted({3, 4})).item() == 0);
  CHECK(thrown<ShapeError>([] {
          max(Tensor::empty({2, 0, 3}), {0, 1});
        }) == "ShapeError: max: axis 1 of [2, 0, 3] is empty");
}

TEST_CASE("product: along rows and columns, of nothing 1, with zeros 0") {
  const Tensor x = Tensor::matrix({{1, 2, 3}, {4, 0, -6}}, DType::f64);
  CHECK(product(x, 1).to_vector() == Values{6, 0});
  CHECK(product(x, 0).to_vector() == Values{4, 0, -18});
  CHECK(product(x).item() == 0);
  CHECK(product(Tensor::empty({2, 0}), 1).to_vector() == Values{1, 1});
  CHECK(product(Tensor::empty({0})).item() == 1);
  CHECK_THROWS_AS(product(x.to(DType::i32)), DTypeError);
}

TEST_CASE("mean and variance: by their definitions, along any axes") {
  const Tensor x = strided(normal({3, 4, 5}, 5));
  const std::vector<int> axes{0, 2};
  const Tensor centre = mean(x, axes, true);
  CHECK(difference(centre, sum(x, axes, true) / 15.0) < 1e-15);
  for (const std::int64_t correction : {0, 1, 3}) {
    const Tensor distances = (x - centre) * (x - centre);
    CHECK(difference(variance(x, axes, {.correction = correction}),
                     sum(distances, axes) / static_cast<double>(15 - correction)) < 1e-14);
  }
  CHECK(variance(x, axes, {.keep_axes = true}).shape() == Shape{1, 4, 1});
  CHECK(variance(Tensor::of({1, 2, 3, 4}, {4}, DType::f64)).item() == Approx(5.0 / 3));
  CHECK(mean(Tensor::empty({2, 0}), 1).to_vector() == Values{0, 0});
  // Far from 0 the squares lose nothing: distances are taken before they are squared.
  CHECK(variance(Tensor::of({1e8 + 1, 1e8 + 3}, {2}, DType::f64)).item() == 2);
}

TEST_CASE("variance: no elements left after the correction is an error") {
  CHECK(thrown<ShapeError>([] {
          variance(Tensor::ones({3, 1}), 1);
        }) ==
        "ShapeError: variance: of 1 elements along the axes of [3, 1] none are left after a correction of 1\n"
        "  requires 0 <= correction < number of elements");
  CHECK(variance(Tensor::ones({3, 1}), 1, {.correction = 0}).to_vector() == Values{0, 0, 0});
  CHECK_THROWS_AS(variance(Tensor::empty({0}), 0, {.correction = 0}), ShapeError);
  CHECK_THROWS_AS(variance(Tensor::ones({3}), 0, {.correction = -1}), ShapeError);
}

TEST_CASE("norm: 1, 2, 3 and infinity along axes; f32 does not overflow on the way") {
  const Tensor x = Tensor::matrix({{3, -4, 0}, {0, 0, 0}}, DType::f64);
  CHECK(norm(x, 2, 1).to_vector() == Values{5, 0});
  CHECK(norm(x, 1, 1).to_vector() == Values{7, 0});
  CHECK(norm(x, INFINITY, 1).to_vector() == Values{4, 0});
  CHECK(norm(x, 3, -1, true).shape() == Shape{2, 1});
  CHECK(norm(x, 3, 1).at({0}) == Approx(std::cbrt(27.0 + 64)));
  CHECK(norm(x, 2).item() == 5);
  CHECK(norm(x, 2, {0, 1}).item() == norm(x));
  CHECK(norm(Tensor::empty({2, 0}), INFINITY, 1).to_vector() == Values{0, 0});
  CHECK(std::abs(norm(Tensor::full({4}, 1e30), 2).item() / 2e30 - 1) < 1e-6);
  CHECK(norm(Tensor::full({4}, 1e30), 3).dtype() == DType::f32);
  CHECK(thrown<ConfigError>([&] { norm(x, 0.5); }) == "ConfigError: norm: p is 0.5\n  requires p >= 1");
  CHECK_THROWS_AS(norm(x, NAN), ConfigError);
  CHECK_THROWS_AS(norm(x.to(DType::i32), 2), DTypeError);
}

TEST_CASE("max, min and argmax: long strided rows agree with a plain loop") {
  const Tensor x = normal({5, 67, 3}, 8, DType::f32), largest = max(x, 1), smallest = min(x, 1),
               at = argmax(x, 1);
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t k = 0; k < 3; ++k) {
      Values row;
      for (std::int64_t j = 0; j < 67; ++j) row.push_back(x.at({i, j, k}));
      CHECK(largest.at({i, k}) == *std::max_element(row.begin(), row.end()));
      CHECK(smallest.at({i, k}) == *std::min_element(row.begin(), row.end()));
      CHECK(at.at({i, k}) == static_cast<double>(std::max_element(row.begin(), row.end()) - row.begin()));
    }
}

TEST_CASE("max, min and argmax: an empty axis is a ShapeError, an empty result is not") {
  const Tensor x = Tensor::empty({3, 0});
  CHECK(thrown<ShapeError>([&] { max(x, 1); }) == "ShapeError: max: axis 1 of [3, 0] is empty");
  CHECK(thrown<ShapeError>([&] { min(x, -1); }) == "ShapeError: min: axis 1 of [3, 0] is empty");
  CHECK(thrown<ShapeError>([&] { argmax(x, 1); }) == "ShapeError: argmax: axis 1 of [3, 0] is empty");
  CHECK(max(x, 0).shape() == Shape{0});
  CHECK(argmax(x, 0).shape() == Shape{0});
  CHECK_THROWS_AS(max(x, 2), IndexError);
}

TEST_CASE("norm: in f64, without overflow of f32") {
  CHECK(norm(Tensor::of({3, 4}, {2})) == 5);
  CHECK(norm(strided(Tensor::of({3, 4}, {2}))) == 5);
  CHECK(norm(Tensor::empty({0})) == 0);
  CHECK(std::abs(norm(Tensor::full({4}, 1e30)) / 2e30 - 1) < 1e-6);
}

TEST_CASE("sum: columns of many rows keep their accuracy") {
  const Tensor x = Tensor::full({100'000, 2}, 0.1);
  const double want = 1e5 * static_cast<double>(0.1f);
  for (const double total : sum(x, 0).to_vector()) CHECK(std::abs(total - want) <= 1e-5 * want);
}

TEST_CASE("max, min and argmax: the same bits at any number of threads, for sizes that are cut") {
  const Tensor x = normal({700, 3, 67}, 12, DType::f32);
  for (const int axis : {0, 1, 2}) {
    CHECK(all_same(on_any_threads([&] { return max(x, axis); })));
    CHECK(all_same(on_any_threads([&] { return min(x, axis); })));
    CHECK(all_same(on_any_threads([&] { return argmax(x, axis); })));
    CHECK(all_same(on_any_threads([&] { return sum(x, axis); })));
  }
}

}  // namespace
}  // namespace heed::tests
