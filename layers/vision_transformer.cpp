#include "layers/vision_transformer.h"

#include <algorithm>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "layers/init.h"
#include "layers/model_overview.h"

namespace heed {
namespace {

const VisionTransformerConfig& checked(const VisionTransformerConfig& config) {
  if (std::min({config.height, config.width, config.channels, config.patch, config.classes, config.layers}) <
          1 ||
      config.height % config.patch != 0 || config.width % config.patch != 0)
    throw ConfigError({.what = text("VisionTransformer: images of ", config.channels, " x ", config.height,
                                    " x ", config.width, ", patch ", config.patch, ", classes ", config.classes,
                                    ", layers ", config.layers),
                       .expected = "each at least 1, and a patch that divides height and width"});
  return config;
}

// The number of elements of a patch.
std::int64_t patch_elements(std::int64_t channels, std::int64_t size, std::int64_t width) {
  if (channels < 1 || size < 1 || width < 1)
    throw ConfigError({.what = text("PatchEmbedding: channels ", channels, ", size ", size, ", width ", width),
                       .expected = "each at least 1"});
  return channels * size * size;
}

}  // namespace

PatchEmbedding::PatchEmbedding(std::int64_t channels, std::int64_t size, std::int64_t width, Rng& rng)
    : Module(text("PatchEmbedding, ", size, " x ", size, " pixels")),
      channels_(channels),
      size_(size),
      map_(patch_elements(channels, size, width), width, rng) {
  register_module("map", map_);
}

Var PatchEmbedding::operator()(const Var& pixels) const {
  const ErrorFrame frame = enter();
  if (pixels.rank() != 4 || pixels.extent(1) != channels_ || pixels.extent(2) % size_ != 0 ||
      pixels.extent(3) % size_ != 0)
    throw ShapeError({.what = text("patches: the pixels are ", pixels.shape()),
                      .expected = text("[B, ", channels_, ", H, W] with ", size_, " dividing H and W"),
                      .operands = text("pixels: ", pixels.value().origin())});
  const std::int64_t batch = pixels.extent(0), rows = pixels.extent(2) / size_,
                     columns = pixels.extent(3) / size_;
  const Var cut = reshape(pixels, {batch, channels_, rows, size_, columns, size_});
  const Var patches = permute(cut, {0, 2, 4, 1, 3, 5});  // [B, rows, columns, C, size, size]
  return note("output", map_(reshape(patches, {batch, rows * columns, channels_ * size_ * size_})));
}

VisionTransformer::VisionTransformer(const VisionTransformerConfig& config, Rng& rng)
    : Module("VisionTransformer"),
      config_(checked(config)),
      patches_(config.channels, config.patch, config.layer.width, rng),
      positions_(patches() + 1, config.layer.width, rng),
      encoder_(config.layers, config.layer, rng),
      out_(config.layer.width, config.classes, rng),
      dropout_(config.layer.dropout) {
  register_module("patches", patches_);
  class_token_ = register_parameter("class_token", init::normal({1, config.layer.width}, 0.02, rng));
  register_module("positions", positions_);
  register_module("encoder", encoder_);
  register_module("out", out_);
  register_module("dropout", dropout_);
}

Var VisionTransformer::operator()(const Var& pixels, Rng* dropout_rng) const {
  const ErrorFrame frame = enter();
  const Shape image{config_.channels, config_.height, config_.width};
  if (pixels.rank() != 4 || pixels.shape().without(0) != image)
    throw ShapeError({.what = text("VisionTransformer: the pixels are ", pixels.shape()),
                      .expected = text("[B, C, H, W] with an image ", image),
                      .operands = text("pixels: ", pixels.value().origin())});
  const Var of_class = expand(unsqueeze(class_token_, 0), {pixels.extent(0), 1, config_.layer.width});
  const Var x = concat({of_class, patches_(pixels)}, 1) + positions_(patches() + 1);  // [B, 1 + P, D]
  const Var y = encoder_(dropout_(x, dropout_rng), {}, {.rng = dropout_rng});
  return note("scores", out_(select(y, 1, 0)));
}

std::string VisionTransformer::overview() const {
  const TransformerLayerConfig& layer = config_.layer;
  const std::int64_t steps = patches() + 1, pixels = config_.channels * config_.patch * config_.patch;
  const double flops =
      static_cast<double>(config_.layers) * layer_flops(layer, {.steps = steps, .seen = steps}) +
      2.0 * static_cast<double>(layer.width * (patches() * pixels + config_.classes));
  return text("VisionTransformer: ", counted(config_.layers, "layer"), ", ", to_string(layer), "\n  images ",
              config_.channels, " x ", config_.height, " x ", config_.width, " in ", patches(), " patches of ",
              config_.patch, " x ", config_.patch, ", ", config_.classes,
              " classes\n  parameters: ", grouped(parameter_count()),
              "\n  forward pass of an image: ", written_flops(flops), "\n");
}

}  // namespace heed
