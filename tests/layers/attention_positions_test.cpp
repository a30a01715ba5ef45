#include "layers/attention_positions.h"

#include "autograd/ops.h"
#include "layers/attention_maps.h"
#include "layers/multi_head_attention.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

struct Named {
  const char* name;  // of the fixture, without "attention_"
  PositionScheme scheme;
};

std::vector<Named> schemes() {
  return {{"rotary", Rotary{}},
          {"alibi", Alibi{}},
          {"coefficients", RelativeCoefficients{.max_distance = 2}},
          {"buckets", BucketBias{.buckets = 8, .max_distance = 20}},
          {"vectors", RelativeVectors{.max_distance = 2}}};
}

MultiHeadAttentionConfig config_of(const PositionScheme& scheme, std::int64_t shared) {
  return {.width = 8, .heads = 4, .key_value_heads = shared, .positions = scheme};
}

}  // namespace

TEST_CASE("attention positions: values and all gradients are those of each pair by itself, by PyTorch") {
  for (const auto& [name, scheme] : schemes()) {
    INFO(name);
    const Fixture numbers(text("attention_", name));
    Rng rng(1);
    MultiHeadAttention layer(config_of(scheme, 2), rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x"), memory = leaf(numbers, "memory");
    const Mask mask = Mask::window(3, 5, {.before = 5, .after = 1, .first = 2});
    check_against(numbers, layer, layer(x, memory, memory, mask, {.first = 2}), {{"x", x}, {"memory", memory}});
  }
}

TEST_CASE(
    "attention positions: the last steps alone, told where they stand, give what they give in the whole") {
  Rng rng(2);
  const Tensor x = normal({2, 7, 8}, rng);
  for (const auto& [name, scheme] : schemes())
    for (const std::int64_t shared : {4, 1}) {
      INFO(name << ", shared " << shared);
      MultiHeadAttention layer(config_of(scheme, shared), rng);
      take_random_parameters(layer, rng);
      const Tensor whole = layer.self(Var(x), Mask::causal(7, 7)).value();
      const Var last(x.slice(1, 4, 7).clone());
      const auto at = [&](std::int64_t first) {
        return layer(last, Var(x), Var(x), Mask::causal(3, 7, 4), {.first = first}).value();
      };
      CHECK(largest_difference(at(4), whole.slice(1, 4, 7)) < kTolerance);
      CHECK(largest_difference(at(3), whole.slice(1, 4, 7)) > 1e-3);
    }
}

TEST_CASE("attention positions: order matters with a scheme, and the same elements elsewhere act alike") {
  Rng rng(3);
  const Tensor x = normal({1, 5, 8}, rng), before = normal({1, 3, 8}, rng);
  const auto turned = [](const Tensor& y) { return concat({y.slice(1, 2, 5), y.slice(1, 0, 2)}, 1); };
  for (const auto& [name, scheme] : schemes()) {
    INFO(name);
    MultiHeadAttention layer(config_of(scheme, 4), rng);
    take_random_parameters(layer, rng);
    const auto self = [&](const Tensor& y, const Mask& mask = {}) { return layer.self(Var(y), mask).value(); };
    CHECK(largest_difference(self(turned(x)), turned(self(x))) > 1e-3);
    // Behind three others that nobody sees, everything is 3 steps later: nothing changes.
    Tensor allowed = Tensor::ones({8, 8}, DType::boolean);
    allowed.slice(1, 0, 3).fill(0);
    const Tensor later = self(concat({before, x}, 1), Mask::attend(allowed)).slice(1, 3, 8);
    CHECK(largest_difference(later, self(x)) < kTolerance);
  }
}

TEST_CASE(
    "attention positions: fresh coefficients and buckets change nothing, fresh ALiBi prefers what is near") {
  Rng rng(4);
  const Var x(normal({2, 6, 8}, rng, DType::f32));
  MultiHeadAttention plain(config_of({}, 4), rng);
  for (const PositionScheme& scheme : {PositionScheme(RelativeCoefficients{}), PositionScheme(BucketBias{})}) {
    MultiHeadAttention layer(config_of(scheme, 4), rng);
    NamedTensors state = plain.state();
    for (const auto& [name, value] : layer.state())
      if (name.starts_with("positions")) state.emplace_back(name, value);
    layer.load_state(state);
    CHECK(largest_difference(layer.self(x).value(), plain.self(x).value()) < 1e-6);
  }
  MultiHeadAttention layer(config_of(Alibi{}, 4), rng);
  CHECK(layer.parameters().size() == plain.parameters().size());
  const AttentionMaps maps;
  layer.self(Var(Tensor::zeros({1, 6, 8})));
  const Tensor weights = maps[""].front();  // equal scores: distance decides, most in the first head
  for (std::int64_t s = 0; s < 5; ++s) {
    CHECK(weights.at({0, 0, 5, s}) < weights.at({0, 0, 5, s + 1}));
    CHECK(weights.at({0, 0, 0, s}) > weights.at({0, 0, 0, s + 1}));
  }
  CHECK(weights.at({0, 0, 5, 5}) > weights.at({0, 3, 5, 5}));
}

TEST_CASE("attention positions: a causal bias of buckets treats all later sources alike") {
  Rng rng(5);
  MultiHeadAttention layer(config_of(BucketBias{.buckets = 8, .max_distance = 20, .bidirectional = false}, 4),
                           rng);
  take_random_parameters(layer, rng);
  const AttentionMaps maps;
  layer.self(Var(Tensor::zeros({1, 6, 8}, DType::f64)));
  const Tensor weights = maps[""].front();
  for (std::int64_t s = 1; s < 6; ++s) CHECK(weights.at({0, 0, 0, s}) == Approx(weights.at({0, 0, 0, 0})));
  CHECK(weights.at({0, 0, 5, 0}) != Approx(weights.at({0, 0, 5, 5})));
}

TEST_CASE("attention positions: what a scheme is shows in the summary, and sizes are checked") {
  Rng rng(6);
  const MultiHeadAttention layer(config_of(Rotary{.layout = RotaryLayout::halves, .base = 500}, 4), rng);
  CHECK_THAT(layer.summary(), ContainsSubstring("positions: Rotary, base 500, halves"));
  const auto message = [&](const MultiHeadAttentionConfig& config) {
    return thrown<ConfigError>([&] { MultiHeadAttention(config, rng); });
  };
  CHECK_THAT(message({.width = 6, .heads = 2, .positions = Rotary{}}),
             ContainsSubstring("AttentionPositions: Rotary in heads of width 3"));
  CHECK_THAT(message(config_of(RelativeVectors{.max_distance = -1}, 4)), ContainsSubstring("max_distance -1"));
  CHECK_THAT(message(config_of(BucketBias{.buckets = 2}, 4)), ContainsSubstring("two buckets a direction"));
}

}  // namespace heed::tests
