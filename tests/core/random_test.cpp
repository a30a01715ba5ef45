#include "core/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words(std::uint64_t key, std::uint64_t stream, std::uint64_t counter) {
  const Philox::Block block = Philox::block(key, stream, counter);
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

// Pearson's statistic of counts against equal expectations.
template <class Counts>
double chi_square(const Counts& counts) {
  const double total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0));
  const double expected = total / static_cast<double>(counts.size());
  double statistic = 0;
  for (const int count : counts) statistic += (count - expected) * (count - expected) / expected;
  return statistic;
}

TEST_CASE("philox: the known answers that its authors publish (Random123, kat_vectors)") {
  CHECK(words(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint64_t ones = ~std::uint64_t{0};
  CHECK(words(ones, ones, ones) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("rng: the words are those of the blocks of its stream, in order") {
  Rng rng(42);
  for (std::uint64_t block = 0; block < 5; ++block)
    for (const std::uint32_t word : words(42, 0, block)) CHECK(rng.bits32() == word);
  CHECK(rng.state() == Rng::State{42, 0, 20});
  Rng wide(42);
  CHECK(wide.bits64() == (words(42, 0, 0)[0] | std::uint64_t{words(42, 0, 0)[1]} << 32));
}

TEST_CASE("rng: a generator made from a saved state goes on with the same draws, at any position") {
  for (int drawn = 0; drawn < 9; ++drawn) {
    Rng rng(7);
    for (int i = 0; i < drawn; ++i) rng.bits32();
    Rng resumed(rng.state());
    CHECK(resumed.state() == rng.state());
    for (int i = 0; i < 20; ++i) CHECK(resumed.normal() == rng.normal());
    CHECK(resumed.permutation(10) == rng.permutation(10));
    CHECK(resumed.state() == rng.state());
  }
}

TEST_CASE("rng: a copy draws the same and leaves the original where it was") {
  Rng rng(7);
  rng.bits32();
  Rng copy = rng;
  const std::uint32_t next = copy.bits32();
  CHECK(rng.bits32() == next);
}

TEST_CASE("rng: uniform numbers lie in [0, 1) with the moments of the uniform distribution") {
  Rng rng(1);
  const int n = 100000;
  double total = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double v = rng.uniform();
    REQUIRE(v >= 0);
    REQUIRE(v < 1);
    total += v;
    squares += v * v;
  }
  // Five standard errors: the variance of u is 1/12, that of u squared 4/45.
  CHECK(std::abs(total / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(squares / n - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
  for (int i = 0; i < 100; ++i) {
    const double v = rng.uniform(-3, -1);
    CHECK((v >= -3 && v < -1));
  }
}

TEST_CASE("rng: normal numbers have the first four moments of the standard normal distribution") {
  Rng rng(2);
  const int n = 100000;
  std::array<double, 4> moment{};
  int beyond_two = 0;
  for (int i = 0; i < n; ++i) {
    const double v = rng.normal();
    REQUIRE(std::isfinite(v));
    for (std::size_t k = 0; k < 4; ++k) moment[k] += std::pow(v, static_cast<double>(k + 1)) / n;
    beyond_two += std::abs(v) > 2;
  }
  CHECK(std::abs(moment[0]) < 5 * std::sqrt(1.0 / n));
  CHECK(std::abs(moment[1] - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::abs(moment[2]) < 5 * std::sqrt(15.0 / n));
  CHECK(std::abs(moment[3] - 3) < 5 * std::sqrt(96.0 / n));
  CHECK(std::abs(beyond_two - 0.0455 * n) < 5 * std::sqrt(0.0455 * 0.9545 * n));
}

TEST_CASE("rng: neighbouring normal numbers are not correlated") {
  Rng rng(3);
  const int n = 50000;
  double total = 0, before = rng.normal();
  for (int i = 0; i < n; ++i) {
    const double v = rng.normal();
    total += before * v;
    before = v;
  }
  CHECK(std::abs(total / n) < 5 / std::sqrt(n));
}

TEST_CASE("rng: below is uniform and within its bound") {
  Rng rng(4);
  std::array<int, 10> counts{};
  for (int i = 0; i < 20000; ++i) ++counts.at(static_cast<std::size_t>(rng.below(10)));
  CHECK(chi_square(counts) < 27.9);  // 9 degrees of freedom, p = 0.001
  CHECK(rng.below(1) == 0);
  // A bound just above 2^62, where taking the remainder of 63 bits would favour the low half two to one.
  const std::int64_t bound = (std::int64_t{1} << 62) + (std::int64_t{1} << 61);
  std::array<int, 3> thirds{};
  for (int i = 0; i < 6000; ++i) {
    const std::int64_t v = rng.below(bound);
    REQUIRE((v >= 0 && v < bound));
    ++thirds.at(static_cast<std::size_t>(v / (bound / 3)));
  }
  CHECK(chi_square(thirds) < 13.8);
  CHECK(thrown<ConfigError>([&] { rng.below(0); }) ==
        "ConfigError: Rng::below: the bound 0 leaves nothing to draw");
  CHECK_THROWS_AS(rng.below(-5), ConfigError);
}

TEST_CASE("rng: between includes both ends, up to the widest range, and an empty one is an error") {
  Rng rng(5);
  std::array<int, 3> counts{};
  for (int i = 0; i < 3000; ++i) ++counts.at(static_cast<std::size_t>(rng.between(-1, 1) + 1));
  CHECK(chi_square(counts) < 13.8);
  CHECK(rng.between(6, 6) == 6);
  CHECK(rng.between(INT64_MIN, -2) < -1);
  CHECK(thrown<ConfigError>([&] { rng.between(2, 1); }) ==
        "ConfigError: Rng::between: nothing can be drawn from 2 to 1");
  CHECK_THROWS_AS(rng.between(INT64_MIN, INT64_MAX), ConfigError);
}

TEST_CASE("rng: chance is true in its share") {
  Rng rng(6);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += rng.chance(0.3);
  CHECK(std::abs(hits - 3000) < 5 * std::sqrt(10000 * 0.3 * 0.7));
  CHECK_FALSE(rng.chance(0));
  CHECK(rng.chance(1));
}

TEST_CASE("rng: every order of three elements is equally likely") {
  Rng rng(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 12000; ++i) {
    std::array<int, 3> items{0, 1, 2};
    rng.shuffle(std::span<int>(items));
    REQUIRE(items[0] + items[1] + items[2] == 3);
    ++counts.at(static_cast<std::size_t>(2 * items[0] + (items[1] > items[2])));
  }
  CHECK(chi_square(counts) < 20.5);  // 5 degrees of freedom, p = 0.001
}

TEST_CASE("rng: a permutation has every number once") {
  Rng rng(8);
  std::vector<std::int64_t> order = rng.permutation(1000);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(rng.permutation(0).empty());
  CHECK_THROWS_AS(rng.permutation(-1), ConfigError);
  std::span<int> nothing;
  const Rng::State before = rng.state();
  rng.shuffle(nothing);
  CHECK(rng.state() == before);
}

TEST_CASE("rng: split generators are independent of each other and of the one they come from") {
  Rng rng(9);
  Rng a = rng.split(), b = rng.split();
  CHECK(a.state().stream != b.state().stream);
  CHECK(a.state().seed == 9);
  CHECK(rng.state().position == 4);
  const int n = 20000;
  double ab = 0, ar = 0;
  for (int i = 0; i < n; ++i) {
    const double va = a.uniform() - 0.5, vb = b.uniform() - 0.5, vr = rng.uniform() - 0.5;
    ab += va * vb * 12;
    ar += va * vr * 12;
  }
  CHECK(std::abs(ab / n) < 5 / std::sqrt(n));
  CHECK(std::abs(ar / n) < 5 / std::sqrt(n));
  Rng again(9);
  Rng first = again.split();
  first.bits32();
  CHECK(first.bits32() == [] {
    Rng source(9);
    Rng split = source.split();
    split.bits32();
    return split.bits32();
  }());
}

}  // namespace
}  // namespace heed::tests
