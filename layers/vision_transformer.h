// VisionTransformer: an encoder over the patches of an image, which says what the image shows.
//
// Source: Dosovitskiy et al., "An image is worth 16x16 words" (2021). B images, C channels, H x W pixels, P
// patches, D width.
#pragma once

#include <string>

#include "layers/positions.h"
#include "layers/transformer_stacks.h"

namespace heed {

/// Squares of an image in reading order, each as one vector, mapped by a Linear `map`:
///
///   pixels [B, C, H, W]   ->   [B, P, D],  P = H W / size^2
///
/// The elements of a patch are ordered by channel, row, column: the map's weight [C size size, D] is that of a
/// convolution with stride `size`, flattened and transposed.
class PatchEmbedding : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1.
  PatchEmbedding(std::int64_t channels, std::int64_t size, std::int64_t width, Rng& rng);
  /// Throws ShapeError unless there are `channels` channels and the size divides height and width.
  Var operator()(const Var& pixels) const;

 private:
  std::int64_t channels_, size_;
  Linear map_;
};

struct VisionTransformerConfig {
  std::int64_t height = 28, width = 28;  ///< of the images
  std::int64_t channels = 1;
  std::int64_t patch = 4;  ///< side of a patch, which divides both
  std::int64_t classes = 10;
  std::int64_t layers = 2;
  TransformerLayerConfig layer = {};  ///< of all layers; its dropout is that of what is embedded too
};

/// Patches with a class token before them and learned positions, layers that see all of it, and scores made
/// from the class token. Parts `patches`, `positions`, `encoder`, a Linear `out`, and the parameter
/// `class_token` [1, D].
class VisionTransformer : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1, the patches fill the image and the heads divide the
  /// width.
  VisionTransformer(const VisionTransformerConfig& config, Rng& rng);

  /// pixels [B, C, H, W] -> scores [B, classes]. In training with dropout the generator for it must be given.
  /// Throws ShapeError for images of another size, ConfigError when a generator is missing.
  Var operator()(const Var& pixels, Rng* dropout_rng = nullptr) const;

  const VisionTransformerConfig& config() const { return config_; }
  /// What it is made of and what it costs, in a few lines.
  std::string overview() const;

 private:
  std::int64_t patches() const { return config_.height / config_.patch * (config_.width / config_.patch); }

  VisionTransformerConfig config_;
  PatchEmbedding patches_;
  Var class_token_;
  LearnedPositions positions_;
  TransformerEncoder encoder_;
  Linear out_;
  Dropout dropout_;
};

}  // namespace heed
