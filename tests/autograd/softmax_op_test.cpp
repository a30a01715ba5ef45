// Softmax along any axis and its kin: against PyTorch, and what they promise.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/fixture.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Values = std::vector<double>;

Tensor values(std::initializer_list<double> numbers, const Shape& shape) {
  return Tensor::of(numbers, shape, DType::f64);
}

TEST_CASE("softmax and its kin along any axis, prelu and glu: values and gradients are PyTorch's") {
  const Fixture given("rows");
  const Var slope = Var::parameter(given["slope"]);
  const std::vector<std::pair<const char*, std::function<Var(const Var&)>>> cases{
      {"softmax_1", [](const Var& x) { return softmax(x, 1); }},
      {"log_softmax_0", [](const Var& x) { return log_softmax(x, 0); }},
      {"softmin", [](const Var& x) { return softmin(x); }},
      {"logsumexp_1", [](const Var& x) { return logsumexp(x, 1); }},
      {"logsumexp_all", [](const Var& x) { return logsumexp(x); }},
      {"sparsemax", [](const Var& x) { return sparsemax(x); }},
      {"sparsemax_far", [](const Var& x) { return sparsemax(x * 4.0); }},
      {"glu_1", [](const Var& x) { return glu(x, 1); }},
      {"prelu", [&](const Var& x) { return prelu(x, slope); }}};
  for (const auto& [name, f] : cases) {
    const Var x = Var::parameter(given["x"]);
    const Var y = f(x);
    y.backward({.cotangent = Var(given[text("dy.", name)])});
    INFO(name);
    CHECK(largest_difference(y.value(), given[name]) <= 1e-13);
    CHECK(largest_difference(x.grad().value(), given[text("d.", name)]) <= 1e-13);
  }
  CHECK(largest_difference(slope.grad().value(), given["dslope.prelu"]) <= 1e-13);
}

TEST_CASE("softmax: along the last axis by number it is the one without a number") {
  Rng rng(1);
  const Var x(Tensor::normal({2, 3, 4}, 0, 1, rng));
  CHECK(identical(softmax(x, -1).value(), softmax(x).value()));
  CHECK(identical(softmax(x, 2).value(), softmax(x, {}).value()));
  CHECK(identical(softmax(x, 0).value(), softmax(x.value().transpose(0, 2)).transpose(0, 2)));
  CHECK(identical(log_softmax(x, 1).value(), log_softmax(x.value().transpose(1, 2)).transpose(1, 2)));
  CHECK_THROWS_AS(softmax(x, 3), IndexError);
  CHECK(thrown<ShapeError>([] { log_softmax(Var(Tensor::scalar(1))); }) ==
        "ShapeError: log_softmax: a scalar has no last axis");
}

TEST_CASE("logsumexp: no overflow, and no NaN where a row has nothing") {
  const Var x =
      Var::parameter(values({1000, 1000, -1000, -1000, -kInfinity, 0, -kInfinity, -kInfinity}, {4, 2}));
  const Var y = logsumexp(x, -1);
  CHECK(y.value().to_vector() == Values{1000 + std::log(2.0), -1000 + std::log(2.0), 0, -kInfinity});
  sum(y).backward();
  // As exact as a difference of numbers of size 1000.
  CHECK(largest_difference(x.grad().value(), values({0.5, 0.5, 0.5, 0.5, 0, 1, 0, 0}, {4, 2})) <= 2e-13);
  CHECK(logsumexp(Var(values({kInfinity, 1}, {2}))).item() == kInfinity);
  CHECK(std::isnan(logsumexp(Var(values({NAN, 1}, {2}))).item()));
  CHECK(logsumexp(x, -1, true).shape() == Shape{4, 1});
  CHECK(thrown<ShapeError>([] {
          logsumexp(Var(Tensor::zeros({2, 0})), 1);
        }) == "ShapeError: logsumexp: axis 1 of [2, 0] is empty");
  CHECK_THROWS_AS(logsumexp(Var(Tensor::zeros({0}))), ShapeError);
  CHECK(thrown<DTypeError>([] { logsumexp(Var(Tensor::zeros({2}, DType::i32))); }) ==
        "DTypeError: logsumexp: elements are i32\n  requires f32 or f64");
}

