#include "layers/self_attention.h"

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "layers/multi_head_attention.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

Tensor matrix(std::initializer_list<std::initializer_list<double>> rows) {
  return Tensor::matrix(rows, DType::f64);
}

// The walk-through that examples/attention_by_hand.cpp follows: three inputs of width 4, maps to width 3.
struct WalkThrough {
  Rng rng{1};
  Tensor x = matrix({{1, 0, 1, 0}, {0, 2, 0, 2}, {1, 1, 1, 1}});
  SelfAttention layer{{.width = 4, .inner = 3, .bias = false}, rng};

  WalkThrough() {
    layer.to(DType::f64);
    layer.load_state({{"query.weight", matrix({{1, 0, 1}, {1, 0, 0}, {0, 0, 1}, {0, 1, 1}})},
                      {"key.weight", matrix({{0, 0, 1}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}})},
                      {"value.weight", matrix({{0, 2, 0}, {0, 3, 0}, {1, 0, 3}, {1, 1, 0}})}});
  }
};

}  // namespace

TEST_CASE("self-attention: the walk-through's scores, and its outputs without the rounding of its weights") {
  const WalkThrough by_hand;
  const AttentionMaps maps;
  const Tensor y = by_hand.layer(Var(by_hand.x)).value(), weights = maps[""].front().reshape({3, 3});
  // Row 1 of the scores is [2, 4, 4]: weights in the ratio 1 : e² : e².
  const double e2 = std::exp(2.0);
  const Tensor first = Tensor::of({1, e2, e2}, {3}, DType::f64) / (1 + 2 * e2);
  CHECK(largest_difference(weights.select(0, 0), first) < 1e-15);
  CHECK(
      largest_difference(
          y, matrix({{1.93662, 6.68311, 1.59507}, {1.99999, 7.96399, 0.05398}, {1.99970, 7.75989, 0.35839}})) <
      5e-6);
  // The walk-through writes the weights with one digit or none, 0.4683 as 0.5 and 0.0634 as 0, and from these
  // gets [2, 7, 1.5] for output 1: what input 1 says to it is lost.
  const Tensor values = matrix({{1, 2, 3}, {2, 8, 0}, {2, 6, 3}});
  CHECK(identical(matmul(matrix({{0, 0.5, 0.5}}), values), matrix({{2, 7, 1.5}})));
  CHECK(largest_difference(matmul(weights, values), y) < 1e-14);
}

TEST_CASE("self-attention: values and all gradients are PyTorch's, unbatched, with and without the scale") {
  for (const bool scaled : {false, true}) {
    const Fixture numbers(scaled ? "self_attention_scaled" : "self_attention_plain");
    Rng rng(1);
    SelfAttention layer({.width = 5, .scaled = scaled}, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x");
    check_against(numbers, layer, layer(x), {{"x", x}});
  }
}

TEST_CASE("self-attention: a batch is its sequences one by one, masked too") {
  Rng rng(2);
  SelfAttention layer({.width = 4, .inner = 3, .bias = false, .scaled = true}, rng);
  take_random_parameters(layer, rng);
  const Tensor x = normal({3, 5, 4}, rng);
  for (const Mask& mask : {Mask(), Mask::causal(5, 5)}) {
    const AttentionMaps maps;
    const Tensor y = layer(Var(x), mask).value(), plain = self_attention(Var(x), mask).value();
    REQUIRE(y.shape() == Shape{3, 5, 3});
    REQUIRE(maps[""].front().shape() == Shape{3, 1, 5, 5});
    for (std::int64_t b = 0; b < 3; ++b) {
      const Var one(x.select(0, b));
      CHECK(largest_difference(layer(one, mask).value(), y.select(0, b)) < 1e-13);
      CHECK(largest_difference(self_attention(one, mask).value(), plain.select(0, b)) < 1e-13);
    }
    CHECK(maps[""].back().shape() == Shape{1, 1, 5, 5});
  }
}

TEST_CASE("self-attention: one head of multi-head attention, but for the map behind it") {
  Rng rng(3);
  SelfAttention layer({.width = 4, .scaled = true}, rng);
  take_random_parameters(layer, rng);
  MultiHeadAttention heads({.width = 4, .heads = 1}, rng);
  heads.to(DType::f64);
  NamedTensors state = layer.state();
  Tensor same = Tensor::zeros({4, 4}, DType::f64);
  for (std::int64_t i = 0; i < 4; ++i) same.set({i, i}, 1);
  state.emplace_back("out.weight", same);
  state.emplace_back("out.bias", Tensor::zeros({4}, DType::f64));
  heads.load_state(state);
  const Var x(normal({2, 5, 4}, rng));
  CHECK(largest_difference(heads.self(x).value(), layer(x).value()) < kTolerance);
}

TEST_CASE("self-attention: without parameters, each step is the mean of those that resemble it") {
  const Tensor x = matrix({{1, 0}, {0, 1}, {1, 0}});
  const double e = std::exp(1.0), same = 2 * e / (2 * e + 1), other = e / (e + 2);
  CHECK(largest_difference(self_attention(Var(x)).value(),
                           matrix({{same, 1 - same}, {1 - other, other}, {same, 1 - same}})) < 1e-15);
  const Tensor far = x * 30;  // only its like: itself
  CHECK(largest_difference(self_attention(Var(far)).value(), far) < 1e-12);
}

TEST_CASE("self-attention: an x of another rank, or of no width, is an error") {
  Rng rng(4);
  const SelfAttention layer({.width = 4}, rng);
  CHECK_THAT(thrown<ShapeError>([&] { layer(Var(Tensor::zeros({4}))); }),
             ContainsSubstring("requires x [T, D] or [B, T, D]"));
  CHECK_THROWS_AS(self_attention(Var(Tensor::zeros({2, 2, 2, 2}))), ShapeError);
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(Var(Tensor::zeros({2, 3})));
             }),
             ContainsSubstring("query (Linear 4 -> 4)"));
  CHECK(thrown<ConfigError>([&] { SelfAttention({.width = 0}, rng); }) ==
        "ConfigError: SelfAttention: width 0, inner 0\n  requires both at least 1");
}

}  // namespace heed::tests
