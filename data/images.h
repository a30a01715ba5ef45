// Grey images with labels, and the loader that makes batches of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/tensor.h"
#include "data/pass.h"

namespace heed {

/// Some images side by side.
struct ImageBatch {
  Tensor pixels;  ///< [B, 1, H, W] (f32) in [0, 1]: 0 background, 1 ink
  Tensor labels;  ///< [B] (i32): numbers of classes
  std::int64_t size() const { return pixels.extent(0); }
};

/// A set of images, and the names of what they show.
struct Images : ImageBatch {
  std::vector<std::string> classes;

  /// Copies of those images. Throws IndexError for a number outside [0, size()).
  ImageBatch batch(std::span<const std::int64_t> examples) const;
};

/// An image [H, W], or with leading axes of extent 1, as lines for a terminal, each ended by a newline: two
/// rows a line, as the characters " ░▒▓█". Throws ShapeError for another shape, DTypeError unless f32 or f64.
std::string preview(const Tensor& image);

struct ImageLoaderOptions {
  std::int64_t batch = 128;  ///< images a batch; the last one of an epoch may have fewer
  bool shuffle = true;
};

using ImageEpoch = Pass<Images>;

/// All images once an epoch, in batches, in an order drawn from a seed.
class ImageLoader {
 public:
  /// Throws ConfigError unless there are images and the batch is at least 1.
  explicit ImageLoader(Images images, const ImageLoaderOptions& options = {});

  std::int64_t examples() const { return images_.size(); }
  std::int64_t batches() const { return (examples() + options_.batch - 1) / options_.batch; }
  /// A pass in an order drawn from the generator. The loader must outlive it.
  ImageEpoch epoch(Rng& rng) const { return epoch(new_pass(rng)); }
  /// A pass taken up again.
  ImageEpoch epoch(const ImageEpoch::State& state) const;

 private:
  Images images_;
  ImageLoaderOptions options_;
};

}  // namespace heed
