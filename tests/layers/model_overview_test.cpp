#include "layers/model_overview.h"

#include "layers/language_model.h"
#include "layers/masked_language_model.h"
#include "layers/transformer.h"
#include "layers/vision_transformer.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// Operations of a product [m, k] x [k, n].
double product(double m, double k, double n) { return 2 * m * k * n; }

}  // namespace

TEST_CASE("overview: of a language model") {
  Rng rng(1);
  const LanguageModel model({.vocabulary = 100,
                             .layers = 2,
                             .layer = {.width = 64,
                                       .heads = 4,
                                       .feed_forward = 128,
                                       .dropout = 0.1,
                                       .norm = NormPlacement::before,
                                       .activation = Activation::gelu_tanh,
                                       .attention_dropout = 0.2,
                                       .key_value_heads = 2,
                                       .window = 16,
                                       .positions = Rotary{}},
                             .embedded_positions = EmbeddedPositions::none},
                            rng);
  const double layer = product(10, 64, 64) + 2 * product(10, 64, 32)  // queries; keys and values of 2 heads
                       + 4 * product(10, 16, 10) + 4 * product(10, 10, 16)  // scores, weights times values
                       + product(10, 64, 64)                                // what the heads have found, joined
                       + product(10, 64, 128) + product(10, 128, 64);       // feed-forward
  const double all = 2 * layer + product(10, 64, 100);
  CHECK(all == 1'326'080);
  CHECK(model.parameter_count() ==
        100 * 64 + 2 * (2 * (64 * 64 + 64) + 2 * (64 * 32 + 32) + 2 * 128 + 64 * 128 + 128 + 128 * 64 + 64) +
            128);
  CHECK(model.overview(10) ==
        "LanguageModel: 2 layers, width 64, 4 heads of 16 on 2 of keys and values, window 16, feed-forward 128 "
        "gelu (tanh), layer norm before each part, dropout 0.1, dropout of attention 0.2\n"
        "  positions: rotary, in self-attention\n"
        "  parameters: 65,152, scores made with the embedding\n"
        "  forward pass of 10 steps: 1.33 MFLOP\n");
}

