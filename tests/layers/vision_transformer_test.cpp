#include "layers/vision_transformer.h"

#include "autograd/ops.h"
#include "core/index.h"
#include "optim/adam.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Images of 2 x 4 x 6 in 2 x 3 patches.
VisionTransformerConfig config_of(const LayerForm& form) {
  return {.height = 4, .width = 6, .channels = 2, .patch = 2, .classes = 5, .layers = 2, .layer = form.layer};
}

// A model with values large enough to matter, beside three images.
struct Viewer {
  Rng rng{5};
  VisionTransformer model;
  Tensor pixels = normal({3, 2, 4, 6}, rng);

  explicit Viewer(const VisionTransformerConfig& config) : model(config, rng) {
    take_random_parameters(model, rng, 0.4);
  }
  Tensor scores(const Tensor& images) const { return model(Var(images)).value(); }
  Var parameter(const std::string& name) const {
    for (const Var& each : model.parameters())
      if (each.name() == name) return each;
    return Var();
  }
};

// Patch i of images [B, C, H, W], a view: the i-th square of 2 x 2 in reading order.
Tensor patch(const Tensor& images, std::int64_t i) {
  const std::int64_t columns = images.extent(3) / 2, row = 2 * (i / columns), column = 2 * (i % columns);
  return images.slice(2, row, row + 2).slice(3, column, column + 2);
}

}  // namespace

TEST_CASE(
    "vision transformer: scores, loss and all gradients are PyTorch's, the patches made by a convolution") {
  const Fixture numbers("vision_transformer");
  Rng rng(1);
  VisionTransformer model({.height = 4,
                           .width = 6,
                           .channels = 2,
                           .patch = 2,
                           .classes = 3,
                           .layer = {.width = 4,
                                     .heads = 2,
                                     .feed_forward = 6,
                                     .norm = NormPlacement::before,
                                     .activation = Activation::gelu}},
                          rng);
  const auto pixels = [&] { return Var(numbers["pixels"].to(model.parameters().front().dtype())); };
  check_scores(model, numbers, 5e-6, [&] { return model(pixels()); });
  take_parameters(model, numbers);
  const Var images = leaf(numbers, "pixels");
  cross_entropy(model(images), numbers.ids("target_out")).backward();
  CHECK(largest_difference(images.grad().value(), numbers["d.pixels"]) < kTolerance);
}

TEST_CASE("patch embedding: patches come in reading order, their elements by channel, row and column") {
  Rng rng(2);
  PatchEmbedding patches(2, 2, 8, rng);
  patches.to(DType::f64);
  NamedTensors state = patches.state();
  for (std::int64_t i = 0; i < 8; ++i)
    for (std::int64_t j = 0; j < 8; ++j) state[0].second.set({i, j}, i == j ? 1 : 0);
  state[1].second.fill(0);
  const Tensor pixels = normal({3, 2, 4, 6}, rng);
  const Tensor y = patches(Var(pixels)).value();
  REQUIRE(y.shape() == Shape{3, 6, 8});
  for (std::int64_t i = 0; i < 6; ++i)
    CHECK(identical(y.select(1, i).clone(), patch(pixels, i).reshape({3, 8})));
}

TEST_CASE("vision transformer: patches that trade places with their positions change nothing") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const bool by_place = form.layer.window > 0 || form.layer.positions.index() != 0;
    Viewer v(config_of(form));
    const Tensor before = v.scores(v.pixels);
    const std::vector<std::int32_t> order{4, 0, 5, 2, 1, 3};
    Tensor traded = v.pixels.clone();
    std::vector<std::int32_t> rows{0};  // the class token keeps its place
    for (std::int64_t i = 0; i < 6; ++i) {
      const std::int32_t from = order[static_cast<std::size_t>(i)];
      patch(traded, i).copy_from(patch(v.pixels, from));
      rows.push_back(from + 1);
    }
    CHECK(largest_difference(v.scores(traded), before) > 1e-3);
    Tensor& positions = v.parameter("positions.weight").mutable_value();
    positions.copy_from(take_rows(positions.clone(), ids_of(rows, {7})));
    if (by_place)  // attention itself asks where they stand
      CHECK(largest_difference(v.scores(traded), before) > 1e-3);
    else
      CHECK(largest_difference(v.scores(traded), before) < kTolerance);
  }
}

TEST_CASE("vision transformer: every pixel counts") {
  const Viewer v(config_of(layer_forms()[0]));
  const Var images = Var::parameter(v.pixels);
  const Var scores = v.model(images);
  CHECK(scores.shape() == Shape{3, 5});
  sum(square(scores)).backward();
  for (const double each : images.grad().value().to_vector()) CHECK(each != 0);
}

TEST_CASE("vision transformer: an image gives alone what it gives in a batch") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const Viewer v(config_of(form));
    const Tensor together = v.scores(v.pixels);
    for (std::int64_t b = 0; b < 3; ++b)
      CHECK(largest_difference(v.scores(v.pixels.slice(0, b, b + 1)), together.slice(0, b, b + 1)) <
            kTolerance);
  }
}

