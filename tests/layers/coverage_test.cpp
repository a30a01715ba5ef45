#include "layers/coverage.h"

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Weights [2, 4, 3] that sum to 1.
Var weights_of(std::uint64_t seed) {
  Rng rng(seed);
  return Var::parameter(softmax(Var(normal({2, 4, 3}, rng))).value());
}

}  // namespace

TEST_CASE("coverage: it is what the steps before have given each source, number by number") {
  const Var weights = weights_of(1);
  const Tensor coverage = coverage_of(weights).value();
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t s = 0; s < 3; ++s) {
      double given = 0;
      for (std::int64_t t = 0; t < 4; ++t) {
        CHECK(std::abs(coverage.at({b, t, s}) - given) < kTolerance);
        given += weights.value().at({b, t, s});
      }
    }
}

TEST_CASE("coverage: the loss is what falls on sources that had theirs, over the steps that count") {
  const Var weights = weights_of(2);
  const std::vector<std::int32_t> lengths{4, 2};
  double total = 0;
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t s = 0; s < 3; ++s) {
      double given = 0;
      for (std::int64_t t = 0; t < lengths[static_cast<std::size_t>(b)]; ++t) {
        const double weight = weights.value().at({b, t, s});
        total += std::min(weight, given);
        given += weight;
      }
    }
  CHECK(coverage_loss(weights, ids_of(lengths, {2})).item() == Approx(total / 6).epsilon(1e-12));
  CHECK(coverage_loss(slice(weights, 0, 0, 1)).item() ==
        Approx(coverage_loss(weights, ids_of({4, 0}, {2})).item()).epsilon(1e-12));
  CHECK(coverage_loss(weights, ids_of({0, 0}, {2})).item() == 0);
}

TEST_CASE("coverage: looking at each source once costs nothing, at one again and again nearly all") {
  const Tensor once = Tensor::of({1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}, {1, 3, 3}, DType::f64);
  CHECK(coverage_loss(Var(once)).item() == 0);
  const Tensor again = Tensor::of({1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0}, {1, 3, 3}, DType::f64);
  CHECK(coverage_loss(Var(again)).item() == Approx(2.0 / 3));
}

TEST_CASE("coverage: the gradients of the loss are those of finite differences, to second order") {
  // No weight is so near its coverage that a difference would step over the kink there.
  const std::vector<Var> inputs{weights_of(2)};
  const Differentiable loss = [](std::span<const Var> in) {
    return std::vector<Var>{square(coverage_loss(in[0], ids_of({4, 2}, {2})))};
  };
  CHECK(gradcheck(loss, inputs));
  CHECK(gradgradcheck(loss, inputs));
}

TEST_CASE("coverage: weights and lengths of other forms are refused") {
  const Var weights = weights_of(3);
  CHECK(thrown<ShapeError>([&] { coverage_loss(weights, ids_of({4}, {1})); }) ==
        "ShapeError: coverage_loss: weights are [2, 4, 3], lengths are [1]\n"
        "  requires weights [B, T, S], lengths [B] or undefined");
  CHECK_THROWS_AS(coverage_loss(select(weights, 0, 0)), ShapeError);
}

}  // namespace heed::tests
