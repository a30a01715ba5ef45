#include "layers/transformer_layers.h"

#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr TransformerLayerConfig kAfter{.width = 6, .heads = 2, .feed_forward = 8};
constexpr TransformerLayerConfig kBefore{
    .width = 6, .heads = 2, .feed_forward = 8, .norm = NormPlacement::before, .activation = Activation::gelu};

Var leaf(const Fixture& numbers, const std::string& name) { return Var::parameter(numbers[name]); }

// Backward from the fixture's cotangent; y and all gradients must be the fixture's.
void check_against(const Fixture& numbers, const Module& layer, const Var& y,
                   std::initializer_list<std::pair<const char*, Var>> inputs) {
  CHECK(largest_difference(y.value(), numbers["y"]) < kTolerance);
  y.backward({.cotangent = Var(numbers["dy.y"])});
  CHECK(gradient_difference(layer, numbers) < kTolerance);
  for (const auto& [name, input] : inputs) {
    INFO(name);
    CHECK(largest_difference(input.grad().value(), numbers[text("d.", name)]) < kTolerance);
  }
}

}  // namespace

TEST_CASE("multi-head attention: values, weights and all gradients are PyTorch's, under two masks") {
  const Fixture numbers("multi_head_attention");
  Rng rng(1);
  MultiHeadAttention layer({.width = 6, .heads = 2}, rng);
  take_parameters(layer, numbers);
  const Var query = leaf(numbers, "query"), keys = leaf(numbers, "keys"), values = leaf(numbers, "values");
  const Mask mask = Mask::block(numbers["blocked"].to(DType::boolean)) &
                    Mask::padding(numbers.ids("lengths"), 5);  // [B, T, S]
  const AttentionMaps maps;
  check_against(numbers, layer, layer(query, keys, values, mask),
                {{"query", query}, {"keys", keys}, {"values", values}});
  CHECK(largest_difference(maps[""].front(), numbers["weights"]) < kTolerance);
}

TEST_CASE("multi-head attention: a mask may differ from head to head") {
  Rng rng(2);
  MultiHeadAttention layer({.width = 6, .heads = 2, .bias = false}, rng);
  take_random_parameters(layer, rng);
  CHECK(layer.parameters().size() == 4);
  const Var x(normal({3, 4, 6}, rng));
  Tensor allowed = Tensor::full({1, 2, 4, 4}, 1, DType::boolean);
  allowed.select(1, 1).select(-1, 0).fill(0);  // the second head does not see the first position
  const AttentionMaps maps;
  layer(x, x, x, Mask::attend(allowed));
  const Tensor weights = maps[""].front();
  REQUIRE(weights.shape() == Shape{3, 2, 4, 4});
  CHECK(largest(weights.select(1, 1).select(-1, 0)) == 0);
  CHECK(min(weights.select(1, 0).select(-1, 0).reshape({-1}), 0).item() > 0);
  CHECK(largest_difference(sum(weights, -1), Tensor::ones({3, 2, 4}, DType::f64)) < 1e-12);
}

TEST_CASE("multi-head attention: heads that do not divide the width are an error, as are misshapen operands") {
  Rng rng(3);
  for (const std::int64_t heads : {0, 4, -1})
    CHECK_THAT(thrown<ConfigError>([&] { MultiHeadAttention({.width = 6, .heads = heads}, rng); }),
               ContainsSubstring("heads >= 1 that divide a width"));
  const MultiHeadAttention layer({.width = 6, .heads = 2}, rng);
  const auto zeros = [](const Shape& shape) { return Var(Tensor::zeros(shape)); };
  const Var x = zeros({2, 3, 6});
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(zeros({3, 6}), x, x);
             }),
             ContainsSubstring("in: MultiHeadAttention 6, 2 heads"));
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(x, zeros({2, 3, 5}), x);
             }),
             ContainsSubstring("key (Linear 6 -> 6)"));
  CHECK_THROWS_AS(layer(x, zeros({1, 3, 6}), zeros({1, 3, 6})), ShapeError);
  CHECK_THROWS_AS(layer(x, x, zeros({2, 4, 6})), ShapeError);
}

TEST_CASE("feed-forward: gelu is near x times the normal distribution at x") {
  Rng rng(4);
  FeedForward layer({.width = 1, .inner = 1, .activation = Activation::gelu}, rng);
  layer.to(DType::f64);
  for (Var parameter : layer.parameters()) parameter.mutable_value().fill(parameter.rank() == 2 ? 1 : 0);
  for (const double x : {-3.0, -0.5, 0.0, 0.1, 2.0, 6.0})
    CHECK(std::abs(layer(Var(Tensor::full({1}, x, DType::f64))).item() - x * std::erfc(-x / std::sqrt(2)) / 2) <
          5e-4);
}

TEST_CASE(
    "transformer layers: values and all gradients of an encoder layer are PyTorch's, norms after or before") {
  for (const bool before : {false, true}) {
    INFO("before " << before);
    const Fixture numbers(before ? "encoder_layer_before" : "encoder_layer_after");
    Rng rng(1);
    TransformerEncoderLayer layer(before ? kBefore : kAfter, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x");
    check_against(numbers, layer, layer(x, Mask::padding(numbers.ids("lengths"), 4)), {{"x", x}});
  }
}

TEST_CASE(
    "transformer layers: values and all gradients of a decoder layer are PyTorch's, norms after or before") {
  for (const bool before : {false, true}) {
    INFO("before " << before);
    const Fixture numbers(before ? "decoder_layer_before" : "decoder_layer_after");
    Rng rng(1);
    TransformerDecoderLayer layer(before ? kBefore : kAfter, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x"), memory = leaf(numbers, "memory");
    check_against(numbers, layer,
                  layer(x, memory, Mask::causal(3, 3), Mask::padding(numbers.ids("lengths"), 4)),
                  {{"x", x}, {"memory", memory}});
  }
}

TEST_CASE("transformer layers: dropout works in training, from the given generator, and needs one") {
  TransformerLayerConfig config = kAfter;
  config.dropout = 0.5;
  Rng rng(5);
  TransformerEncoderLayer layer(config, rng);
  const Var x(normal({2, 3, 6}, rng, DType::f32));
  const auto run = [&](std::uint64_t seed) {
    Rng generator(seed);
    return layer(x, {}, {.rng = &generator}).value();
  };
  CHECK(identical(run(1), run(1)));
  CHECK_FALSE(identical(run(1), run(2)));
  CHECK_THAT(thrown<ConfigError>([&] { layer(x); }),
             ContainsSubstring("dropout in training needs a generator"));
  layer.eval();
  CHECK(identical(layer(x).value(), run(1)));
}

TEST_CASE("positions: sines and cosines of geometrically growing length, odd widths too") {
  for (const std::int64_t width : {6, 5, 1}) {
    const Tensor table = sinusoidal_positions(40, width);
    REQUIRE(table.shape() == Shape{40, width});
    for (std::int64_t p = 0; p < 40; ++p)
      for (std::int64_t i = 0; i < width; ++i) {
        const double exponent = static_cast<double>(i - i % 2) / static_cast<double>(width);
        const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
        CHECK(std::abs(table.at({p, i}) - (i % 2 == 0 ? std::sin(angle) : std::cos(angle))) < 1e-12);
      }
  }
  CHECK(sinusoidal_positions(0, 4).shape() == Shape{0, 4});
}

}  // namespace heed::tests
