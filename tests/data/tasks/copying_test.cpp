#include "data/tasks/copying.h"

#include <array>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {

TEST_CASE("copying: vectors, a delimiter alone in its channel, then as many steps without input") {
  Rng rng(1);
  for (const bool one_length : {true, false}) {
    const tasks::CopyBatch batch =
        tasks::copying(6, rng, {.bits = 5, .shortest = 2, .longest = 7, .one_length = one_length});
    const std::int64_t steps = batch.x.extent(1);
    REQUIRE(batch.x.shape() == Shape{6, steps, 6});
    REQUIRE(batch.target.shape() == Shape{6, steps, 5});
    REQUIRE(batch.mask.shape() == Shape{6, steps, 1});
    std::int64_t longest = 0;
    for (std::int64_t b = 0; b < 6; ++b) {
      const auto length = static_cast<std::int64_t>(batch.lengths.at({b}));
      longest = std::max(longest, length);
      CHECK((length >= 2 && length <= 7));
      for (std::int64_t t = 0; t < steps; ++t) {
        const bool writing = t > length && t <= 2 * length;
        CHECK(batch.mask.at({b, t, 0}) == (writing ? 1 : 0));
        CHECK(batch.x.at({b, t, 5}) == (t == length ? 1 : 0));
        for (std::int64_t i = 0; i < 5; ++i) {
          const double in = batch.x.at({b, t, i}), out = batch.target.at({b, t, i});
          CHECK((in == 0 || (in == 1 && t < length)));
          CHECK(out == (writing ? batch.x.at({b, t - length - 1, i}) : 0));
        }
      }
    }
    CHECK(steps == 2 * longest + 1);
  }
}

TEST_CASE("copying: bits are fair, lengths uniform from the shortest to the longest") {
  Rng rng(2);
  const tasks::CopyBatch batch = tasks::copying(600, rng, {.shortest = 3, .longest = 5, .one_length = false});
  std::array<int, 6> count{};
  for (const double length : batch.lengths.to_vector()) ++count[static_cast<std::size_t>(length)];
  for (std::size_t length = 3; length <= 5; ++length)
    CHECK(std::abs(count[length] - 200) < 60);  // five deviations
  const double bits = sum(batch.mask).item() * 8;
  CHECK(std::abs(sum(batch.target).item() / bits - 0.5) < 0.02);  // over five deviations of 0.0037
}

TEST_CASE("copying: a batch has one length unless asked otherwise, and batches differ") {
  Rng rng(3);
  std::array<bool, 21> seen{};
  for (int i = 0; i < 200; ++i) {
    const tasks::CopyBatch batch = tasks::copying(2, rng);
    CHECK(batch.lengths.at({0}) == batch.lengths.at({1}));
    seen[static_cast<std::size_t>(batch.lengths.at({0}))] = true;
    CHECK(batch.x.extent(2) == 9);
  }
  for (std::size_t length = 1; length <= 20; ++length) CHECK(seen[length]);
  CHECK_FALSE(seen[0]);
}

TEST_CASE("copying: the same seed gives the same sequences on every machine") {
  Rng one(42), two(42), three(43);
  const tasks::CopyBatch batch = tasks::copying(3, one), again = tasks::copying(3, two),
                         other = tasks::copying(3, three);
  CHECK(identical(batch.x, again.x));
  CHECK(identical(batch.target, again.target));
  CHECK_FALSE(identical(batch.x, other.x));
  CHECK(batch.lengths.at({0}) == 20);
  CHECK(batch.x.select(0, 0).select(0, 0).to_vector() == std::vector<double>{1, 1, 1, 0, 0, 0, 1, 0, 0});
  CHECK(batch.target.select(0, 2).select(0, 40).to_vector() == std::vector<double>{1, 0, 1, 1, 1, 0, 1, 1});
}

TEST_CASE("copying: sizes that make no sense are errors") {
  Rng rng(4);
  CHECK(thrown<ConfigError>([&] { tasks::copying(1, rng, {.shortest = 5, .longest = 4}); }) ==
        "ConfigError: copying: batch 1, bits 8, lengths 5 to 4\n"
        "  requires batch >= 1, bits >= 1 and 1 <= shortest <= longest");
  CHECK_THROWS_AS(tasks::copying(0, rng), ConfigError);
  CHECK_THROWS_AS(tasks::copying(1, rng, {.bits = 0}), ConfigError);
  CHECK_THROWS_AS(tasks::copying(1, rng, {.shortest = 0}), ConfigError);
}

}  // namespace heed::tests
