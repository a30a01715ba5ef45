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

}  // namespace

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

}  // namespace heed::tests
