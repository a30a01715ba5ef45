#include "data/tasks/shapes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using tasks::ImageOptions;

constexpr ImageOptions kPlain{.shift = 0, .scale = 0, .slant = 0, .thickness = 0, .noise = 0};

std::vector<double> pixels_of(const Images& images, std::int64_t i) {
  return images.pixels.select(0, i).to_vector();
}
std::int32_t label_of(const Images& images, std::int64_t i) {
  return static_cast<std::int32_t>(images.labels.at({i}));
}

double ink(const Images& images, std::int64_t i) {
  const std::vector<double> pixels = pixels_of(images, i);
  return std::accumulate(pixels.begin(), pixels.end(), 0.0);
}

// The first image of a class.
std::int64_t first_of(const Images& images, const std::string& name) {
  for (std::int64_t i = 0; i < images.size(); ++i)
    if (images.classes[static_cast<std::size_t>(label_of(images, i))] == name) return i;
  FAIL("no image of " << name);
  return 0;
}

// The share of `test` whose nearest mean of a class of `train` is that of their own class.
double nearest_mean_accuracy(const Images& train, const Images& test) {
  const std::size_t area = pixels_of(train, 0).size();
  std::vector<std::vector<double>> means(train.classes.size(), std::vector<double>(area));
  std::vector<double> counts(train.classes.size());
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const auto label = static_cast<std::size_t>(label_of(train, i));
    const std::vector<double> pixels = pixels_of(train, i);
    for (std::size_t k = 0; k < area; ++k) means[label][k] += pixels[k];
    ++counts[label];
  }
  for (std::size_t c = 0; c < means.size(); ++c)
    for (double& mean : means[c]) mean /= counts[c];
  double right = 0;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    const std::vector<double> pixels = pixels_of(test, i);
    std::vector<double> distances;
    for (const std::vector<double>& mean : means)
      distances.push_back(std::inner_product(pixels.begin(), pixels.end(), mean.begin(), 0.0, std::plus<>(),
                                             [](double a, double b) { return (a - b) * (a - b); }));
    const auto nearest = std::min_element(distances.begin(), distances.end()) - distances.begin();
    right += nearest == label_of(test, i) ? 1 : 0;
  }
  return right / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE(
    "shapes: images of the size asked for, between 0 and 1, the classes in equal numbers and random order") {
  Rng rng(1);
  for (const Images& images :
       {tasks::digits(57, rng, {.size = 20}), tasks::shapes(57, rng, {.size = 20, .noise = 0.3})}) {
    CHECK(images.pixels.shape() == Shape{57, 1, 20, 20});
    CHECK(images.pixels.dtype() == DType::f32);
    CHECK(images.labels.shape() == Shape{57});
    const std::vector<double> pixels = images.pixels.to_vector();
    CHECK(std::all_of(pixels.begin(), pixels.end(), [](double p) { return p >= 0 && p <= 1; }));
    std::vector<std::int64_t> counts(images.classes.size());
    std::vector<double> labels = images.labels.to_vector();
    for (const double label : labels) ++counts[static_cast<std::size_t>(label)];
    CHECK(*std::max_element(counts.begin(), counts.end()) - *std::min_element(counts.begin(), counts.end()) <=
          1);
    CHECK_FALSE(std::is_sorted(labels.begin(), labels.end()));
  }
  CHECK(tasks::digits(1, rng).classes ==
        std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

TEST_CASE("shapes: a smooth edge covers as much as the shape's area") {
  Rng rng(2);
  ImageOptions options = kPlain;
  options.size = 100;
  const Images images = tasks::shapes(6, rng, options);
  const double r = 29, line = 0.4 * r, side = 2 * 0.85 * r, pi = std::numbers::pi;
  const auto area = [&](const std::string& name) { return ink(images, first_of(images, name)); };
  CHECK(area("disc") == Approx(pi * r * r).epsilon(1e-3));
  CHECK(area("ring") == Approx(pi * (r * r - (r - line) * (r - line))).epsilon(1e-3));
  CHECK(area("square") == Approx(side * side).epsilon(1e-3));
  CHECK(area("frame") == Approx(side * side - (side - 2 * line) * (side - 2 * line)).epsilon(1e-3));
  CHECK(area("triangle") == Approx(3 * std::numbers::sqrt3 / 4 * r * r).epsilon(5e-3));
  CHECK(area("cross") == Approx(2 * 2 * r * line - line * line).epsilon(1e-3));
}

TEST_CASE("shapes: a digit as it looks undistorted") {
  Rng rng(3);
  ImageOptions options = kPlain;
  options.size = 20;
  const Images images = tasks::digits(10, rng, options);
  CHECK(preview(images.pixels.select(0, first_of(images, "2"))) ==
        "                    \n"
        "       ░░░░░░       \n"
        "     ░▓█▒▒▒▒█▓░     \n"
        "     ░▒      █▓     \n"
        "           ░▓▓░     \n"
        "         ░▓▓░       \n"
        "       ░▓▓░         \n"
        "     ░▒██▒▒▒▒▒░     \n"
        "     ░░░░░░░░░░     \n"
        "                    \n");
}

TEST_CASE("shapes: without distortions all images of a class are the same, with any one of them none") {
  Rng rng(4);
  const auto different = [&](const ImageOptions& options) {
    const Images images = tasks::digits(30, rng, options);
    std::set<std::vector<double>> distinct;
    for (std::int64_t i = 0; i < images.size(); ++i) distinct.insert(pixels_of(images, i));
    return distinct.size();
  };
  CHECK(different(kPlain) == 10);
  ImageOptions options = kPlain;
  for (double* const distortion :
       {&options.shift, &options.scale, &options.slant, &options.thickness, &options.noise}) {
    *distortion = 0.1;
    CHECK(different(options) == 30);
    *distortion = 0;
  }
}

TEST_CASE("shapes: each distortion does what its name says, up to its limit") {
  Rng rng(5);
  const auto all = [&](ImageOptions options, auto measure) {
    std::vector<double> values;
    const Images images = tasks::shapes(600, rng, options);
    for (std::int64_t i = 0; i < images.size(); ++i)
      if (images.classes[static_cast<std::size_t>(label_of(images, i))] == "ring")
        values.push_back(measure(images, i));
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return std::pair(*least, *most);
  };
  const auto centre_row = [](const Images& images, std::int64_t i) {
    const std::vector<double> pixels = pixels_of(images, i);
    double sum = 0;
    for (std::size_t k = 0; k < pixels.size(); ++k) sum += pixels[k] * (static_cast<double>(k / 28) + 0.5);
    return sum / ink(images, i);
  };
  ImageOptions options = kPlain;
  options.shift = 0.1;
  const auto [highest, lowest] = all(options, centre_row);
  CHECK(highest == Approx(14 - 2.8).margin(0.2));
  CHECK(lowest == Approx(14 + 2.8).margin(0.2));

  options = kPlain;
  options.scale = 0.2;
  const auto [smallest, largest] = all(options, ink);
  CHECK(largest / smallest == Approx(1.2 * 1.2 / (0.8 * 0.8)).epsilon(0.05));

  options = kPlain;
  options.thickness = 0.5;
  const auto [thinnest, thickest] = all(options, ink);
  // Lines of 0.2 and 0.6 radii: areas as 1 - 0.8^2 and 1 - 0.4^2.
  CHECK(thickest / thinnest == Approx(0.84 / 0.36).epsilon(0.05));
}

TEST_CASE("shapes: classes can be told apart by their means alone, far better than by chance") {
  Rng rng(6);
  const Images digits = tasks::digits(600, rng), shapes = tasks::shapes(600, rng);
  CHECK(nearest_mean_accuracy(digits, tasks::digits(300, rng)) > 0.6);  // chance: 0.1
  CHECK(nearest_mean_accuracy(shapes, tasks::shapes(300, rng)) > 0.6);  // chance: 0.17
}

TEST_CASE("shapes: the same seed gives the same images") {
  Rng one(7), two(7), three(8);
  const Images images = tasks::digits(20, one);
  CHECK(largest_difference(images.pixels, tasks::digits(20, two).pixels) == 0);
  CHECK(images.labels.to_vector() ==
        std::vector<double>{8, 3, 0, 7, 5, 6, 9, 4, 1, 8, 6, 2, 5, 2, 9, 0, 4, 3, 1, 7});
  CHECK_FALSE(images.pixels.to_vector() == tasks::digits(20, three).pixels.to_vector());
}

TEST_CASE("shapes: no images and options out of range are errors") {
  Rng rng(9);
  CHECK(thrown<ConfigError>([&] { tasks::digits(0, rng); }) ==
        "ConfigError: digits: 0 images asked for\n  requires count >= 1");
  CHECK(
      thrown<ConfigError>([&] { tasks::shapes(1, rng, {.slant = 0.75}); }) ==
      "ConfigError: shapes: size 28, shift 0.1, scale 0.15, slant 0.75, thickness 0.35, noise 0.05\n"
      "  requires size >= 8, shift in [0, 0.25], scale and slant in [0, 0.5], thickness in [0, 0.75], noise in "
      "[0, 1]");
  for (const ImageOptions& options :
       {ImageOptions{.size = 7}, {.shift = -0.1}, {.scale = 0.6}, {.thickness = 1}, {.noise = std::nan("")}})
    CHECK_THROWS_AS(tasks::digits(1, rng, options), ConfigError);
}

}  // namespace heed::tests
