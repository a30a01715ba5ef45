// Random numbers from a counter, the same on every compiler, machine and number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace heed {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): block `counter` of the
/// stream of `key`, four words of 32 random bits. A pure function, so any part of a stream can be made
/// anywhere.
struct Philox {
  struct Block {
    std::uint32_t word[4];
  };
  static Block block(std::uint64_t key, std::uint64_t stream, std::uint64_t counter);
};

/// A generator passed explicitly; nothing in heed seeds itself. The state is three numbers that a checkpoint
/// keeps.
class Rng {
 public:
  struct State {
    std::uint64_t seed = 0, stream = 0, position = 0;  ///< position counts 32-bit words drawn
    bool operator==(const State&) const = default;
  };

  explicit Rng(std::uint64_t seed) : state_{seed, 0, 0} {}
  explicit Rng(const State& state) : state_(state) {}

  /// 32 or 64 random bits.
  std::uint32_t bits32();
  std::uint64_t bits64();
  /// Uniform in [0, 1), 53 random bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), without bias. Throws ConfigError unless n > 0.
  std::int64_t below(std::int64_t n);
  /// Uniform integer in [low, high]. Throws ConfigError when that is empty or has 2^63 numbers or more.
  std::int64_t between(std::int64_t low, std::int64_t high);
  /// Standard normal (the polar method of Marsaglia and Bray 1964); takes a varying number of words.
  double normal();
  /// True with the given probability.
  bool chance(double probability) { return uniform() < probability; }

  /// An independent generator: its stream is drawn from this one.
  Rng split();

  /// A random order of the elements (Fisher and Yates).
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
  }
  /// A random order of 0 … n-1. Throws ConfigError unless n >= 0.
  std::vector<std::int64_t> permutation(std::int64_t n);

  const State& state() const { return state_; }

 private:
  State state_;
  Philox::Block block_{};
  std::uint64_t block_index_ = ~std::uint64_t{0};  // which block of the stream `block_` holds
};

}  // namespace heed
