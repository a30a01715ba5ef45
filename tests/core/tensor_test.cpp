// Making tensors, their elements, copies, and changes in place; the views have a file of their own.
#include "core/tensor.h"

#include <cmath>
#include <limits>

#include "core/counting.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("tensor: makers give the documented values in every type") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
    INFO(name_of(dtype));
    CHECK(Tensor::zeros({2, 2}, dtype).to_vector() == Values{0, 0, 0, 0});
    CHECK(Tensor::ones({2}, dtype).to_vector() == Values{1, 1});
    CHECK(Tensor::scalar(1, dtype).rank() == 0);
    CHECK(Tensor::empty({3}, dtype).dtype() == dtype);
    CHECK(Tensor::of({1, 0, 1}, {3}, dtype).to_vector() == Values{1, 0, 1});
  }
  CHECK(Tensor::arange(4, DType::i32).to_vector() == Values{0, 1, 2, 3});
  CHECK(Tensor::arange(0).to_vector().empty());
  CHECK(Tensor::full({2}, -2.5).to_vector() == Values{-2.5, -2.5});
  CHECK(Tensor::full({2}, -2.5, DType::i32).to_vector() == Values{-2, -2});
  const std::vector<std::int32_t> ids{5, -6};
  CHECK(Tensor::of(ids, {2, 1}).dtype() == DType::i32);
  CHECK(Tensor::of(ids, {2, 1}).at({1, 0}) == -6);
  CHECK(Tensor::matrix({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3});
  CHECK(Tensor::matrix({}).shape() == Shape{0, 0});
}

TEST_CASE("tensor: the wrong number of values is a ShapeError") {
  CHECK(thrown<ShapeError>([] {
          Tensor::of({1, 2, 3}, {2, 2});
        }) == "ShapeError: tensor: 3 values do not fill shape [2, 2]\n  requires 4 values");
  CHECK(first_line(thrown<ShapeError>([] {
          Tensor::matrix({{1, 2}, {3}});
        })) == "ShapeError: tensor: rows of 2 and 1 values do not make a matrix");
  CHECK_THROWS_AS(Tensor::arange(-1), ShapeError);
}

TEST_CASE("tensor: a default-constructed one is undefined, and every use of its elements is an error") {
  Tensor nothing;
  CHECK_FALSE(nothing.defined());
  CHECK(nothing.origin() == "an undefined tensor");
  const std::string message = "DTypeError: tensor: an undefined tensor has no elements";
  CHECK(thrown<DTypeError>([&] { nothing.data<float>(); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing.item(); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing.clone(); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing.to(DType::f64); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing.fill(1); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing.bytes(); }) == message);
  CHECK(thrown<DTypeError>([&] { Tensor::ones({}).copy_from(nothing); }) == message);
  CHECK(thrown<DTypeError>([&] { nothing + nothing; }) == message);
}

TEST_CASE("tensor: forget_elements keeps shape and type and lets go of the memory") {
  Tensor x = Tensor::ones({2, 3}, DType::f64);
  const Tensor other = x;
  x.forget_elements();
  CHECK_FALSE(x.defined());
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.dtype() == DType::f64);
  CHECK(other.storage().unique());
  CHECK_THROWS_AS(x.clone(), DTypeError);
  CHECK_THROWS_AS(x.to_vector(), DTypeError);
}

TEST_CASE("tensor: data of another type than the elements' is a DTypeError") {
  Tensor x = Tensor::ones({2}, DType::i32);
  CHECK(thrown<DTypeError>([&] { x.data<float>(); }) ==
        "DTypeError: tensor: elements are i32, asked for as f32");
  CHECK_THROWS_AS(x.mutable_data<bool>(), DTypeError);
  CHECK(x.data<std::int32_t>()[1] == 1);
}