TEST_CASE("overview: of a language model with a map to the scores") {
  Rng rng(1);
  const LanguageModel model({.vocabulary = 7,
                             .layers = 1,
                             .layer = {.width = 4,
                                       .heads = 1,
                                       .activation = Activation::silu,
                                       .norm_kind = NormKind::rms,
                                       .gated = true,
                                       .bias = false,
                                       .positions = RelativeVectors{.max_distance = 1}},
                             .max_length = 8,
                             .tied = false},
                            rng);
  CHECK(4 * product(3, 4, 4) + product(3, 4, 3) + product(3, 3, 4) + 3 * product(3, 4, 16) + product(3, 4, 7) ==
        1'848);
  CHECK(model.overview(3) ==
        "LanguageModel: 1 layer, width 4, 1 head of 4, feed-forward 16 gated silu, RMS norm after each part\n"
        "  positions: learned, added to what is embedded; vectors of distance, in self-attention\n"
        "  parameters: 387\n"
        "  forward pass of 3 steps: 1.85 kFLOP\n");
}

TEST_CASE("overview: of a masked language model") {
  Rng rng(1);
  const MaskedLanguageModel model({.vocabulary = 1000,
                                   .layers = 4,
                                   .layer = {.width = 128, .heads = 8, .activation = Activation::gelu},
                                   .max_length = 64},
                                  rng);
  const double layer = 4 * product(20, 128, 128)                            // queries, keys, values, out
                       + 8 * product(20, 16, 20) + 8 * product(20, 20, 16)  // scores, weights times values
                       + product(20, 128, 512) + product(20, 512, 128);     // feed-forward
  CHECK(4 * layer + product(20, 128, 128) + product(20, 128, 1000) == 38'051'840);
  CHECK(model.overview(20) ==
        "MaskedLanguageModel: 4 layers, width 128, 8 heads of 16, feed-forward 512 gelu, layer norm after each "
        "part\n"
        "  positions: learned, added to what is embedded\n"
        "  parameters: 947,304, scores made with the embedding\n"
        "  forward pass of 20 steps: 38.1 MFLOP\n");
}

TEST_CASE("overview: of a vision transformer") {
  Rng rng(1);
  const VisionTransformer model(
      {.height = 28,
       .width = 28,
       .channels = 3,
       .patch = 7,
       .classes = 10,
       .layers = 3,
       .layer = {.width = 32, .heads = 4, .feed_forward = 48, .norm = NormPlacement::before}},
      rng);
  const double layer = 4 * product(17, 32, 32)                            // of 16 patches and the class token
                       + 4 * product(17, 8, 17) + 4 * product(17, 17, 8)  //
                       + product(17, 32, 48) + product(17, 48, 32);
  CHECK(3 * layer + product(16, 3 * 7 * 7, 32) + product(1, 32, 10) == 993'280);
  CHECK(
      model.overview() ==
      "VisionTransformer: 3 layers, width 32, 4 heads of 8, feed-forward 48 relu, layer norm before each part\n"
      "  images 3 x 28 x 28 in 16 patches of 7 x 7, 10 classes\n"
      "  parameters: 28,218\n"
      "  forward pass of an image: 993 kFLOP\n");
}

TEST_CASE("overview: of a Transformer") {
  TransformerConfig config{
      .vocabulary = 50, .target_vocabulary = 40, .layers = 2, .layer = {.width = 32, .heads = 4}};
  Rng rng(1);
  const double encoder = 4 * product(6, 32, 32) + 4 * product(6, 8, 6) + 4 * product(6, 6, 8)  //
                         + product(6, 32, 128) + product(6, 128, 32);
  const double decoder = 4 * product(5, 32, 32) + 4 * product(5, 8, 5) +
                         4 * product(5, 5, 8)
                         // queries and out of the steps, keys and values of the source
                         + 2 * product(5, 32, 32) + 2 * product(6, 32, 32)  //
                         + 4 * product(5, 8, 6) + 4 * product(5, 6, 8)      //
                         + product(5, 32, 128) + product(5, 128, 32);
  CHECK(2 * (encoder + decoder) + product(5, 32, 40) == 666'880);
  CHECK(Transformer(config, rng).overview(6, 5) ==
        "Transformer: 2 + 2 layers, width 32, 4 heads of 8, feed-forward 128 relu, layer norm after each part\n"
        "  positions: waves added to what is embedded\n"
        "  parameters: 63,720\n"
        "  forward pass of 6 source and 5 target steps: 667 kFLOP\n");

  config.tied = TiedWeights::output;
  config.embedded_positions = EmbeddedPositions::none;
  config.layer.positions = Alibi{};
  CHECK_THAT(Transformer(config, rng).overview(6, 5),
             ContainsSubstring("  positions: ALiBi, in self-attention\n"
                               "  parameters: 62,400, scores made with the target embedding\n"));
  config.tied = TiedWeights::all;
  config.target_vocabulary = 50;
  config.layer.positions = BucketBias{};
  CHECK_THAT(Transformer(config, rng).overview(6, 5),
             ContainsSubstring("  positions: buckets of distance, in self-attention\n"
                               "  parameters: 61,632, one table for both embeddings and the scores\n"));
}

TEST_CASE("overview: every way of positions has its name") {
  using enum EmbeddedPositions;
  CHECK(describe_positions(none, {}) == "none");
  CHECK(describe_positions(none, Rotary{}) == "rotary, in self-attention");
  CHECK(describe_positions(none, Alibi{}) == "ALiBi, in self-attention");
  CHECK(describe_positions(none, BucketBias{}) == "buckets of distance, in self-attention");
  CHECK(describe_positions(none, RelativeCoefficients{}) == "coefficients of distance, in self-attention");
  CHECK(describe_positions(sinusoidal, RelativeVectors{}) ==
        "waves added to what is embedded; vectors of distance, in self-attention");
  CHECK(describe_positions(learned, {}) == "learned, added to what is embedded");
}

TEST_CASE("overview: numbers are easy to read") {
  for (const auto& [number, written] : {std::pair{0, "0"}, std::pair{999, "999"}, std::pair{1000, "1,000"},
                                        std::pair{65152, "65,152"}, std::pair{1234567, "1,234,567"}})
    CHECK(grouped(number) == written);
  for (const auto& [flops, written] :
       {std::pair{0.0, "0 FLOP"}, std::pair{999.4, "999 FLOP"}, std::pair{999.6, "1 kFLOP"},
        std::pair{7.314e6, "7.31 MFLOP"}, std::pair{999.6e6, "1 GFLOP"}, std::pair{1.5e12, "1.5 TFLOP"}})
    CHECK(written_flops(flops) == written);
}

}  // namespace heed::tests
