#include "data/tasks/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed::tasks {
namespace {

struct Point {
  double x, y;
};

// How one drawing stands in its image, in pixels.
struct Pose {
  Point centre;
  double radius;  // half the height of the drawing
  double slant;
  double thickness;  // a factor of the usual width of lines
};

using Segment = std::pair<Point, Point>;
using Glyph = std::array<std::string_view, 7>;

constexpr std::array<Glyph, 10> kDigits{{{" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "},
                                         {"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "},
                                         {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"},
                                         {"#####", "   # ", "  #  ", "   # ", "    #", "#   #", " ### "},
                                         {"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "},
                                         {"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "},
                                         {"  ## ", " #   ", "#    ", "#### ", "#   #", "#   #", " ### "},
                                         {"#####", "    #", "   # ", "  #  ", " #   ", " #   ", " #   "},
                                         {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "},
                                         {" ### ", "#   #", "#   #", " ####", "    #", "   # ", " ##  "}}};

// Lines between neighbouring dots, aslant only where there is no way around the corner; the dots are 1 apart
// and the middle of the font is the origin.
std::vector<Segment> lines_of(const Glyph& glyph) {
  const auto is_dot = [&](int x, int y) {
    return x >= 0 && x < 5 && y < 7 && glyph[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#';
  };
  std::vector<Segment> lines;
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 5; ++x) {
      if (!is_dot(x, y)) continue;
      const auto connect = [&](int dx, int dy) {
        lines.push_back({{x - 2.0, y - 3.0}, {x + dx - 2.0, y + dy - 3.0}});
      };
      if (is_dot(x + 1, y)) connect(1, 0);
      if (is_dot(x, y + 1)) connect(0, 1);
      for (const int side : {-1, 1})
        if (is_dot(x + side, y + 1) && !is_dot(x + side, y) && !is_dot(x, y + 1)) connect(side, 1);
    }
  return lines;
}

double distance(Point p, const Segment& line) {
  const auto [from, to] = line;
  const double dx = to.x - from.x, dy = to.y - from.y, px = p.x - from.x, py = p.y - from.y;
  const double along = std::clamp((px * dx + py * dy) / (dx * dx + dy * dy), 0.0, 1.0);
  return std::sqrt((px - along * dx) * (px - along * dx) + (py - along * dy) * (py - along * dy));
}

// Makes each pixel the share of it that is covered: 0 from half a pixel outside the drawing, 1 from half a
// pixel inside. outside(middle of a pixel) says how far that lies outside, in pixels, negative inside.
template <class Outside>
void draw(float* pixels, std::int64_t size, Outside outside) {
  for (std::int64_t row = 0; row < size; ++row)
    for (std::int64_t column = 0; column < size; ++column) {
      const Point middle{static_cast<double>(column) + 0.5, static_cast<double>(row) + 0.5};
      *pixels++ = static_cast<float>(std::clamp(0.5 - outside(middle), 0.0, 1.0));
    }
}

void draw_digit(float* pixels, std::int64_t size, std::size_t digit, const Pose& pose) {
  const double step = pose.radius / 3;  // six steps high
  std::vector<Segment> lines = lines_of(kDigits[digit]);
  const auto place = [&](Point p) {
    return Point{pose.centre.x + step * (p.x - pose.slant * p.y), pose.centre.y + step * p.y};
  };
  for (auto& [from, to] : lines) from = place(from), to = place(to);
  const double half_width = 0.45 * step * pose.thickness;
  draw(pixels, size, [&](Point p) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const Segment& line : lines) nearest = std::min(nearest, distance(p, line));
    return nearest - half_width;
  });
}

constexpr std::array<std::string_view, 6> kShapes = {"disc", "ring", "square", "frame", "triangle", "cross"};

// How far a point lies outside a shape of that radius around the origin; `width` is that of its lines.
double outside_shape(std::string_view shape, Point p, double radius, double width) {
  const double length = std::sqrt(p.x * p.x + p.y * p.y), box = std::max(std::abs(p.x), std::abs(p.y));
  const double half_side = 0.85 * radius, half = width / 2;
  if (shape == "disc") return length - radius;
  if (shape == "ring") return std::abs(length - (radius - half)) - half;
  if (shape == "square") return box - half_side;
  if (shape == "frame") return std::abs(box - (half_side - half)) - half;
  if (shape == "triangle")  // with one corner up, its three sides half a radius from the middle
    return std::max(p.y, std::abs(p.x) * (std::numbers::sqrt3 / 2) - p.y / 2) - radius / 2;
  return std::min(std::max(std::abs(p.x) - radius, std::abs(p.y) - half),
                  std::max(std::abs(p.y) - radius, std::abs(p.x) - half));  // cross
}

void draw_shape(float* pixels, std::int64_t size, std::size_t shape, const Pose& pose) {
  const double width = 0.4 * pose.radius * pose.thickness;
  draw(pixels, size, [&](Point p) {
    const double y = p.y - pose.centre.y, x = p.x - pose.centre.x + pose.slant * y;
    return outside_shape(kShapes[shape], {x, y}, pose.radius, width);
  });
}

void check(std::int64_t count, const ImageOptions& options, const char* operation) {
  if (count < 1)
    throw ConfigError({.what = text(operation, ": ", count, " images asked for"), .expected = "count >= 1"});
  const auto within = [](double value, double most) { return value >= 0 && value <= most; };
  if (options.size < 8 || !within(options.shift, 0.25) || !within(options.scale, 0.5) ||
      !within(options.slant, 0.5) || !within(options.thickness, 0.75) || !within(options.noise, 1))
    throw ConfigError(
        {.what = text(operation, ": size ", options.size, ", shift ", options.shift, ", scale ", options.scale,
                      ", slant ", options.slant, ", thickness ", options.thickness, ", noise ", options.noise),
         .expected = "size >= 8, shift in [0, 0.25], scale and slant in [0, 0.5], thickness in "
                     "[0, 0.75], noise in [0, 1]"});
}

template <class Draw>
Images images(std::int64_t count, Rng& rng, const ImageOptions& options, std::vector<std::string> classes,
              Draw draw_class) {
  const double size = static_cast<double>(options.size);
  const auto kinds = static_cast<std::int64_t>(classes.size());
  Images images{{Tensor::empty({count, 1, options.size, options.size}), Tensor::empty({count}, DType::i32)},
                std::move(classes)};
  const std::vector<std::int64_t> order = rng.permutation(count);
  const auto about = [&](double value, double spread) { return rng.uniform(value - spread, value + spread); };
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = order[static_cast<std::size_t>(i)] % kinds;
    Pose pose{};
    pose.centre.x = size * about(0.5, options.shift);
    pose.centre.y = size * about(0.5, options.shift);
    pose.radius = 0.29 * size * about(1, options.scale);
    pose.slant = about(0, options.slant);
    pose.thickness = about(1, options.thickness);
    const std::int64_t area = options.size * options.size;
    float* const pixels = images.pixels.fresh_data<float>() + i * area;
    draw_class(pixels, options.size, static_cast<std::size_t>(label), pose);
    if (options.noise > 0)
      for (std::int64_t k = 0; k < area; ++k)
        pixels[k] = std::clamp(pixels[k] + static_cast<float>(options.noise * rng.normal()), 0.0f, 1.0f);
    images.labels.fresh_data<std::int32_t>()[i] = static_cast<std::int32_t>(label);
  }
  return images;
}

}  // namespace

Images digits(std::int64_t count, Rng& rng, const ImageOptions& options) {
  check(count, options, "digits");
  std::vector<std::string> classes;
  for (char digit = '0'; digit <= '9'; ++digit) classes.emplace_back(1, digit);
  return images(count, rng, options, std::move(classes), draw_digit);
}

Images shapes(std::int64_t count, Rng& rng, const ImageOptions& options) {
  check(count, options, "shapes");
  return images(count, rng, options, {kShapes.begin(), kShapes.end()}, draw_shape);
}

}  // namespace heed::tasks