TEST_CASE("tensor: one element is read and changed by position, and outside is an error") {
  Tensor x = counted({2, 3}, DType::f32);
  CHECK(x.at({1, 2}) == 5);
  x.set({0, 1}, 9.5);
  CHECK(x.to_vector() == Values{0, 9.5, 2, 3, 4, 5});
  CHECK(thrown<IndexError>([&] {
          x.at({1, 3});
        }) == "IndexError: tensor: position 3 is outside axis 1 of shape [2, 3]\n  requires 0 <= position < 3");
  CHECK_THROWS_AS(x.at({-1, 0}), IndexError);
  CHECK(thrown<ShapeError>([&] { x.set({1}, 0); }) == "ShapeError: tensor: 1 positions given for shape [2, 3]");
  CHECK(Tensor::scalar(4).at({}) == 4);
  CHECK(Tensor::full({1, 1}, 4).item() == 4);
  CHECK(thrown<ShapeError>([&] { x.item(); }) ==
        "ShapeError: item: a tensor of shape [2, 3] has 6 elements\n  requires exactly one element");
  CHECK_THROWS_AS(Tensor::empty({0}).item(), ShapeError);
}

TEST_CASE("tensor: conversion to i32 goes towards zero and is defined for every number") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = Tensor::of({1.9, -1.9, 1e10, -1e10, inf, -inf, NAN, 2147483647}, {8}, DType::f64);
  const Values expected{1, -1, 2147483647, -2147483648.0, 2147483647, -2147483648.0, 0, 2147483647};
  CHECK(x.to(DType::i32).to_vector() == expected);
  CHECK(x.to(DType::f32).to(DType::i32).to_vector() == expected);
  CHECK(Tensor::full({}, 1e10, DType::i32).item() == 2147483647);
  CHECK(Tensor::of({0, 0.25, -3}, {3}).to(DType::boolean).to_vector() == Values{0, 1, 1});
  CHECK(Tensor::of({1, 0}, {2}, DType::boolean).to(DType::f64).to_vector() == Values{1, 0});
}

TEST_CASE("tensor: conversion to its own type is the tensor itself, clone never is") {
  const Tensor x = counted({2, 2});
  CHECK(&x.to(DType::f64).storage() == &x.storage());
  CHECK(&x.clone().storage() != &x.storage());
  CHECK(&x.contiguous_copy_if_needed().storage() == &x.storage());
  const Tensor turned = x.transpose().contiguous_copy_if_needed();
  CHECK(turned.contiguous());
  CHECK(turned.to_vector() == Values{0, 2, 1, 3});
  CHECK(x.transpose().clone().to_vector() == Values{0, 2, 1, 3});
  CHECK(Tensor::empty({3, 0}).clone().shape() == Shape{3, 0});
}

TEST_CASE("tensor: copy_from broadcasts and converts, into a view too") {
  Tensor x = Tensor::zeros({2, 3}, DType::i32);
  x.copy_from(Tensor::of({1.5, 2.5, 3.5}, {3}, DType::f64));
  CHECK(x.to_vector() == Values{1, 2, 3, 1, 2, 3});
  x.transpose().slice(0, 0, 3, 2).copy_from(Tensor::of({7, 8}, {2, 1}));
  CHECK(x.to_vector() == Values{7, 2, 8, 7, 2, 8});
  x.select(0, 1).fill(-1);
  CHECK(x.to_vector() == Values{7, 2, 8, -1, -1, -1});
  CHECK(thrown<ShapeError>([&] { x.copy_from(Tensor::ones({2})); }) ==
        "ShapeError: copy: [2] does not broadcast to [2, 3]");
}

TEST_CASE("tensor: copy_from reads what was there before when the two share elements") {
  Tensor x = counted({3, 3});
  x.copy_from(x.transpose());
  CHECK(x.to_vector() == Values{0, 3, 6, 1, 4, 7, 2, 5, 8});
  Tensor row = counted({6});
  row.slice(0, 1, 6).copy_from(row.slice(0, 0, 5));
  CHECK(row.to_vector() == Values{0, 0, 1, 2, 3, 4});
}

