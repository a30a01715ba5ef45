// What the tests of the models built of transformer layers share: the forms that their layers can take.
#pragma once

#include <vector>

#include "layers/positioned_embedding.h"
#include "tests/layers/checks_testing.h"

namespace heed::tests {

struct LayerForm {
  const char* name;
  TransformerLayerConfig layer;
  EmbeddedPositions embedded = EmbeddedPositions::none;
};

/// All schemes of positions, windows, shared heads, both norms at both places, gates, and no bias.
inline std::vector<LayerForm> layer_forms() {
  using enum EmbeddedPositions;
  constexpr auto kBefore = NormPlacement::before;
  const auto narrow = [](TransformerLayerConfig layer) {
    layer.width = 8;
    layer.heads = 4;
    layer.feed_forward = 6;
    return layer;
  };
  return {{"waves", narrow({}), sinusoidal},
          {"learned", narrow({.norm = kBefore, .activation = Activation::gelu_tanh}), learned},
          {"rms norms, gated, no bias",
           narrow({.activation = Activation::silu, .norm_kind = NormKind::rms, .gated = true, .bias = false}),
           sinusoidal},
          {"rotary, shared heads", narrow({.norm = kBefore, .key_value_heads = 2, .positions = Rotary{}})},
          {"rotary halves, window",
           narrow({.window = 2, .positions = Rotary{.layout = RotaryLayout::halves, .base = 100}})},
          {"alibi, one head of keys",
           narrow({.norm_kind = NormKind::rms, .key_value_heads = 1, .positions = Alibi{}})},
          {"buckets", narrow({.norm = kBefore, .positions = BucketBias{.buckets = 8, .max_distance = 6}})},
          {"coefficients, window", narrow({.window = 3, .positions = RelativeCoefficients{.max_distance = 2}})},
          {"vectors, shared heads, learned too",
           narrow({.key_value_heads = 2, .positions = RelativeVectors{.max_distance = 3}}), learned}};
}

/// Layers of width 8 with dropout of what they add, and of the weights of attention.
inline TransformerLayerConfig dropping_layer(double dropout, double attention_dropout) {
  return {
      .width = 8, .heads = 2, .feed_forward = 6, .dropout = dropout, .attention_dropout = attention_dropout};
}

/// What a model in training with dropout says without a generator; the path is that of the layer.
inline std::string without_generator(const std::string& path) {
  return text("ConfigError: dropout in training needs a generator, and the pass has none\n  in: ", path,
              "\n  hint: pass an Rng to the model, or call eval()");
}

}  // namespace heed::tests
