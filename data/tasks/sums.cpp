#include "data/tasks/sums.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/tasks/distinct.h"

namespace heed::tasks {

Pairs sums(std::int64_t count, Rng& rng, SumOptions options) {
  if (options.max_digits < 1 || options.max_digits > 9)
    throw ConfigError({.what = text("sums: max_digits is ", options.max_digits),
                       .expected = text("1 <= max_digits <= 9, got ", options.max_digits)});
  if (count < 1)
    throw ConfigError({.what = text("sums: ", count, " examples asked for"), .expected = "count >= 1"});
  std::vector<std::int64_t> power{1};
  for (int i = 0; i < options.max_digits; ++i) power.push_back(power.back() * 10);
  const std::int64_t numbers = power.back(), existing = numbers * (numbers + 1) / 2;
  if (count > existing)
    throw ConfigError({.what = text("sums: ", count, " examples asked for, but with summands of at most ",
                                    options.max_digits, " digits only ", existing, " exist"),
                       .expected = text("count <= ", existing, ", got ", count)});

  // An item is both summands in one number, the smaller one first, so that an order cannot make it a new one.
  const auto item = [&](std::int64_t a, std::int64_t b) { return std::min(a, b) * numbers + std::max(a, b); };
  const auto summand = [&] {
    return rng.below(power[static_cast<std::size_t>(rng.between(1, options.max_digits))]);
  };
  const auto propose = [&](std::int64_t) {
    const std::int64_t a = summand(), b = summand();
    return item(a, b);
  };
  const auto every = [&] {
    std::vector<std::int64_t> items;
    items.reserve(static_cast<std::size_t>(existing));
    for (std::int64_t a = 0; a < numbers; ++a)
      for (std::int64_t b = a; b < numbers; ++b) items.push_back(item(a, b));
    return items;
  };

  Pairs pairs;
  pairs.reserve(static_cast<std::size_t>(count));
  for (const std::int64_t drawn : draw_distinct<std::int64_t>(count, rng, propose, every)) {
    std::int64_t a = drawn / numbers, b = drawn % numbers;
    if (rng.chance(0.5)) std::swap(a, b);
    pairs.push_back({text(a, "+", b), std::to_string(a + b)});
  }
  return pairs;
}

}  // namespace heed::tasks
