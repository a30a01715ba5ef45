// Brackets: x[{…}] against the position arithmetic written out, and what they say of mistakes.
#include "core/indices.h"

#include <type_traits>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/matmul.h"
#include "core/tensor.h"
#include "core/truth.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

bool shares(const Tensor& a, const Tensor& b) { return &a.storage() == &b.storage(); }

// The positions that a loop over a slice visits; begin and end within the axis.
Values visited(std::int64_t begin, std::int64_t end, std::int64_t step) {
  Values positions;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step)
    positions.push_back(static_cast<double>(i));
  return positions;
}

TEST_CASE("index: positions, slices, new axes and an ellipsis, as NumPy reads them") {
  const Tensor x = counted({2, 3, 4});
  CHECK(x[1].shape() == Shape{3, 4});
  CHECK(x[1].to_vector() == x.select(0, 1).to_vector());
  CHECK(x[-1].to_vector() == x.select(0, 1).to_vector());
  CHECK(x[{1, 2, 3}].item() == 23);
  CHECK(x[{1, 2, 3}].rank() == 0);
  CHECK(x[{0, slice(1, 3)}].to_vector() == x.select(0, 0).slice(0, 1, 3).to_vector());
  CHECK(x[{all(), -1, slice(1, 4, 2)}].to_vector() == Values{9, 11, 21, 23});
  CHECK(x[{ellipsis, 0}].shape() == Shape{2, 3});
  CHECK(x[{ellipsis, 0}].to_vector() == x.select(-1, 0).to_vector());
  CHECK(x[{0, ellipsis, 1}].to_vector() == Values{1, 5, 9});
  CHECK(x[{0, 1, 2, ellipsis}].item() == 6);
  CHECK(x[{newaxis, all(), newaxis, 0}].shape() == Shape{1, 2, 1, 4});
  CHECK(x[{ellipsis, newaxis}].shape() == Shape{2, 3, 4, 1});
  CHECK(x[newaxis].shape() == Shape{1, 2, 3, 4});
  CHECK(x[ellipsis].shape() == x.shape());
  CHECK(x[{}].to_vector() == x.to_vector());
  CHECK(x[slice(1, 2)].shape() == Shape{1, 3, 4});
  CHECK(Tensor::scalar(7)[{}].item() == 7);
  CHECK(Tensor::scalar(7)[{newaxis, newaxis}].shape() == Shape{1, 1});
}

TEST_CASE("index: any integer type is a position, one alone or in braces") {
  const Tensor x = counted({3, 4});
  const std::size_t i = 2;
  const std::int32_t j = -2;
  const std::uint8_t zero = 0;
  CHECK(x[i].to_vector() == Values{8, 9, 10, 11});
  CHECK(x[{i, j}].item() == 10);
  CHECK(x[{zero, i}].item() == 2);
  CHECK(x[0].to_vector() == Values{0, 1, 2, 3});
  CHECK(x[{0}].to_vector() == Values{0, 1, 2, 3});
  CHECK(x[{1, 0}].item() == 4);
  CHECK(x[{slice(1, 2)}].shape() == Shape{1, 4});
  const std::vector<Index> computed{1, slice({}, {}, 2)};
  CHECK(x[Indices(computed)].to_vector() == Values{4, 6});
  static_assert(!std::is_constructible_v<Index, bool> && !std::is_constructible_v<Index, double>);
}

TEST_CASE("index: slices visit what a loop visits, forwards and backwards, and copy nothing") {
  const std::int64_t n = 7;
  const Tensor x = counted({n});
  for (const std::int64_t step : {1, 2, 3, 8, -1, -2, -3, -8})
    for (std::int64_t begin = 0; begin <= n; ++begin)
      for (std::int64_t end = 0; end <= n; ++end) {
        if (step > 0 ? begin > end : (end > begin || begin == n)) continue;
        INFO(text(slice(begin, end, step)));
        const Tensor y = x[slice(begin, end, step)];
        REQUIRE(y.to_vector() == visited(begin, end, step));
        REQUIRE(shares(x, y));
        // The same counted from the end, where that can be said.
        if (end < n && begin < n) REQUIRE(x[slice(begin - n, end - n, step)].to_vector() == y.to_vector());
      }
  CHECK(x[slice({}, {})].to_vector() == x.to_vector());
  CHECK(x[slice(5, {})].to_vector() == Values{5, 6});
  CHECK(x[slice({}, 2)].to_vector() == Values{0, 1});
  CHECK(x[slice({}, {}, -1)].to_vector() == Values{6, 5, 4, 3, 2, 1, 0});
  CHECK(x[slice(2, {}, -1)].to_vector() == Values{2, 1, 0});
  CHECK(x[slice({}, 4, -1)].to_vector() == Values{6, 5});
  CHECK(x[slice({}, {}, INT64_MIN)].to_vector() == Values{6});
  CHECK(x[slice(1, {}, INT64_MAX)].to_vector() == Values{1});
  CHECK(Tensor::empty({0})[slice({}, {}, -1)].shape() == Shape{0});
  CHECK(Tensor::empty({0, 2})[slice({}, {}, 3)].shape() == Shape{0, 2});
}

TEST_CASE("index: a part of a part, whatever the strides") {
  const Tensor x = strided(counted({4, 6}).transpose());
  const Tensor y = x[{slice({}, {}, -2), slice(1, 4)}][{slice(1, {}), newaxis, slice({}, {}, -1)}];
  CHECK(y.shape() == Shape{2, 1, 3});
  CHECK(y.to_vector() == Values{21, 15, 9, 19, 13, 7});
  CHECK(y.reshape({6}).to_vector() == y.to_vector());
}

