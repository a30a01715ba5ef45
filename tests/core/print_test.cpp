#include "core/print.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("print: a matrix as documented, aligned, with type and shape") {
  CHECK(to_string(Tensor::matrix({{1, -2.5}, {0, 3.14159}})) ==
        "[[ 1.0000, -2.5000],\n"
        " [ 0.0000,  3.1416]]  f32 [2, 2]");
}

TEST_CASE("print: every rank and type") {
  CHECK(to_string(Tensor::scalar(2.5, DType::f64)) == "2.5000  f64 []");
  CHECK(to_string(Tensor::arange(3, DType::i32)) == "[0, 1, 2]  i32 [3]");
  CHECK(to_string(Tensor::of({1, 0}, {2}, DType::boolean)) == "[ true, false]  boolean [2]");
  CHECK(to_string(counted({2, 2, 2}, DType::i32)) ==
        "[[[0, 1],\n"
        "  [2, 3]],\n"
        " [[4, 5],\n"
        "  [6, 7]]]  i32 [2, 2, 2]");
  CHECK(to_string(counted({2, 2}, DType::i32).transpose()) == "[[0, 2],\n [1, 3]]  i32 [2, 2]");
  CHECK(to_string(Tensor()) == "an undefined tensor");
}

TEST_CASE("print: empty extents leave empty brackets") {
  CHECK(to_string(Tensor::empty({0})) == "[]  f32 [0]");
  CHECK(to_string(Tensor::empty({2, 0})) == "[[],\n []]  f32 [2, 0]");
  CHECK(to_string(Tensor::empty({0, 2})) == "[]  f32 [0, 2]");
}

TEST_CASE(
    "print: numbers that fixed digits cannot show are written with an exponent; NaN and infinity by name") {
  CHECK(to_string(Tensor::of({1e-7, 12345678, 0}, {3}, DType::f64), {.precision = 2}) ==
        "[1.00e-07, 1.23e+07,     0.00]  f64 [3]");
  CHECK(to_string(Tensor::of({NAN, INFINITY, -INFINITY}, {3}, DType::f64)) == "[ nan,  inf, -inf]  f64 [3]");
  CHECK(to_string(Tensor::full({1}, 2147483647, DType::i32)) == "[2147483647]  i32 [1]");
}

TEST_CASE("print: long axes are cut to their edges, and only what is shown sets the width") {
  CHECK(to_string(Tensor::arange(201, DType::i32)) == "[  0,   1,   2,   3, …, 197, 198, 199, 200]  i32 [201]");
  CHECK(to_string(counted({5, 5}, DType::i32), {.edge = 1, .whole_up_to = 10}) ==
        "[[ 0, …,  4],\n"
        " …,\n"
        " [20, …, 24]]  i32 [5, 5]");
  Tensor x = Tensor::zeros({300}, DType::i32);
  x.set({150}, -123456);
  CHECK(to_string(x, {.edge = 1}) == "[0, …, 0]  i32 [300]");
}

TEST_CASE("print: an axis is shown whole when cutting would save one position only") {
  CHECK(to_string(Tensor::arange(5, DType::i32), {.edge = 2, .whole_up_to = 1}) == "[0, 1, 2, 3, 4]  i32 [5]");
  CHECK(to_string(Tensor::arange(6, DType::i32), {.edge = 2, .whole_up_to = 1}) == "[0, 1, …, 4, 5]  i32 [6]");
}

TEST_CASE("print: an edge of nothing still shows one position at either end") {
  CHECK(to_string(Tensor::arange(9, DType::i32), {.edge = 0, .whole_up_to = 1}) == "[0, …, 8]  i32 [9]");
  CHECK(to_string(Tensor::arange(9, DType::i32), {.edge = -3, .whole_up_to = 1}) == "[0, …, 8]  i32 [9]");
}

}  // namespace
}  // namespace heed::tests
