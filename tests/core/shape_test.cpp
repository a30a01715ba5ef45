#include "core/shape.h"

#include <vector>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("shape: rank, extents from either end, count") {
  const Shape shape{4, 0, 7};
  CHECK(shape.rank() == 3);
  CHECK(shape[0] == 4);
  CHECK(shape[-1] == 7);
  CHECK(shape[-3] == 4);
  CHECK(shape.count() == 0);
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.count() == 1);
  CHECK(Shape{2, 1, 2, 1, 2, 1, 2, 3}.count() == 48);
}

TEST_CASE("shape: an axis outside [-rank, rank) is an IndexError that shows the shape") {
  const Shape shape{4, 2};
  CHECK(thrown<IndexError>([&] { (void)shape[2]; }) ==
        "IndexError: axis 2 is outside a tensor of shape [4, 2]\n  requires -2 <= axis < 2");
  CHECK(first_line(thrown<IndexError>([&] { shape.resolve(-3); })) ==
        "IndexError: axis -3 is outside a tensor of shape [4, 2]");
  CHECK(thrown<IndexError>([&] { Shape{}.resolve(0); }) ==
        "IndexError: axis 0 is outside a tensor of shape []\n  requires 0 <= axis < 0");
}

TEST_CASE("shape: negative extents, more than eight axes and uncountable elements are ShapeErrors") {
  CHECK(thrown<ShapeError>([] { Shape{3, -2}; }) == "ShapeError: shape: extent -2 is negative");
  CHECK(thrown<ShapeError>([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }) ==
        "ShapeError: shape: 9 axes are more than the 8 a tensor may have");
  const std::int64_t huge = std::int64_t{1} << 40;
  CHECK(thrown<ShapeError>([&] {
          Shape{huge, huge};
        }) == "ShapeError: shape: [1099511627776, 1099511627776] has more elements than memory can hold");
  // An extent of 0 makes the count 0 but not the products on the way to it.
  CHECK_THROWS_AS((Shape{huge, huge, 0}), ShapeError);
  CHECK_THROWS_AS((Shape{0, INT64_MAX}), ShapeError);
  // 8 bytes for each of 2^61 elements would be 2^64, no bytes at all.
  CHECK_THROWS_AS(Tensor::empty({std::int64_t{1} << 61}, DType::f64), ShapeError);
  CHECK_THROWS_AS((Shape{huge, 1}.with(1, huge)), ShapeError);
  CHECK_THROWS_AS((Shape{2, 3}.with(1, -1)), ShapeError);
  CHECK((Shape{std::int64_t{1} << 59}.count() == std::int64_t{1} << 59));
}

TEST_CASE("shape: with, inserted and without change one axis and keep the original") {
  const Shape shape{2, 3, 4};
  CHECK(shape.with(-1, 9) == Shape{2, 3, 9});
  CHECK(shape.inserted(0, 9) == Shape{9, 2, 3, 4});
  CHECK(shape.inserted(3, 9) == Shape{2, 3, 4, 9});
  CHECK(shape.inserted(-1, 9) == Shape{2, 3, 4, 9});
  CHECK(shape.inserted(-4, 9) == Shape{9, 2, 3, 4});
  CHECK(shape.without(1) == Shape{2, 4});
  CHECK(shape.without(-1) == Shape{2, 3});
  CHECK(shape == Shape{2, 3, 4});
  CHECK(Shape{}.inserted(0, 5) == Shape{5});
  CHECK(thrown<IndexError>([&] { (void)shape.inserted(4, 1); }) ==
        "IndexError: no axis can be inserted at 4 of a tensor of shape [2, 3, 4]\n  requires -4 <= axis <= 3");
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1}.inserted(0, 1)), ShapeError);
  CHECK_THROWS_AS(shape.without(3), IndexError);
}

TEST_CASE("shape: equality compares ranks and extents, not what an axis once held") {
  CHECK(Shape{2, 3, 4}.without(2) == Shape{2, 3});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(Shape{0, 2} != Shape{2, 0});
}

