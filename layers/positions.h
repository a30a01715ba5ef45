// Positions: what tells attention, which sees a set, where in a sequence each element stands.
//
// Those here are added to vectors or turn them; attention_positions.h has the ways that act inside of
// attention. Positions count from 0, or from `first` where only later ones are at hand, as in decoding.
#pragma once

#include "layers/module.h"

namespace heed {

/// Positions first, first + 1, … as waves of geometrically growing length (Vaswani et al. 2017), [length,
/// width] (f64): column 2i of position p is sin(p / 10000^(2i / width)), column 2i + 1 the cosine of the same;
/// an odd width ends with a sine.
Tensor sinusoidal_positions(std::int64_t length, std::int64_t width, std::int64_t first = 0);

/// A learnt vector for each position below a maximum. Parameter `weight` [maximum, width], normal with
/// deviation 0.02 (Devlin et al. 2019).
class LearnedPositions : public Module {
 public:
  /// Throws ConfigError unless maximum and width are at least 1.
  LearnedPositions(std::int64_t maximum, std::int64_t width, Rng& rng);
  /// The vectors of positions first … first + length - 1, [length, width]. Throws IndexError beyond the
  /// maximum.
  Var operator()(std::int64_t length, std::int64_t first = 0) const;

 private:
  Var weight_;
};

/// Which two elements of a vector turn together: neighbours 2i and 2i + 1 (as the paper has it), or i and i +
/// d/2 (as GPT-NeoX and Llama in its common form).
enum class RotaryLayout { interleaved, halves };

struct Rotary {
  RotaryLayout layout = RotaryLayout::interleaved;
  double base = 10000;
};

/// x [..., T, d] with pair i of row t turned by the angle (first + t) base^(-2i / d) (rotary positions, Su et
/// al. 2021). Products of two turned rows depend on how far apart they stand only; norms stay. Throws
/// ShapeError unless d is even.
Var rotate(const Var& x, const Rotary& rotary, std::int64_t first = 0);

/// A map to the queries or keys of some heads, weight [..., heads d] or bias [heads d], that gives with `to`
/// what the given one gives with the other layout. Throws ShapeError unless heads and an even d divide the last
/// axis.
Tensor with_rotary_layout(const Tensor& map, std::int64_t heads, RotaryLayout to);

/// How steeply the scores of each head fall with distance in ALiBi, [heads] (f64): a geometric sequence from
/// 2^(-8/n) for n heads, n a power of two; for other numbers that of the next smaller power, then every other
/// one of the next larger (Press et al. 2022). Throws ConfigError unless there is a head.
Tensor alibi_slopes(std::int64_t heads);

/// Buckets of relative distance as of T5 (Raffel et al. 2020).
struct BucketBias {
  std::int64_t buckets = 32;
  std::int64_t max_distance = 128;  ///< from here on all distances share the last bucket
  bool bidirectional = true;        ///< half of the buckets for later sources; else these share bucket 0
};

/// The bucket of each target and source, i32 [T, S]: near distances have one each, farther ones share buckets
/// that grow geometrically. Throws ConfigError unless there are two buckets a direction and the distance
/// exceeds half of them.
Tensor relative_buckets(std::int64_t target, std::int64_t source, const BucketBias& how,
                        std::int64_t first = 0);

/// Source minus target position, no farther than `farthest` either way, plus `farthest`: i32 [T, S] in [0, 2
/// farthest]. Throws ConfigError unless farthest is at least 0.
Tensor clipped_distances(std::int64_t target, std::int64_t source, std::int64_t farthest,
                         std::int64_t first = 0);

}  // namespace heed
