#include "layers/positions.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "layers/init.h"

namespace heed {
namespace {

// f(source - target position) for each target and source, i32 [T, S].
template <class F>
Tensor of_distances(std::int64_t target, std::int64_t source, std::int64_t first, F f) {
  Tensor table = Tensor::empty({target, source}, DType::i32);
  auto* const to = table.fresh_data<std::int32_t>();
  for (std::int64_t t = 0; t < target; ++t)
    for (std::int64_t s = 0; s < source; ++s)
      to[t * source + s] = static_cast<std::int32_t>(f(s - (first + t)));
  return table;
}

// Cosines and sines of the angles, [T, d / 2] each.
std::array<Var, 2> turns(std::int64_t steps, std::int64_t pairs, double base, std::int64_t first, DType dtype) {
  Tensor cosines = Tensor::empty({steps, pairs}, DType::f64), sines = Tensor::empty({steps, pairs}, DType::f64);
  for (std::int64_t i = 0; i < pairs; ++i) {
    const double speed = std::pow(base, -static_cast<double>(i) / static_cast<double>(pairs));
    for (std::int64_t t = 0; t < steps; ++t) {
      const double angle = static_cast<double>(first + t) * speed;
      cosines.fresh_data<double>()[t * pairs + i] = std::cos(angle);
      sines.fresh_data<double>()[t * pairs + i] = std::sin(angle);
    }
  }
  return {Var(cosines.to(dtype)), Var(sines.to(dtype))};
}

}  // namespace

Tensor sinusoidal_positions(std::int64_t length, std::int64_t width, std::int64_t first) {
  Tensor positions = Tensor::empty({length, width}, DType::f64);
  double* const to = positions.fresh_data<double>();
  for (std::int64_t column = 0; column < width; ++column) {
    const double wave = std::pow(10000.0, -static_cast<double>(column / 2 * 2) / static_cast<double>(width));
    for (std::int64_t row = 0; row < length; ++row) {
      const double angle = static_cast<double>(first + row) * wave;
      to[row * width + column] = column % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  }
  return positions;
}

LearnedPositions::LearnedPositions(std::int64_t maximum, std::int64_t width, Rng& rng)
    : Module(text("LearnedPositions ", maximum, " x ", width)) {
  if (maximum < 1 || width < 1)
    throw ConfigError({.what = text("LearnedPositions: maximum ", maximum, ", width ", width),
                       .expected = "both at least 1"});
  weight_ = register_parameter("weight", init::normal({maximum, width}, 0.02, rng));
}

Var LearnedPositions::operator()(std::int64_t length, std::int64_t first) const {
  const ErrorFrame frame = enter();
  if (first < 0 || length < 0 || first + length > weight_.extent(0))
    throw IndexError(
        {.what = text("learned positions: ", length, " from ", first, " on, but there are ", weight_.extent(0)),
         .expected = text("positions in [0, ", weight_.extent(0), ")"),
         .operands = text("positions: ", weight_.value().origin())});
  return slice(weight_, 0, first, first + length);
}

Var rotate(const Var& x, const Rotary& rotary, std::int64_t first) {
  if (x.rank() < 2 || x.extent(-1) % 2 != 0)
    throw ShapeError({.what = text("rotate: x is ", x.shape()),
                      .expected = "x [..., T, d] with an even d",
                      .operands = text("x: ", x.value().origin())});
  const std::int64_t pairs = x.extent(-1) / 2;
  const auto [cosine, sine] = turns(x.extent(-2), pairs, rotary.base, first, x.dtype());
  if (rotary.layout == RotaryLayout::halves) {
    const Var a = slice(x, -1, 0, pairs), b = slice(x, -1, pairs, 2 * pairs);
    return concat({a * cosine - b * sine, a * sine + b * cosine}, -1);
  }
  const Var a = slice(x, -1, 0, 2 * pairs, 2), b = slice(x, -1, 1, 2 * pairs, 2);
  const Var turned = stack(std::array{a * cosine - b * sine, a * sine + b * cosine}, -1);  // [..., T, d / 2, 2]
  return reshape(turned, std::span(x.shape().begin(), x.shape().end()));
}

Tensor with_rotary_layout(const Tensor& map, std::int64_t heads, RotaryLayout to) {
  if (map.rank() < 1 || heads < 1 || map.extent(-1) % (2 * heads) != 0)
    throw ShapeError({.what = text("with_rotary_layout: the map is ", map.shape(), ", heads ", heads),
                      .expected = "a last axis of heads times an even width",
                      .operands = text("the map: ", map.origin())});
  const std::int64_t columns = map.extent(-1), pairs = columns / (2 * heads), rows = map.as_rows().extent(0);
  const Shape now = to == RotaryLayout::halves ? Shape{rows, heads, pairs, 2} : Shape{rows, heads, 2, pairs};
  return map.reshape(now).transpose(-2, -1).reshape(map.shape());
}

Tensor alibi_slopes(std::int64_t heads) {
  if (heads < 1) throw ConfigError({.what = text("alibi_slopes: heads ", heads), .expected = "heads >= 1"});
  std::int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  Tensor slopes = Tensor::empty({heads}, DType::f64);
  for (std::int64_t i = 0; i < heads; ++i) {
    const std::int64_t n = i < power ? power : 2 * power, step = i < power ? i + 1 : 2 * (i - power) + 1;
    slopes.fresh_data<double>()[i] = std::exp2(-8 * static_cast<double>(step) / static_cast<double>(n));
  }
  return slopes;
}

Tensor relative_buckets(std::int64_t target, std::int64_t source, const BucketBias& how, std::int64_t first) {
  const std::int64_t buckets = how.bidirectional ? how.buckets / 2 : how.buckets, exact = buckets / 2;
  if (exact < 1 || how.max_distance <= exact)
    throw ConfigError({.what = text("relative_buckets: buckets ", how.buckets, ", max_distance ",
                                    how.max_distance, how.bidirectional ? ", bidirectional" : ", causal"),
                       .expected = "two buckets a direction and max_distance above half of these"});
  const double near = static_cast<double>(exact), far = static_cast<double>(how.max_distance);
  return of_distances(target, source, first, [&](std::int64_t distance) {
    const std::int64_t offset = how.bidirectional && distance > 0 ? buckets : 0;
    const std::int64_t n = how.bidirectional ? std::abs(distance) : std::max<std::int64_t>(0, -distance);
    if (n < exact) return offset + n;
    const double share = std::log(static_cast<double>(n) / near) / std::log(far / near);
    return offset + std::min(buckets - 1,
                             exact + static_cast<std::int64_t>(share * static_cast<double>(buckets - exact)));
  });
}

Tensor clipped_distances(std::int64_t target, std::int64_t source, std::int64_t farthest, std::int64_t first) {
  if (farthest < 0)
    throw ConfigError({.what = text("clipped_distances: farthest ", farthest), .expected = "at least 0"});
  return of_distances(target, source, first, [&](std::int64_t distance) {
    return std::clamp(distance, -farthest, farthest) + farthest;
  });
}

}  // namespace heed
