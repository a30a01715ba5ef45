// Padding, rolling, repeating, splitting and triangles, against the position arithmetic written out.
#include "core/arrange.h"

#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

bool shares(const Tensor& a, const Tensor& b) { return &a.storage() == &b.storage(); }

TEST_CASE("pad: puts a value around, and slicing it off gives x again") {
  const Tensor x = counted({2, 2});
  CHECK(pad(x, {{1, 0}, {0, 2}}, -1).to_vector() == Values{-1, -1, -1, -1, 0, 1, -1, -1, 2, 3, -1, -1});
  const Tensor y = strided(normal({3, 4, 2}, 1)), padded = pad(y, {{2, 1}, {0, 0}, {3, 4}});
  CHECK(padded.shape() == Shape{6, 4, 9});
  CHECK(padded[{slice(2, 5), all(), slice(3, 5)}].to_vector() == y.to_vector());
  CHECK(pad(Tensor::empty({0, 2}), {{1, 1}, {0, 0}}, 3).to_vector() == Values{3, 3, 3, 3});
  CHECK(pad(Tensor::scalar(5), {}).item() == 5);
  for (const DType dtype : {DType::f32, DType::i32, DType::boolean})
    CHECK(pad(Tensor::ones({1}, dtype), {{1, 1}}).dtype() == dtype);
}

TEST_CASE("pad: one padding for each axis, none of them negative") {
  const Tensor x = counted({2, 3});
  CHECK(thrown<ShapeError>([&] {
          pad(x, {{1, 1}});
        }) == "ShapeError: pad: 1 paddings for [2, 3]\n  requires one for each of 2 axes");
  CHECK(thrown<ShapeError>([&] {
          pad(x, {{0, 0}, {2, -1}});
        }) == "ShapeError: pad: 2 before and -1 after axis 1 of [2, 3]\n  requires numbers >= 0");
  CHECK_THROWS_AS(pad(x, {{INT64_MAX, INT64_MAX}, {0, 0}}), ShapeError);
}

TEST_CASE("roll: moves elements on around an axis, and back again") {
  const Tensor x = counted({2, 3});
  CHECK(roll(x, 1, 1).to_vector() == Values{2, 0, 1, 5, 3, 4});
  CHECK(roll(x, 1, -1).to_vector() == Values{1, 2, 0, 4, 5, 3});
  CHECK(roll(x, 0, 7).to_vector() == Values{3, 4, 5, 0, 1, 2});
  CHECK(roll(x, -1, -3).to_vector() == x.to_vector());
  const Tensor y = normal({4, 5}, 2);
  for (const std::int64_t by : {-11, -5, 0, 2, 13}) CHECK(identical(roll(roll(y, 1, by), 1, -by), y));
  CHECK(roll(Tensor::empty({0}), 0, 3).shape() == Shape{0});
  CHECK_THROWS_AS(roll(x, 2, 1), IndexError);
}

