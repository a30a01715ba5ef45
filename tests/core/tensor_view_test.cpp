// Views: every promise against the position arithmetic written out.
#include <algorithm>

#include "core/error.h"
#include "core/tensor.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

bool shares(const Tensor& a, const Tensor& b) { return &a.storage() == &b.storage(); }

TEST_CASE("transpose: swaps two axes and copies nothing") {
  const Tensor x = counted({2, 3, 4});
  const Tensor last = x.transpose(), outer = x.transpose(0, -1);
  CHECK(last.shape() == Shape{2, 4, 3});
  CHECK(outer.shape() == Shape{4, 3, 2});
  CHECK(shares(last, x));
  CHECK_FALSE(last.contiguous());
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t k = 0; k < 4; ++k) {
        CHECK(last.at({i, k, j}) == x.at({i, j, k}));
        CHECK(outer.at({k, j, i}) == x.at({i, j, k}));
      }
  CHECK(x.transpose(1, 1).to_vector() == x.to_vector());
  CHECK_THROWS_AS(Tensor::ones({3}).transpose(), IndexError);
}

TEST_CASE("permute: names each axis once, negative ones from the end") {
  const Tensor x = counted({2, 3, 4});
  const std::vector<int> order{2, -3, 1}, twice{0, 0, 1}, few{0, 1}, outside{0, 1, 3};
  const Tensor y = x.permute(order);
  CHECK(y.shape() == Shape{4, 2, 3});
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t k = 0; k < 4; ++k) CHECK(y.at({k, i, j}) == x.at({i, j, k}));
  CHECK(thrown<ShapeError>([&] { x.permute(twice); }) ==
        "ShapeError: permute: the order does not name each axis of [2, 3, 4] once");
  CHECK_THROWS_AS(x.permute(few), ShapeError);
  CHECK_THROWS_AS(x.permute(outside), IndexError);
  CHECK(Tensor::scalar(3).permute({}).item() == 3);
}

TEST_CASE("permute: of all eight axes keeps every element") {
  const Tensor x = counted({2, 1, 2, 1, 3, 2, 1, 2});
  const std::vector<int> order{7, 6, 5, 4, 3, 2, 1, 0};
  const Tensor y = x.permute(order);
  CHECK(y.shape() == Shape{2, 1, 2, 3, 1, 2, 1, 2});
  CHECK(y.at({1, 0, 0, 2, 0, 1, 0, 0}) == x.at({0, 0, 1, 0, 2, 0, 0, 1}));
  CHECK(y.permute(order).to_vector() == x.to_vector());
  CHECK(y.clone().permute(order).to_vector() == x.to_vector());
}

TEST_CASE("slice: begin, end and step as in a loop, negative ends from the end") {
  const Tensor x = counted({2, 7});
  for (std::int64_t begin = 0; begin <= 7; ++begin)
    for (std::int64_t end = begin; end <= 7; ++end)
      for (std::int64_t step = 1; step <= 8; ++step) {
        Values expected;
        for (std::int64_t row = 0; row < 2; ++row)
          for (std::int64_t i = begin; i < end; i += step) expected.push_back(static_cast<double>(row * 7 + i));
        const Tensor y = x.slice(1, begin, end, step);
        REQUIRE(y.to_vector() == expected);
        REQUIRE(y.extent(1) == (end - begin + step - 1) / step);
        REQUIRE(shares(x, y));
      }
  CHECK(x.slice(-1, -3, -1).to_vector() == Values{4, 5, 11, 12});
  CHECK(x.slice(1, 2, 7, INT64_MAX).to_vector() == Values{2, 9});
  CHECK(x.slice(0, 1, 2).slice(1, 1, 7, 2).slice(1, 1, 3).to_vector() == Values{10, 12});
}

TEST_CASE("slice: outside the axis, backwards or without a step is an IndexError") {
  const Tensor x = counted({2, 7});
  CHECK(thrown<IndexError>([&] { x.slice(1, 2, 8); }) ==
        "IndexError: slice: 2 to 8 step 1 is not within axis 1 of [2, 7]\n"
        "  requires 0 <= begin <= end <= 7 and step >= 1");
  CHECK_THROWS_AS(x.slice(1, 3, 2), IndexError);
  CHECK_THROWS_AS(x.slice(1, -8, 2), IndexError);
  CHECK_THROWS_AS(x.slice(1, 0, 7, 0), IndexError);
  CHECK_THROWS_AS(x.slice(1, 0, 7, -1), IndexError);
  CHECK_THROWS_AS(x.slice(2, 0, 1), IndexError);
}

