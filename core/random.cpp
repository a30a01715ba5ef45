#include "core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "core/error.h"

namespace heed {

Philox::Block Philox::block(std::uint64_t key, std::uint64_t stream, std::uint64_t counter) {
  std::uint32_t c0 = static_cast<std::uint32_t>(counter), c1 = static_cast<std::uint32_t>(counter >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(stream), c3 = static_cast<std::uint32_t>(stream >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0, p1 = std::uint64_t{0xCD9E8D57} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c0 = n0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = n2;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

std::uint32_t Rng::bits32() {
  const std::uint64_t index = state_.position / 4;
  if (index != block_index_) {
    block_ = Philox::block(state_.seed, state_.stream, index);
    block_index_ = index;
  }
  return block_.word[state_.position++ % 4];
}

std::uint64_t Rng::bits64() {
  const std::uint64_t low = bits32();
  return low | std::uint64_t{bits32()} << 32;
}

double Rng::uniform() { return static_cast<double>(bits64() >> 11) * 0x1.0p-53; }

std::int64_t Rng::below(std::int64_t n) {
  if (n <= 0) throw ConfigError({.what = text("Rng::below: the bound ", n, " leaves nothing to draw")});
  // Numbers past the last whole multiple of n are drawn again: the rest would favour small results.
  const std::uint64_t range = static_cast<std::uint64_t>(n);
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % range + 1) % range;
  std::uint64_t bits = bits64();
  while (bits > limit) bits = bits64();
  return static_cast<std::int64_t>(bits % range);
}

std::int64_t Rng::between(std::int64_t low, std::int64_t high) {
  const std::uint64_t numbers = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (low > high || numbers == 0 || numbers > static_cast<std::uint64_t>(INT64_MAX))
    throw ConfigError({.what = text("Rng::between: nothing can be drawn from ", low, " to ", high)});
  return low + below(static_cast<std::int64_t>(numbers));
}

namespace {

// The logarithm by operations that every machine rounds alike; a library's differs in its last bit from
// processor to processor. With x = m 2^e and t = (m - 1) / (m + 1):  log x = e log 2 + 2 (t + t³/3 + t⁵/5 + …),
// |t| < 0.172.
double same_log_everywhere(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // in [0.5, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double t = (mantissa - 1) / (mantissa + 1), square = t * t;
  double series = 0;
  for (int k = 21; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return exponent * std::numbers::ln2 + 2 * t * series;
}

}  // namespace

double Rng::normal() {
  for (;;) {
    const double u = uniform(-1, 1), v = uniform(-1, 1), square = u * u + v * v;
    if (square < 1 && square > 0) return u * std::sqrt(-2 * same_log_everywhere(square) / square);
  }
}

Rng Rng::split() {
  const std::uint64_t stream = bits64();
  return Rng(State{state_.seed, stream, 0});
}

std::vector<std::int64_t> Rng::permutation(std::int64_t n) {
  if (n < 0) throw ConfigError({.what = text("Rng::permutation: ", n, " numbers have no order")});
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  shuffle(std::span(order));
  return order;
}

}  // namespace heed