TEST_CASE("tile: repeats whole axes, with more times than axes or fewer") {
  const Tensor x = counted({2, 2});
  CHECK(tile(x, {1, 2}).to_vector() == Values{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(tile(x, {2, 1}).to_vector() == Values{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(tile(x, {2}).to_vector() == tile(x, {1, 2}).to_vector());
  CHECK(tile(x, {2, 1, 1}).shape() == Shape{2, 2, 2});
  CHECK(tile(x, {0, 3}).shape() == Shape{0, 6});
  CHECK(tile(x, {}).to_vector() == x.to_vector());
  const Tensor y = strided(normal({2, 3, 2}, 3)), z = tile(y, {2, 3, 2});
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t j = 0; j < 9; ++j)
      for (std::int64_t k = 0; k < 4; ++k) REQUIRE(z.at({i, j, k}) == y.at({i % 2, j % 3, k % 2}));
  CHECK(thrown<ShapeError>([&] {
          tile(x, {-1, 2});
        }) == "ShapeError: repeat: -1 times axis 0 of [2, 2]\n  requires times >= 0");
  CHECK_THROWS_AS(tile(x, {INT64_MAX, 1}), ShapeError);
}

TEST_CASE("repeat_interleave: each position several times before the next") {
  const Tensor x = counted({2, 2});
  CHECK(repeat_interleave(x, 1, 2).to_vector() == Values{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(repeat_interleave(x, 0, 2).to_vector() == Values{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(repeat_interleave(x, -1, 0).shape() == Shape{2, 0});
  const Tensor y = strided(normal({3, 2}, 3));
  CHECK(identical(repeat_interleave(y, 0, 3),
                  index_select(y, 0, Tensor::of(std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 2, 2, 2}, {9}))));
  CHECK_THROWS_AS(repeat_interleave(x, 2, 1), IndexError);
}

TEST_CASE("split and chunk: parts in order, views, and concat joins them again") {
  const Tensor x = counted({2, 7});
  const std::vector<Tensor> parts = split(x, 1, {3, 0, 4});
  CHECK(parts[0].to_vector() == Values{0, 1, 2, 7, 8, 9});
  CHECK(parts[1].shape() == Shape{2, 0});
  CHECK(concat(parts, 1).to_vector() == x.to_vector());
  CHECK(shares(parts[2], x));
  CHECK(split(x, -2, 2)[1].to_vector() == x[slice(1, 2)].to_vector());
  const auto sizes = [&](std::int64_t n) {
    std::vector<std::int64_t> of_parts;
    for (const Tensor& part : chunk(x, 1, n)) of_parts.push_back(part.extent(1));
    return of_parts;
  };
  CHECK(sizes(3) == std::vector<std::int64_t>{3, 3, 1});
  CHECK(sizes(4) == std::vector<std::int64_t>{2, 2, 2, 1});
  CHECK(sizes(5) == std::vector<std::int64_t>{2, 2, 2, 1});
  CHECK(sizes(9) == std::vector<std::int64_t>(7, 1));
  CHECK(chunk(Tensor::empty({0}), 0, 2).size() == 2);
}

TEST_CASE("split and chunk: sizes that are not the axis's are errors") {
  const Tensor x = counted({2, 7});
  CHECK(thrown<ShapeError>([&] {
          split(x, 1, {3, 3});
        }) == "ShapeError: split: sizes {3, 3} of axis 1 of [2, 7]\n  requires sizes >= 0 that add up to 7");
  CHECK_THROWS_AS(split(x, 1, {8, -1}), ShapeError);
  CHECK_THROWS_AS(split(x, 1, {INT64_MAX, INT64_MAX}), ShapeError);
  CHECK(thrown<ShapeError>([&] { split(x, 1, 3); }) ==
        "ShapeError: split: axis 1 of [2, 7] has no 3 equal parts\n"
        "  requires 7 to be divisible by the number of parts");
  CHECK_THROWS_AS(split(x, 1, 0), ShapeError);
  CHECK_THROWS_AS(chunk(x, 1, 0), ShapeError);
}

TEST_CASE("tril and triu: halves around any diagonal, of every matrix; the rest is 0 whatever was there") {
  const Tensor x = strided(counted({2, 3, 4}) + 1.0);
  for (std::int64_t offset = -4; offset <= 5; ++offset) {
    const Tensor low = tril(x, offset), high = triu(x, offset);
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 4; ++j) {
          REQUIRE(low.at({b, i, j}) == (j <= i + offset ? x.at({b, i, j}) : 0));
          REQUIRE(high.at({b, i, j}) == (j >= i + offset ? x.at({b, i, j}) : 0));
        }
  }
  CHECK(tril(Tensor::full({2, 2}, NAN)).at({0, 1}) == 0);
  CHECK(triu(Tensor::ones({2, 2}, DType::i32)).to_vector() == Values{1, 1, 0, 1});
  CHECK(tril(Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(thrown<ShapeError>([&] { triu(counted({3})); }) ==
        "ShapeError: triu: x is [3]\n  requires matrices [..., m, n]");
}

TEST_CASE("diag_embed: the diagonal of it is x again, and nothing else is not 0") {
  const Tensor x = strided(counted({2, 3}) + 1.0);
  for (const std::int64_t offset : {-2, 0, 1}) {
    const Tensor y = diag_embed(x, offset);
    CHECK(y.shape() == Shape{2, 3 + std::abs(offset), 3 + std::abs(offset)});
    CHECK(y.diagonal(offset).to_vector() == x.to_vector());
    CHECK(identical(tril(triu(y, offset), offset), y));
  }
  CHECK(diag_embed(Tensor::empty({0})).shape() == Shape{0, 0});
  CHECK_THROWS_AS(diag_embed(Tensor::scalar(1)), IndexError);
  CHECK_THROWS_AS(diag_embed(x, INT64_MIN), ShapeError);
  CHECK_THROWS_AS(diag_embed(x, INT64_MAX), ShapeError);
  CHECK_THROWS_AS(undiagonal(x, {2, 4, 4}, 0, 1, 2), ShapeError);
}

}  // namespace
}  // namespace heed::tests