TEST_CASE("tensor: an expanded tensor is not changed in place") {
  Tensor x = Tensor::zeros({1, 2});
  CHECK(
      first_line(thrown<ShapeError>([&] {
        x.expand({3, 2}).fill(1);
      })) ==
      "ShapeError: copy: an expanded tensor cannot be changed in place: axis 0 of [3, 2] repeats one element");
  CHECK(x.to_vector() == Values{0, 0});
}

TEST_CASE("tensor: draws are within bounds, in order of the generator, and floating only") {
  Rng rng(3), same(3);
  const Tensor u = Tensor::uniform({200}, -2, 3, rng, DType::f64);
  for (const double v : u.to_vector()) {
    CHECK(v >= -2);
    CHECK(v < 3);
  }
  CHECK(u.at({0}) == same.uniform(-2, 3));
  CHECK(u.at({1}) == same.uniform(-2, 3));
  CHECK(first_line(thrown<DTypeError>([&] { Tensor::normal({2}, 0, 1, rng, DType::i32); })) ==
        "DTypeError: normal: elements are i32");
}

TEST_CASE(
    "tensor: dropout factors are 0 or 1 / (1 - p), in their share, and p outside [0, 1) is a ConfigError") {
  Rng rng(4);
  const Tensor factors = dropout_factors({10000}, 0.25, rng, DType::f64);
  int dropped = 0;
  for (const double v : factors.to_vector()) {
    dropped += v == 0;
    CHECK((v == 0 || v == 1 / 0.75));
  }
  CHECK(std::abs(dropped - 2500) < 5 * std::sqrt(10000 * 0.25 * 0.75));
  CHECK(dropout_factors({3}, 0, rng, DType::f32).to_vector() == Values{1, 1, 1});
  CHECK_THROWS_AS(dropout_factors({3}, 1, rng, DType::f32), ConfigError);
  CHECK_THROWS_AS(dropout_factors({3}, -0.1, rng, DType::f32), ConfigError);
  CHECK_THROWS_AS(dropout_factors({3}, NAN, rng, DType::f32), ConfigError);
}

TEST_CASE("tensor: copies and views share elements and the stamp of the last change") {
  Tensor x = Tensor::zeros({2, 2});
  const Tensor copy = x, view = x.transpose(), apart = x.clone();
  CHECK(x.storage().changed() == 0);
  const std::uint64_t before = moment::now();
  x.set({0, 1}, 5);
  CHECK(copy.at({0, 1}) == 5);
  CHECK(view.at({1, 0}) == 5);
  CHECK(apart.at({0, 1}) == 0);
  CHECK(view.storage().changed() > before);
  CHECK(apart.storage().changed() == 0);
  const std::uint64_t first = x.storage().changed();
  x.select(0, 0).fill(1);
  const std::uint64_t second = x.storage().changed();
  CHECK(second > first);
  x.mutable_data<float>();
  CHECK(x.storage().changed() > second);
  const std::uint64_t third = x.storage().changed();
  x.fresh_data<float>();
  (void)x.data<float>();
  CHECK(x.storage().changed() == third);
}

TEST_CASE(
    "broadcast: the error names the operation, the first axis from the end that differs, and the origins") {
  Tensor a = Tensor::ones({32, 9, 256}), b = Tensor::ones({8, 1});
  a.storage().set_label("parameter \"w\"");
  b.storage().set_operation("concat");
  CHECK(broadcast(a, Tensor::ones({9, 1}), "add") == a.shape());
  CHECK(thrown<ShapeError>([&] { broadcast(a, b, "add"); }) ==
        "ShapeError: add: shapes do not broadcast: a is [32, 9, 256], b is [8, 1]\n"
        "  requires a.shape[-2] == b.shape[-2] or one of them 1, got 9 and 8\n"
        "  a: parameter \"w\"    b: output of concat");
}

}  // namespace
}  // namespace heed::tests