TEST_CASE("vision transformer: gradients are those of finite differences") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    Viewer v(config_of(form));
    const auto loss = [&] { return cross_entropy(v.model(Var(v.pixels)), ids_of({4, 0, 2}, {3})); };
    check_passed(check_gradients(v.model, loss, {.most = 4}));
  }
}

TEST_CASE("vision transformer: learns a batch by heart, all of its parameters") {
  Rng rng(3);
  VisionTransformer model({.height = 8, .width = 8, .layers = 1, .layer = {.width = 16, .heads = 2}}, rng);
  Adam optimiser(model.parameters(), {.learning_rate = 1e-2});
  const Tensor kinds = ids_of({3, 0, 9, 3, 5, 1}, {6});
  const auto train = [&](const VisionTransformer& trained, const Tensor& pixels) {
    const Var loss = cross_entropy(trained(Var(pixels)), kinds);
    loss.backward();
    optimiser.step({.clip_norm = 1.0});
    optimiser.zero_grad();
    return loss.item();
  };
  check_passed(check_overfits_one_batch(model, normal({6, 1, 8, 8}, rng, DType::f32), train));
}

TEST_CASE("vision transformer: dropout needs a generator or evaluation") {
  for (const auto& [layer, where] :
       {std::pair{dropping_layer(0.3, 0), "VisionTransformer"},
        std::pair{dropping_layer(0, 0.3),
                  "VisionTransformer / encoder / 0 / self_attention (MultiHeadAttention 8, 2 heads)"}}) {
    Viewer v(config_of({"", layer}));
    CHECK(thrown<ConfigError>([&] { v.scores(v.pixels); }) == without_generator(where));
    Rng draws(1), again(1);
    const Tensor dropped = v.model(Var(v.pixels), &draws).value();
    CHECK(identical(v.model(Var(v.pixels), &again).value(), dropped));
    v.model.eval();
    CHECK_FALSE(identical(v.scores(v.pixels), dropped));
    CHECK(identical(v.model(Var(v.pixels), &draws).value(), v.scores(v.pixels)));
  }
}

TEST_CASE("vision transformer: images of another size are errors that say where") {
  const Viewer v(config_of(layer_forms()[0]));
  CHECK(thrown<ShapeError>([&] {
          v.scores(Tensor::zeros({3, 2, 6, 4}, DType::f64));
        }) ==
        "ShapeError: VisionTransformer: the pixels are [3, 2, 6, 4]\n"
        "  requires [B, C, H, W] with an image [2, 4, 6]\n"
        "  pixels: a tensor\n"
        "  in: VisionTransformer");
  CHECK_THROWS_AS(v.scores(Tensor::zeros({2, 4, 6}, DType::f64)), ShapeError);
  CHECK_THROWS_AS(v.scores(Tensor::zeros({3, 1, 4, 6}, DType::f64)), ShapeError);
  Rng rng(1);
  const PatchEmbedding patches(2, 3, 8, rng);
  CHECK(patches(Var(Tensor::zeros({1, 2, 3, 9}))).shape() == Shape{1, 3, 8});
  CHECK(thrown<ShapeError>([&] {
          patches(Var(Tensor::zeros({1, 2, 9, 8})));
        }) ==
        "ShapeError: patches: the pixels are [1, 2, 9, 8]\n"
        "  requires [B, 2, H, W] with 3 dividing H and W\n"
        "  pixels: a tensor\n"
        "  in: PatchEmbedding, 3 x 3 pixels");
  CHECK_THROWS_AS(patches(Var(Tensor::zeros({1, 3, 9, 9}))), ShapeError);
  CHECK_THROWS_AS(patches(Var(Tensor::zeros({2, 9, 9}))), ShapeError);
}

TEST_CASE("vision transformer: sizes that make no sense are errors") {
  Rng rng(1);
  const auto error_of = [&](auto change) {
    VisionTransformerConfig config = config_of(layer_forms()[0]);
    change(config);
    return thrown<ConfigError>([&] { const VisionTransformer model(config, rng); });
  };
  CHECK(error_of([](auto& config) { config.patch = 3; }) ==
        "ConfigError: VisionTransformer: images of 2 x 4 x 6, patch 3, classes 5, layers 2\n"
        "  requires each at least 1, and a patch that divides height and width");
  for (const auto size :
       {&VisionTransformerConfig::height, &VisionTransformerConfig::width, &VisionTransformerConfig::channels,
        &VisionTransformerConfig::patch, &VisionTransformerConfig::classes, &VisionTransformerConfig::layers})
    CHECK_THAT(error_of([&](auto& config) { config.*size = 0; }),
               ContainsSubstring("requires each at least 1, and a patch that divides height and width"));
  CHECK(error_of([](auto& config) { config.layer.width = 0; }) ==
        "ConfigError: PatchEmbedding: channels 2, size 2, width 0\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.layer.heads = 0; }) ==
        "ConfigError: MultiHeadAttention: width 8, heads 0\n"
        "  requires heads >= 1 that divide a width >= 1, or a head_width");
  CHECK(thrown<ConfigError>([&] { const PatchEmbedding patches(1, -1, 8, rng); }) ==
        "ConfigError: PatchEmbedding: channels 1, size -1, width 8\n  requires each at least 1");
}

}  // namespace heed::tests
