#include "data/images.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Image i is 2 x 3 pixels of value i / 10 and has the label i.
Images numbered(std::int64_t count) {
  Images images{{Tensor::empty({count, 1, 2, 3}), Tensor::arange(count, DType::i32)}, {"some"}};
  for (std::int64_t i = 0; i < count; ++i) images.pixels.select(0, i).fill(static_cast<double>(i) / 10);
  return images;
}

std::vector<std::int32_t> labels_of(ImageEpoch epoch) {
  std::vector<std::int32_t> labels;
  for (const ImageBatch& batch : epoch)
    for (std::int64_t b = 0; b < batch.size(); ++b) {
      labels.push_back(static_cast<std::int32_t>(batch.labels.at({b})));
      CHECK(batch.pixels.at({b, 0, 1, 2}) == Approx(labels.back() / 10.0));
    }
  return labels;
}

}  // namespace

TEST_CASE("images: a batch has the pixels and labels of its images, in their order") {
  const ImageBatch batch = numbered(5).batch(std::vector<std::int64_t>{3, 0, 3});
  CHECK(batch.pixels.shape() == Shape{3, 1, 2, 3});
  CHECK(batch.labels.to_vector() == std::vector<double>{3, 0, 3});
  CHECK(batch.pixels.at({0, 0, 1, 1}) == Approx(0.3));
  CHECK(batch.pixels.at({1, 0, 0, 2}) == 0);
  CHECK(thrown<IndexError>([] {
          numbered(5).batch(std::vector<std::int64_t>{1, 5});
        }) == "IndexError: images: number 5 at position 1 is outside the 5 images");
}

TEST_CASE(
    "images: the loader gives each image once an epoch, in another order each time, and goes on in between") {
  const ImageLoader loader(numbered(7), {.batch = 3});
  Rng rng(1);
  const std::vector<std::int32_t> first = labels_of(loader.epoch(rng)), second = labels_of(loader.epoch(rng));
  CHECK_FALSE(first == second);
  std::vector<std::int32_t> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6});

  ImageEpoch epoch = loader.epoch(rng);
  CHECK(epoch.batches() == loader.batches());
  epoch.next();
  const std::vector<std::int32_t> rest = labels_of(loader.epoch(epoch.state()));
  CHECK(rest.size() == 4);
  CHECK(labels_of(epoch) == rest);
  CHECK(labels_of(ImageLoader(numbered(4), {.batch = 3, .shuffle = false}).epoch(rng)) ==
        std::vector<std::int32_t>{0, 1, 2, 3});
}

TEST_CASE("images: no images and a senseless batch are errors") {
  CHECK(thrown<ConfigError>([] { ImageLoader{numbered(0)}; }) ==
        "ConfigError: ImageLoader: there are no images");
  CHECK(thrown<ConfigError>([] { ImageLoader(numbered(1), {.batch = 0}); }) ==
        "ConfigError: ImageLoader: batch 0\n  requires batch >= 1");
}

TEST_CASE("images: the preview shows two rows a line in five shades") {
  CHECK(preview(Tensor::matrix({{0, 0.25, 0.5, 0.75, 1}, {0, 0.25, 0.5, 0.75, 1}, {1, 1, 0, 0, 2}})) ==
        " ░▒▓█\n██  █\n");
  CHECK(preview(Tensor::matrix({{0, 1}, {1, 0}}).unsqueeze(0).unsqueeze(0)) == "▒▒\n");
  CHECK(
      thrown<ShapeError>([] {
        preview(Tensor::zeros({2, 3, 4}));
      }) ==
      "ShapeError: preview: the image is [2, 3, 4]\n  requires [H, W], or that with leading axes of extent 1");
  CHECK_THROWS_AS(preview(Tensor::zeros({2, 2}, DType::i32)), DTypeError);
}

}  // namespace heed::tests
