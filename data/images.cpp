#include "data/images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "core/error.h"

namespace heed {

ImageBatch Images::batch(std::span<const std::int64_t> examples) const {
  const auto count = static_cast<std::int64_t>(examples.size());
  ImageBatch some{Tensor::empty(pixels.shape().with(0, count)), Tensor::empty({count}, DType::i32)};
  const Tensor from = pixels.contiguous_copy_if_needed();
  const std::int64_t area = pixels.extent(-2) * pixels.extent(-1);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t example = examples[static_cast<std::size_t>(i)];
    if (example < 0 || example >= size())
      throw IndexError({.what = text("images: number ", example, " at position ", i, " is outside the ", size(),
                                     " images")});
    std::copy_n(from.data<float>() + example * area, area, some.pixels.fresh_data<float>() + i * area);
    some.labels.fresh_data<std::int32_t>()[i] = labels.data<std::int32_t>()[example * labels.stride(0)];
  }
  return some;
}

std::string preview(const Tensor& image) {
  static constexpr std::array<const char*, 5> kShades = {" ", "░", "▒", "▓", "█"};
  if (image.rank() < 2 || image.count() != image.extent(-2) * image.extent(-1))
    throw ShapeError({.what = text("preview: the image is ", image.shape()),
                      .expected = "[H, W], or that with leading axes of extent 1"});
  const std::int64_t height = image.extent(-2), width = image.extent(-1);
  if (image.dtype() != DType::f32 && image.dtype() != DType::f64) throw_not_floating(image.dtype(), "preview");
  const std::vector<double> pixels = image.to_vector();
  std::string lines;
  for (std::int64_t row = 0; row < height; row += 2) {
    for (std::int64_t column = 0; column < width; ++column) {
      const double above = pixels[static_cast<std::size_t>(row * width + column)];
      const double below =
          row + 1 < height ? pixels[static_cast<std::size_t>((row + 1) * width + column)] : above;
      const double shade = std::clamp((above + below) / 2, 0.0, 1.0) * (kShades.size() - 1);
      lines += kShades[static_cast<std::size_t>(std::lround(shade))];
    }
    lines += "\n";
  }
  return lines;
}

ImageLoader::ImageLoader(Images images, const ImageLoaderOptions& options)
    : images_(std::move(images)), options_(options) {
  if (images_.size() < 1) throw ConfigError({.what = "ImageLoader: there are no images"});
  if (options.batch < 1)
    throw ConfigError({.what = text("ImageLoader: batch ", options.batch), .expected = "batch >= 1"});
}

ImageEpoch ImageLoader::epoch(const ImageEpoch::State& state) const {
  Rng source(state.rng);
  Rng rng = source.split();
  return ImageEpoch(images_, state, numbers_to(examples(), options_.shuffle, rng),
                    batch_ends(examples(), options_.batch));
}

}  // namespace heed
