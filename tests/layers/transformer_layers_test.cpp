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

const TransformerLayerConfig kAfter{.width = 6, .heads = 2, .feed_forward = 8};
const TransformerLayerConfig kBefore{.width = 6,
                                     .heads = 2,
                                     .feed_forward = 8,
                                     .norm = NormPlacement::before,
                                     .activation = Activation::gelu_tanh};

TransformerLayerConfig with(TransformerLayerConfig config, Activation activation) {
  config.activation = activation;
  return config;
}

const std::pair<const char*, TransformerLayerConfig> kForms[] = {
    {"after", kAfter},
    {"before", kBefore},
    {"after_gelu", with(kAfter, Activation::gelu)},
    {"before_relu", with(kBefore, Activation::relu)}};

}  // namespace

TEST_CASE("transformer layers: values and all gradients of an encoder layer are PyTorch's, in four forms") {
  for (const auto& [suffix, config] : kForms) {
    INFO(suffix);
    const Fixture numbers(text("encoder_layer_", suffix));
    Rng rng(1);
    TransformerEncoderLayer layer(config, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x");
    check_against(numbers, layer, layer(x, Mask::padding(numbers.ids("lengths"), 4)), {{"x", x}});
  }
}

TEST_CASE("transformer layers: values and all gradients of a decoder layer are PyTorch's, in four forms") {
  for (const auto& [suffix, config] : kForms) {
    INFO(suffix);
    const Fixture numbers(text("decoder_layer_", suffix));
    Rng rng(1);
    TransformerDecoderLayer layer(config, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x"), memory = leaf(numbers, "memory");
    check_against(numbers, layer,
                  layer(x, memory, Mask::causal(3, 3), Mask::padding(numbers.ids("lengths"), 4)),
                  {{"x", x}, {"memory", memory}});
  }
}

TEST_CASE("transformer layers: the configuration reaches every part") {
  Rng rng(4);
  const TransformerLayerConfig config{.width = 8,
                                      .heads = 4,
                                      .feed_forward = 6,
                                      .norm_kind = NormKind::rms,
                                      .gated = true,
                                      .bias = false,
                                      .key_value_heads = 2,
                                      .positions = RelativeCoefficients{.max_distance = 1}};
  const TransformerDecoderLayer layer(config, rng);
  std::vector<std::string> parameters;
  for (const Var& parameter : layer.parameters())
    parameters.push_back(text(parameter.name(), " ", parameter.shape()));
  CHECK(parameters ==
        std::vector<std::string>{"self_attention.query.weight [8, 8]", "self_attention.key.weight [8, 4]",
                                 "self_attention.value.weight [8, 4]", "self_attention.out.weight [8, 8]",
                                 "self_attention.positions.coefficients [3, 4]", "self_norm.gain [8]",
                                 "cross_attention.query.weight [8, 8]", "cross_attention.key.weight [8, 4]",
                                 "cross_attention.value.weight [8, 4]", "cross_attention.out.weight [8, 8]",
                                 "cross_norm.gain [8]", "feed_forward.inner.weight [8, 6]",
                                 "feed_forward.gate.weight [8, 6]", "feed_forward.outer.weight [6, 8]",
                                 "feed_forward_norm.gain [8]"});
}

TEST_CASE("transformer layers: a window keeps what is farther than it out of self-attention") {
  Rng rng(5);
  TransformerLayerConfig config = kBefore;
  config.window = 2;
  TransformerEncoderLayer layer(config, rng);
  take_random_parameters(layer, rng);
  const Tensor x = normal({1, 6, 6}, rng), before = layer(Var(x)).value();
  Tensor changed = x.clone();
  changed.select(1, 0).fill(3);
  const Tensor after = layer(Var(changed)).value();
  CHECK(largest_difference(after.slice(1, 0, 2), before.slice(1, 0, 2)) > 1e-3);
  CHECK(largest_difference(after.slice(1, 2, 6), before.slice(1, 2, 6)) == 0);
}

TEST_CASE("transformer layers: dropout works in training, from the given generator, and needs one") {
  TransformerLayerConfig config = kAfter;
  SECTION("of what is added") { config.dropout = 0.5; }
  SECTION("of attention weights") { config.attention_dropout = 0.5; }
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