TEST_CASE("sparsemax: blocked positions take no part, whatever they hold, and get no gradient") {
  const Mask mask = Mask::attend(Tensor::of({1, 0, 1, 0, 0, 0}, {2, 3}, DType::boolean));
  const Var x = Var::parameter(values({0.2, NAN, 0.6, 1, 2, 3}, {2, 3}));
  const Var y = sparsemax(x, mask);
  CHECK(largest_difference(y.value(), values({0.3, 0, 0.7, 0, 0, 0}, {2, 3})) <= 1e-15);
  y.backward({.cotangent = Var(values({1, 5, 2, 3, 4, 5}, {2, 3}))});
  CHECK(x.grad().value().to_vector() == Values{-0.5, 0, 0.5, 0, 0, 0});
  CHECK(thrown<ShapeError>([&] { sparsemax(x, Mask::causal(3, 3)); }) ==
        "ShapeError: sparsemax: the mask [3, 3] does not broadcast to the scores [2, 3]");
}

TEST_CASE("gumbel_softmax: each class is the largest with the probability of its softmax") {
  const Tensor scores = values({0, 1, 2, -1}, {4});
  Rng rng(11);
  const std::int64_t draws = 40'000;
  const Var x(scores.expand({draws, 4}));
  const Tensor hard = gumbel_softmax(x, {.temperature = 0.3, .hard = true}, rng).value();
  const Tensor shares = sum(hard, 0) * (1.0 / static_cast<double>(draws));
  CHECK(largest_difference(shares, softmax(scores)) < 0.01);
  CHECK(identical(sum(hard, -1), Tensor::ones({draws}, DType::f64)));
  CHECK(identical(hard, square(hard)));
}

TEST_CASE("gumbel_softmax: the hard draw is the largest of the soft one, and has its gradient") {
  Rng of_scores(2);
  const Tensor scores = Tensor::normal({3, 5}, 0, 1, of_scores, DType::f64);
  for (const int axis : {-1, 0}) {
    Rng rng(3), again(3);
    const Var x = Var::parameter(scores), z = Var::parameter(scores);
    const Var soft = gumbel_softmax(x, {.temperature = 0.5, .axis = axis}, rng);
    const Var hard = gumbel_softmax(z, {.temperature = 0.5, .hard = true, .axis = axis}, again);
    CHECK(identical(argmax(hard.value(), axis), argmax(soft.value(), axis)));
    const Var weights(Tensor::arange(15, DType::f64).reshape({3, 5}));
    sum(soft * weights).backward();
    sum(hard * weights).backward();
    CHECK(identical(x.grad().value(), z.grad().value()));
    CHECK(sum_of_squares(std::span(x.grad().value().data<double>(), 15)) > 0);
  }
}

TEST_CASE("gumbel_softmax: a high temperature is even, a low one nearly one-hot; 0 is an error") {
  Rng rng(4);
  const Var x(Tensor::zeros({100, 4}, DType::f64));
  const Tensor even = gumbel_softmax(x, {.temperature = 1e4}, rng).value();
  CHECK(largest_difference(even, Tensor::full({100, 4}, 0.25, DType::f64)) < 1e-2);
  const Tensor sharp = max(gumbel_softmax(x, {.temperature = 1e-3}, rng).value(), -1);
  CHECK(sum(sharp).item() > 99);
  CHECK(thrown<ConfigError>([&] { gumbel_softmax(x, {.temperature = 0}, rng); }) ==
        "ConfigError: gumbel_softmax: temperature 0\n  requires temperature > 0");
}

}  // namespace
}  // namespace heed::tests