TEST_CASE("select: one position, and the axis is gone") {
  const Tensor x = counted({2, 3, 4});
  CHECK(x.select(1, 2).shape() == Shape{2, 4});
  CHECK(x.select(1, 2).to_vector() == Values{8, 9, 10, 11, 20, 21, 22, 23});
  CHECK(x.select(-1, -1).to_vector() == Values{3, 7, 11, 15, 19, 23});
  CHECK(x.select(0, 0).select(0, 1).select(0, 2).item() == 6);
  CHECK(thrown<IndexError>([&] { x.select(1, 3); }) ==
        "IndexError: select: position 3 is outside axis 1 of [2, 3, 4]\n  requires -3 <= position < 3");
  CHECK_THROWS_AS(Tensor::empty({0}).select(0, 0), IndexError);
}

TEST_CASE("flip: an axis backwards without a copy, and again forwards") {
  const Tensor x = counted({2, 3, 4});
  for (const int axis : {0, 1, -1}) {
    const Tensor y = x.flip(axis);
    CHECK(shares(x, y));
    for (std::int64_t i = 0; i < x.extent(axis); ++i)
      CHECK(y.select(axis, i).to_vector() == x.select(axis, x.extent(axis) - 1 - i).to_vector());
    CHECK(y.flip(axis).to_vector() == x.to_vector());
    CHECK(y.flip(axis).contiguous());
    CHECK(y.clone().flip(axis).to_vector() == x.to_vector());
  }
  CHECK(Tensor::empty({0, 2}).flip(0).shape() == Shape{0, 2});
  CHECK(Tensor::ones({1}).flip(0).contiguous());
  CHECK(Tensor::scalar(3).expand({4}).flip(0).to_vector() == Values{3, 3, 3, 3});
  CHECK_THROWS_AS(x.flip(3), IndexError);
}

TEST_CASE("diagonal: of any two axes at any offset, without a copy") {
  const Tensor x = counted({2, 3, 4});
  for (std::int64_t offset = -3; offset <= 4; ++offset) {
    const Tensor y = x.diagonal(offset);
    const std::int64_t row = offset < 0 ? -offset : 0, column = offset < 0 ? 0 : offset;
    REQUIRE(y.shape() == Shape{2, std::min(3 - row, 4 - column)});
    REQUIRE(shares(x, y));
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t i = 0; i < y.extent(1); ++i) REQUIRE(y.at({b, i}) == x.at({b, row + i, column + i}));
  }
  CHECK(x.diagonal(1, 2, 0).to_vector() == Values{12, 16, 20});
  CHECK(x.diagonal(1, 2, 0).shape() == Shape{3, 1});
  CHECK(x.transpose().diagonal(-1).to_vector() == x.diagonal(1).to_vector());
  CHECK(Tensor::empty({0, 3}).diagonal(2).shape() == Shape{0});
  CHECK(thrown<IndexError>([&] { x.diagonal(5); }) ==
        "IndexError: diagonal: offset 5 is outside axes -2 and -1 of [2, 3, 4]\n  requires -3 <= offset <= 4");
  CHECK(first_line(thrown<ShapeError>([&] { x.diagonal(0, 2, -1); })) ==
        "ShapeError: diagonal: axes 2 and -1 of [2, 3, 4] are the same");
  CHECK_THROWS_AS(Tensor::ones({3}).diagonal(), IndexError);
}

TEST_CASE("expand: repeats extents of 1 and new leading axes without a copy") {
  const Tensor x = counted({2, 1, 3});
  const Tensor y = x.expand({2, 2, 2, 3});
  CHECK(shares(x, y));
  CHECK_FALSE(y.contiguous());
  for (std::int64_t a = 0; a < 2; ++a)
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t j = 0; j < 2; ++j)
        for (std::int64_t k = 0; k < 3; ++k) CHECK(y.at({a, i, j, k}) == x.at({i, 0, k}));
  CHECK(Tensor::scalar(5).expand({2, 2}).to_vector() == Values{5, 5, 5, 5});
  CHECK(Tensor::ones({1}).expand({0}).to_vector().empty());
  CHECK(thrown<ShapeError>([&] {
          x.expand({2, 4, 4});
        }) ==
        "ShapeError: expand: [2, 1, 3] does not expand to [2, 4, 4]\n"
        "  requires extents aligned at the last axis, equal or 1");
  CHECK_THROWS_AS(x.expand({3}), ShapeError);
}