TEST_CASE("index: what is written to a part is written to the whole") {
  Tensor x = counted({3, 4});
  x[{1, slice({}, {}, -1)}].copy_from(Tensor::of({10, 20, 30, 40}, {4}));
  CHECK(x.to_vector() == Values{0, 1, 2, 3, 40, 30, 20, 10, 8, 9, 10, 11});
  x[{all(), 0}].fill(-1);
  CHECK(x.to_vector() == Values{-1, 1, 2, 3, -1, 30, 20, 10, -1, 9, 10, 11});
  x[slice({}, 2)].copy_from(x[slice(1, {})]);
  CHECK(x.to_vector() == Values{-1, 30, 20, 10, -1, 9, 10, 11, -1, 9, 10, 11});
  x[{slice({}, {}, -1)}].copy_from(x);
  CHECK(x.to_vector() == Values{-1, 9, 10, 11, -1, 9, 10, 11, -1, 30, 20, 10});
  // Assignment to a part that nobody has named would be lost: it does not compile.
  static_assert(!std::is_assignable_v<Tensor, Tensor> && std::is_assignable_v<Tensor&, Tensor>);
}

TEST_CASE("index: operations read axes that run backwards") {
  const Tensor a = counted({3, 4}), b = counted({4, 2});
  const Tensor back = a[{slice({}, {}, -1), slice({}, {}, -1)}];
  CHECK((back + a).to_vector() == Values(12, 11.0));
  CHECK(back.reshape({12}).to_vector() == counted({12}).flip(0).to_vector());
  CHECK(matmul(back, b).to_vector() == matmul(back.clone(), b).to_vector());
  CHECK(matmul(b.transpose().flip(1), a.transpose().flip(0)).to_vector() ==
        matmul(b.transpose().flip(1).clone(), a.transpose().flip(0).clone()).to_vector());
  const Tensor tall = normal({5, 3, 4}, 1).flip(0).flip(1);
  CHECK(matmul(tall, b).to_vector() == matmul(tall.clone(), b).to_vector());
}

TEST_CASE("index: a position outside its axis is told with axis and extent") {
  Tensor x = counted({2, 3});
  x.storage().set_label("parameter \"w\"");
  CHECK(thrown<IndexError>([&] {
          x[{0, 3}];
        }) ==
        "IndexError: index: position 3 is outside axis 1 of [2, 3]\n"
        "  requires -3 <= position < 3\n"
        "  parameter \"w\"");
  CHECK_THROWS_AS((x[{0, -4}]), IndexError);
  CHECK(first_line(thrown<IndexError>([&] {
          x[{ellipsis, 5}];
        })) == "IndexError: index: position 5 is outside axis 1 of [2, 3]");
  CHECK_THROWS_AS(Tensor::empty({0})[0], IndexError);
}

TEST_CASE("index: a slice is not cut to fit its axis") {
  const Tensor x = counted({2, 3});
  CHECK(thrown<IndexError>([&] {
          x[{all(), slice(1, 4)}];
        }) ==
        "IndexError: index: slice(1, 4) is not within axis 1 of [2, 3]\n"
        "  requires 0 <= begin <= end <= 3\n"
        "  a tensor");
  CHECK(thrown<IndexError>([&] {
          x[{all(), slice({}, 2, -1)}];
          x[{all(), slice(1, 2, -2)}];
        }) ==
        "IndexError: index: slice(1, 2, -2) is not within axis 1 of [2, 3]\n"
        "  requires 3 > begin >= end >= 0\n"
        "  a tensor");
  for (const Slice& wrong : {slice(2, 1), slice(-4, 1), slice(0, -4), slice(0, 3, -1), slice(3, 0, -1),
                             slice(-4, {}, -1), slice({}, -4, -1), slice({}, {}, 0)}) {
    INFO(text(wrong));
    CHECK_THROWS_AS((x[{0, wrong}]), IndexError);
  }
  CHECK_THAT(
      thrown<IndexError>([&] { x[slice({}, {}, 0)]; }),
      ContainsSubstring("slice({}, {}, 0) is not within axis 0 of [2, 3]\n  requires a step other than 0"));
}

TEST_CASE("index: more positions than axes, a second ellipsis and too many new axes are errors") {
  const Tensor x = counted({2, 3});
  CHECK(first_line(thrown<IndexError>([&] {
          x[{0, 1, slice(0, 1)}];
        })) == "IndexError: index: 3 axes are indexed of a tensor of shape [2, 3]");
  CHECK(first_line(thrown<IndexError>([&] {
          x[{ellipsis, 0, ellipsis}];
        })) == "IndexError: index: 2 times an ellipsis, for a tensor of shape [2, 3]");
  const std::vector<Index> nine(7, newaxis), many(17, newaxis);
  CHECK_THROWS_AS(x[Indices(nine)], ShapeError);
  CHECK_THROWS_AS(x[Indices(many)], IndexError);
}

TEST_CASE("all: of an axis, and whether all elements hold, are told apart") {
  const Tensor x = Tensor::of({1, 0, 1}, {3}, DType::boolean);
  CHECK(x[all()].shape() == Shape{3});
  CHECK(all(x).item() == 0);
  CHECK(all(x[slice(2, {})]).item() == 1);
}

}  // namespace
}  // namespace heed::tests