TEST_CASE("broadcasting: NumPy's rule, aligned at the last axis") {
  CHECK(common_shape({3, 1, 5}, {4, 1}) == Shape{3, 4, 5});
  CHECK(common_shape({}, {2, 0}) == Shape{2, 0});
  CHECK(common_shape({1}, {0}) == Shape{0});
  CHECK(common_shape({7}, {1, 1, 1}) == Shape{1, 1, 7});
  CHECK_FALSE(common_shape({2}, {3}).has_value());
  CHECK_FALSE(common_shape({0}, {3}).has_value());
  CHECK(broadcasts_to({1, 3}, {5, 2, 3}));
  CHECK(broadcasts_to({}, {}));
  CHECK_FALSE(broadcasts_to({2, 3}, {3}));
  CHECK_FALSE(broadcasts_to({3}, {1}));
}

TEST_CASE("shape: as text") {
  CHECK(to_string(Shape{32, 9, 256}) == "[32, 9, 256]");
  CHECK(to_string(Shape{}) == "[]");
  CHECK(text("of ", Shape{0}) == "of [0]");
}

TEST_CASE("axes: all, one or several, from either end, each counted once") {
  const Shape shape{2, 3, 4};
  CHECK(Axes().bits(shape) == 7);
  CHECK(Axes(-1).bits(shape) == 4);
  CHECK(Axes({0, -2, 1}).bits(shape) == 3);
  CHECK(Axes(std::vector<int>{}).bits(shape) == 0);
  CHECK(Axes().bits(Shape{}) == 0);
  CHECK(Axes({0, 2}).reduced(shape, false) == Shape{3});
  CHECK(Axes({0, 2}).reduced(shape, true) == Shape{1, 3, 1});
  CHECK(Axes().reduced(shape, false) == Shape{});
  CHECK(Axes({0, 2}).count(shape) == 8);
  CHECK(Axes(std::vector<int>{}).count(shape) == 1);
  CHECK(thrown<IndexError>([&] {
          Axes({0, 3}).bits(shape);
        }) == "IndexError: axis 3 is outside a tensor of shape [2, 3, 4]\n  requires -3 <= axis < 3");
  CHECK_THROWS_AS(Axes({0, 0, 0, 0, 0, 0, 0, 0, 0}), ShapeError);
}

TEST_CASE("flattened and unflattened: neighbouring axes as one, and one as several") {
  const Shape shape{2, 3, 4, 5};
  CHECK(flattened(shape, 1, 2) == Shape{2, 12, 5});
  CHECK(flattened(shape, 0, -1) == Shape{120});
  CHECK(flattened(shape, -1, 3) == shape);
  CHECK(flattened({}, 0, -1) == Shape{1});
  CHECK(flattened({2, 0, 3}, 0, 1) == Shape{0, 3});
  CHECK(thrown<ShapeError>([&] { flattened(shape, 2, 1); }) ==
        "ShapeError: flatten: axes 2 to 1 of [2, 3, 4, 5]\n  requires the first not after the last");
  const std::vector<std::int64_t> parts{2, -1, 1}, both{-1, -1}, five{5, 1}, with_zero{0, -1}, none{};
  CHECK(unflattened(shape, 2, parts) == Shape{2, 3, 2, 2, 1, 5});
  CHECK(unflattened(shape, -1, five) == Shape{2, 3, 4, 5, 1});
  CHECK(unflattened({2, 1}, 1, none) == Shape{2});
  CHECK(unflattened({0}, 0, parts) == Shape{2, 0, 1});
  CHECK(thrown<ShapeError>([&] { unflattened(shape, 1, five); }) ==
        "ShapeError: unflatten: axis 1 of [2, 3, 4, 5] is not the product of [5, 1]\n"
        "  requires extents whose product is 3");
  CHECK_THROWS_AS(unflattened(shape, 1, parts), ShapeError);
  CHECK_THROWS_AS(unflattened(shape, 1, both), ShapeError);
  CHECK_THROWS_AS(unflattened({0}, 0, with_zero), ShapeError);
}

}  // namespace
}  // namespace heed::tests
