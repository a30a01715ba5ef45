#include "autograd/ops/addressing.h"

#include <cmath>

#include "autograd/ops/reduce.h"
#include "core/elementwise.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

bool all_finite(const Tensor& x) {
  for (const double value : x.to_vector())
    if (!std::isfinite(value)) return false;
  return true;
}

// Whether the value and the gradients of both operands are finite numbers, in that type.
template <class F>
bool finite_with_gradients(F f, const Tensor& a, const Tensor& b, DType dtype) {
  const Var left = Var::parameter(a.to(dtype)), right = Var::parameter(b.to(dtype));
  const Var y = f(left, right);
  Rng rng(1);
  y.backward({.cotangent = Var(Tensor::uniform(y.shape(), -1, 1, rng, dtype))});
  return all_finite(y.value()) && all_finite(left.grad().value()) && all_finite(right.grad().value());
}

}  // namespace

TEST_CASE("cosine_similarity: the cosine of the angle, whatever the lengths") {
  const Var keys(Tensor::matrix({{3, 0}, {1, 1}}, DType::f64));
  const Var rows(Tensor::matrix({{200, 0}, {0, -5}, {1, 1}}, DType::f64));
  const double half = std::sqrt(0.5);
  CHECK(largest_difference(cosine_similarity(keys, rows, 0).value(),
                           Tensor::matrix({{1, 0, half}, {half, -half, 1}}, DType::f64)) < 1e-15);
  CHECK(largest_difference(cosine_similarity(keys, rows).value(), cosine_similarity(keys, rows, 0).value()) <
        1e-6);
}

TEST_CASE("cosine_similarity: a vector of zeros resembles nothing, and gradients stay finite") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor zeros = Tensor::zeros({2, 3}), some = Tensor::matrix({{1, 2, 3}, {0, 0, 0}, {1e-30, 0, 0}});
    const auto f = [](const Var& a, const Var& b) { return cosine_similarity(a, b); };
    CHECK(largest_difference(f(Var(zeros), Var(some)).value(), Tensor::zeros({2, 3})) == 0);
    CHECK(finite_with_gradients(f, zeros, some, dtype));
    CHECK(finite_with_gradients(f, some, zeros, dtype));
    CHECK(finite_with_gradients(f, zeros, zeros, dtype));
    CHECK(finite_with_gradients(f, some * 1e15, some * 1e15, dtype));
  }
}

TEST_CASE("cosine_similarity: keys and rows that do not fit are an error") {
  CHECK_THAT(thrown<ShapeError>([] {
               cosine_similarity(Var(Tensor::zeros({2, 1, 3})), Var(Tensor::zeros({2, 5, 4})));
             }),
             ContainsSubstring("keys are [2, 1, 3], rows are [2, 5, 4]\n  requires keys [..., H, M] and "
                               "rows [..., N, M]"));
  CHECK_THROWS_AS(cosine_similarity(Var(Tensor::zeros({3})), Var(Tensor::zeros({5, 3}))), ShapeError);
  CHECK_THROWS_AS(cosine_similarity(Var(Tensor::zeros({3, 1, 3})), Var(Tensor::zeros({2, 5, 3}))), ShapeError);
}

TEST_CASE("sharpen: gamma 1 changes nothing, more makes the largest larger, and the sum stays 1") {
  const Var x(Tensor::of({0.1, 0.2, 0.4, 0.3}, {4}, DType::f64));
  const auto sharpened = [&](double gamma) {
    return sharpen(x, Var(Tensor::of({gamma}, {1}, DType::f64))).value();
  };
  CHECK(largest_difference(sharpened(1), x.value()) < 1e-14);
  CHECK(largest_difference(sharpened(2), Tensor::of({0.01 / 0.3, 0.04 / 0.3, 0.16 / 0.3, 0.09 / 0.3}, {4},
                                                    DType::f64)) < 1e-14);
  double before = 0;
  for (const double gamma : {1.0, 1.5, 3.0, 10.0, 100.0, 1e4}) {
    const Tensor y = sharpened(gamma);
    CHECK(sum(y).item() == Approx(1));
    CHECK(y.at({2}) > before);
    before = y.at({2});
  }
  CHECK(before == 1);
}

TEST_CASE("sharpen: zeros, one-hot rows and a large gamma give finite values and gradients") {
  const Tensor x = Tensor::matrix({{0, 0, 0}, {0, 1, 0}, {1e-30, 0.5, 0.5}});
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double gamma : {1.0, 2.0, 50.0, 1e4}) {
      const auto f = [](const Var& a, const Var& b) { return sharpen(a, b); };
      CHECK(finite_with_gradients(f, x, Tensor::full({3, 1}, gamma), dtype));
    }
  const Tensor y = sharpen(Var(x), Var(Tensor::full({3, 1}, 2))).value();
  CHECK(largest_difference(y.slice(0, 0, 1), Tensor::full({1, 3}, 1.0 / 3)) < 1e-6);
  CHECK(largest_difference(y.slice(0, 1, 2), x.slice(0, 1, 2)) < 1e-12);
}

}  // namespace heed::tests
