#include "data/tasks/sums.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

std::pair<std::string, std::string> summands(const Pair& pair) {
  const std::size_t plus = pair.source.find('+');
  REQUIRE(plus != std::string::npos);
  return {pair.source.substr(0, plus), pair.source.substr(plus + 1)};
}

bool is_right(const Pair& pair, std::size_t max_digits) {
  const auto [a, b] = summands(pair);
  for (const std::string* number : {&a, &b})
    if (number->empty() || number->size() > max_digits || (number->size() > 1 && number->front() == '0'))
      return false;
  return std::to_string(std::stoll(a) + std::stoll(b)) == pair.target;
}

}  // namespace

TEST_CASE("sums: every sum is right and has no more digits than asked for") {
  Rng rng(1);
  for (const int max_digits : {1, 2, 3, 9}) {
    const Pairs pairs = tasks::sums(50, rng, {.max_digits = max_digits});
    CHECK(pairs.size() == 50);
    CHECK(std::all_of(pairs.begin(), pairs.end(),
                      [&](const Pair& pair) { return is_right(pair, static_cast<std::size_t>(max_digits)); }));
  }
}

TEST_CASE("sums: all that exist can be had, each once, whichever summand stands first") {
  Rng rng(2);
  for (const auto& [max_digits, existing] : {std::pair(1, 55), std::pair(2, 5050)}) {
    std::set<std::pair<std::string, std::string>> seen;
    int swapped = 0;
    for (const Pair& pair : tasks::sums(existing, rng, {.max_digits = max_digits})) {
      const auto [a, b] = summands(pair);
      seen.insert(std::minmax(a, b));
      swapped += std::stoi(a) > std::stoi(b) ? 1 : 0;
    }
    CHECK(std::cmp_equal(seen.size(), existing));
    CHECK(swapped > existing / 3);
    CHECK(swapped < existing * 2 / 3);
  }
}

TEST_CASE("sums: every number of digits is about as frequent, far from uniform numbers") {
  Rng rng(3);
  std::array<int, 10> count{};
  for (const Pair& pair : tasks::sums(1800, rng, {.max_digits = 9}))
    for (const std::string& summand : {summands(pair).first, summands(pair).second}) ++count[summand.size()];
  // 400 expected, a tenth more or less where zeros in front are dropped, and a standard deviation of 19.
  for (std::size_t digits = 1; digits <= 9; ++digits) {
    INFO(digits << " digits");
    CHECK(count[digits] > 300);
    CHECK(count[digits] < 500);
  }
}

TEST_CASE("sums: the same seed gives the same sums on every machine") {
  Rng one(42), two(42), three(43);
  const Pairs pairs = tasks::sums(100, one);
  CHECK(pairs == tasks::sums(100, two));
  CHECK_FALSE(pairs == tasks::sums(100, three));
  CHECK(pairs[0] == Pair{"9+0", "9"});
  CHECK(pairs[99] == Pair{"42+4", "46"});
}

TEST_CASE("sums: more than exist, none and digits out of range are errors") {
  Rng rng(4);
  CHECK(thrown<ConfigError>([&] { tasks::sums(56, rng, {.max_digits = 1}); }) ==
        "ConfigError: sums: 56 examples asked for, but with summands of at most 1 digits only 55 exist\n"
        "  requires count <= 55, got 56");
  CHECK(thrown<ConfigError>([&] { tasks::sums(0, rng); }) ==
        "ConfigError: sums: 0 examples asked for\n  requires count >= 1");
  CHECK(thrown<ConfigError>([&] { tasks::sums(5, rng, {.max_digits = 10}); }) ==
        "ConfigError: sums: max_digits is 10\n  requires 1 <= max_digits <= 9, got 10");
}

}  // namespace heed::tests