TEST_CASE("unsqueeze and squeeze: put in and take out an axis of extent 1") {
  const Tensor x = counted({2, 3});
  CHECK(x.unsqueeze(0).shape() == Shape{1, 2, 3});
  CHECK(x.unsqueeze(-1).shape() == Shape{2, 3, 1});
  CHECK(x.unsqueeze(1).squeeze(1).to_vector() == x.to_vector());
  CHECK(x.unsqueeze(2).contiguous());
  CHECK_THROWS_AS(x.unsqueeze(3), IndexError);
  CHECK_THROWS_AS(Tensor::ones({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0), ShapeError);
  CHECK(thrown<ShapeError>([&] { x.squeeze(0); }) ==
        "ShapeError: squeeze: axis 0 of [2, 3] has extent 2\n  requires extent 1");
}

TEST_CASE("reshape: row-major order is kept, whatever the strides; a copy only when a view cannot be") {
  const Tensor x = counted({4, 6});
  CHECK(shares(x, x.reshape({2, 2, 3, 2})));
  const std::vector<Tensor> sources{x,
                                    x.transpose(),
                                    x.slice(1, 0, 6, 2),
                                    x.slice(0, 1, 4),
                                    x.slice(1, 1, 5),
                                    x.unsqueeze(1).expand({4, 2, 6}),
                                    x.reshape({2, 2, 6}).transpose(0, 1),
                                    x.slice(0, 0, 4, 3).unsqueeze(1)};
  for (const Tensor& source : sources)
    for (const Shape& shape : {Shape{source.count()}, Shape{1, source.count(), 1}, Shape{2, source.count() / 2},
                               Shape{source.count() / 2, 1, 2}, Shape{source.count() / 4, 2, 2}}) {
      if (shape.count() != source.count()) continue;
      INFO(to_string(source.shape()) << " to " << to_string(shape));
      REQUIRE(source.reshape(shape).to_vector() == source.to_vector());
      REQUIRE(source.reshape(shape).shape() == shape);
    }
  CHECK(shares(x, x.slice(1, 0, 6, 2).reshape({2, 2, 3})));
  CHECK(shares(x, x.transpose().reshape({2, 3, 4})));
  CHECK(shares(x, x.slice(0, 1, 4).reshape({18})));
  CHECK_FALSE(shares(x, x.transpose().reshape({24})));
  CHECK_FALSE(shares(x, x.slice(1, 0, 5).reshape({20})));
}

TEST_CASE("reshape: one extent may be left open; what does not fit is a ShapeError") {
  const Tensor x = counted({4, 6});
  CHECK(x.reshape({3, -1}).shape() == Shape{3, 8});
  CHECK(x.reshape({-1}).shape() == Shape{24});
  CHECK(Tensor::scalar(1).reshape({-1}).shape() == Shape{1});
  CHECK(Tensor::ones({1, 1}).reshape(Shape{}).rank() == 0);
  CHECK(Tensor::empty({0, 3}).reshape({3, -1}).shape() == Shape{3, 0});
  CHECK(thrown<ShapeError>([&] {
          x.reshape({5, 5});
        }) ==
        "ShapeError: reshape: [4, 6] does not have the elements of [5, 5]\n"
        "  requires the same number of elements, got 24 and 25");
  CHECK_THROWS_AS(x.reshape({7, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({-1, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({-2, -12}), ShapeError);
  CHECK_THROWS_AS(Tensor::empty({0}).reshape({0, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({INT64_MAX, INT64_MAX, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({1, 1, 1, 1, 1, 1, 1, 4, 6}), ShapeError);
}

TEST_CASE("as_rows: all axes but the last become one") {
  CHECK(counted({2, 3, 4}).as_rows().shape() == Shape{6, 4});
  CHECK(counted({4}).as_rows().shape() == Shape{1, 4});
  CHECK(Tensor::scalar(1).as_rows().shape() == Shape{1, 1});
  CHECK(Tensor::empty({3, 0}).as_rows().shape() == Shape{3, 0});
  CHECK(counted({2, 3, 4}).transpose(0, 1).as_rows().to_vector() ==
        counted({2, 3, 4}).transpose(0, 1).to_vector());
}

TEST_CASE("contiguous: axes of extent 1 and empty tensors have no say in it") {
  CHECK(counted({4, 1}).transpose().contiguous());
  CHECK(counted({3, 4}).slice(1, 0, 1).slice(0, 0, 1).contiguous());
  CHECK(counted({3, 4}).slice(1, 2, 2).contiguous());
  CHECK(counted({3, 4}).slice(0, 1, 3).contiguous());
  CHECK_FALSE(counted({3, 4}).slice(1, 0, 3).contiguous());
  CHECK(Tensor::scalar(0).contiguous());
}

}  // namespace
}  // namespace heed::tests
