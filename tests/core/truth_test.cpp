// Any, all, how many and where.
#include "core/truth.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

Tensor booleans(std::initializer_list<double> values, const Shape& shape) {
  return Tensor::of(values, shape, DType::boolean);
}

TEST_CASE("any and all: along axes and over everything, booleans") {
  const Tensor x = booleans({1, 0, 0, 1, 1, 1}, {2, 3});
  CHECK(any(x, 1).to_vector() == Values{1, 1});
  CHECK(all(x, 1).to_vector() == Values{0, 1});
  CHECK(all(x, 0).to_vector() == Values{1, 0, 0});
  CHECK(any(x).item() == 1);
  CHECK(all(x, {0, 1}).item() == 0);
  CHECK(any(x, -1, true).shape() == Shape{2, 1});
  CHECK(any(x).dtype() == DType::boolean);
  CHECK(all(logical_not(x), 0).to_vector() == Values{0, 0, 0});
}

TEST_CASE("any and all: of nothing, false and true; numbers that are not 0 count, NaN too") {
  CHECK(any(Tensor::empty({0, 2}), 0).to_vector() == Values{0, 0});
  CHECK(all(Tensor::empty({0, 2}), 0).to_vector() == Values{1, 1});
  CHECK(any(Tensor::of({0, -0.0}, {2})).item() == 0);
  CHECK(any(Tensor::of({0, NAN}, {2})).item() == 1);
  CHECK(all(Tensor::of({2, -3}, {2}, DType::i32)).item() == 1);
}

TEST_CASE("count_nonzero: along axes, of any type") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
    const Tensor x = strided(Tensor::of({3, 0, 0, 1, 2, 0}, {2, 3}, dtype));
    CHECK(count_nonzero(x, 1).to_vector() == Values{1, 2});
    CHECK(count_nonzero(x).item() == 3);
    CHECK(count_nonzero(x).dtype() == DType::i32);
  }
  CHECK(count_nonzero(Tensor::empty({0})).item() == 0);
}

TEST_CASE("nonzero: names the elements that are not 0, in order") {
  const Tensor x = strided(Tensor::of({3, 0, 0, 1, 2, 0}, {2, 3}));
  const Tensor where = nonzero(x);
  CHECK(where.shape() == Shape{3, 2});
  CHECK(where.dtype() == DType::i32);
  CHECK(where.to_vector() == Values{0, 0, 1, 0, 1, 1});
  CHECK(nonzero(Tensor::scalar(5)).shape() == Shape{1, 0});
  CHECK(nonzero(Tensor::scalar(0)).shape() == Shape{0, 0});
  CHECK(nonzero(Tensor::zeros({2, 2})).shape() == Shape{0, 2});
}

TEST_CASE("masked_select: what the mask lets through, both broadcast; masked_unselect puts it back") {
  const Tensor x = counted({2, 3});
  CHECK(masked_select(x, booleans({1, 0, 1}, {3})).to_vector() == Values{0, 2, 3, 5});
  CHECK(masked_select(strided(x), booleans({0, 1}, {2, 1})).to_vector() == Values{3, 4, 5});
  CHECK(masked_select(Tensor::scalar(7), booleans({1, 0, 1}, {3})).to_vector() == Values{7, 7});
  CHECK(masked_select(x, booleans({0}, {1})).shape() == Shape{0});
  const Tensor mask = booleans({1, 0, 1, 0, 0, 1}, {2, 3});
  const Tensor back = masked_unselect(masked_select(x, mask), mask);
  CHECK(back.to_vector() == Values{0, 0, 2, 0, 0, 5});
  CHECK(masked_select(back, mask).to_vector() == Values{0, 2, 5});
  CHECK(masked_select(x.to(DType::i32), mask).dtype() == DType::i32);
}

TEST_CASE("masked_select: a mask of numbers, one that does not broadcast and a wrong count are errors") {
  const Tensor x = counted({2, 3});
  CHECK(thrown<DTypeError>([&] { masked_select(x, Tensor::ones({3})); }) ==
        "DTypeError: masked_select: the mask is f32\n  requires boolean");
  CHECK_THROWS_AS(masked_select(x, booleans({1, 0}, {2})), ShapeError);
  CHECK(first_line(thrown<ShapeError>([&] {
          masked_unselect(counted({3}), booleans({1, 0, 1}, {3}));
        })) == "ShapeError: masked_unselect: values are [3] for a mask [3] with 2 true elements");
  CHECK_THROWS_AS(masked_unselect(counted({3}), counted({3})), DTypeError);
}

}  // namespace
}  // namespace heed::tests
