#include "data/split.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Pairs with many repeats: sources s0 ... s(sources-1), some of them with two targets.
Pairs repetitive(std::int64_t count, std::int64_t sources, Rng& rng) {
  Pairs pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t source = rng.below(sources);
    pairs.push_back({text("s", source), text("t", source / 3 + rng.below(2))});
  }
  return pairs;
}

Pairs numbered(std::int64_t count) {
  Pairs pairs;
  for (std::int64_t i = 0; i < count; ++i) pairs.push_back({text("s", i), text("t", i)});
  return pairs;
}

std::vector<std::pair<std::string, std::string>> sorted(const Pairs& a, const Pairs& b = {}) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Pairs* side : {&a, &b})
    for (const Pair& pair : *side) all.emplace_back(pair.source, pair.target);
  std::sort(all.begin(), all.end());
  return all;
}

// The report from its definitions, one comparison at a time.
LeakReport compared_one_by_one(const Pairs& train, const Pairs& unseen) {
  LeakReport report;
  const auto side = [](const Pairs& pairs, std::int64_t& sources, std::int64_t& duplicates) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      bool new_source = true, new_pair = true;
      for (std::size_t j = 0; j < i; ++j) {
        new_source = new_source && pairs[j].source != pairs[i].source;
        new_pair = new_pair && !(pairs[j] == pairs[i]);
      }
      sources += new_source ? 1 : 0;
      duplicates += new_pair ? 0 : 1;
    }
    return std::ssize(pairs);
  };
  report.train = side(train, report.train_sources, report.train_duplicates);
  report.unseen = side(unseen, report.unseen_sources, report.unseen_duplicates);
  const auto count = [&](auto leaks) {
    return std::count_if(unseen.begin(), unseen.end(), [&](const Pair& pair) {
      return std::any_of(train.begin(), train.end(), [&](const Pair& seen) { return leaks(pair, seen); });
    });
  };
  report.source_in_train = count([](const Pair& a, const Pair& b) { return a.source == b.source; });
  report.target_in_train = count([](const Pair& a, const Pair& b) { return a.target == b.target; });
  report.contradicted =
      count([](const Pair& a, const Pair& b) { return a.source == b.source && a.target != b.target; });
  return report;
}

}  // namespace

TEST_CASE("split: a random split keeps every example once, in order, and gives the share asked for") {
  Rng rng(1);
  const Pairs pairs = numbered(1005);
  const auto [train, unseen] = split_random(pairs, 0.1, rng);
  CHECK(unseen.size() == 101);  // 100.5 rounded
  CHECK(sorted(train, unseen) == sorted(pairs));
  const auto in_order = [](const Pair& a, const Pair& b) {
    return std::stoi(a.source.substr(1)) < std::stoi(b.source.substr(1));
  };
  CHECK(std::is_sorted(train.begin(), train.end(), in_order));
  CHECK(std::is_sorted(unseen.begin(), unseen.end(), in_order));
}

TEST_CASE("split: every example is as likely as any other to be unseen") {
  Rng rng(2);
  for (const bool leak_free : {false, true}) {
    std::vector<int> times(20);
    for (int round = 0; round < 4000; ++round) {
      const Split split =
          leak_free ? split_leak_free(numbered(20), 0.25, rng) : split_random(numbered(20), 0.25, rng);
      for (const Pair& pair : split.unseen) ++times[static_cast<std::size_t>(std::stoi(pair.source.substr(1)))];
    }
    // 1000 expected; the standard deviation is 27.
    CHECK(*std::min_element(times.begin(), times.end()) > 880);
    CHECK(*std::max_element(times.begin(), times.end()) < 1120);
  }
}

TEST_CASE("split: the same seed gives the same split, another seed another") {
  const auto unseen = [](std::uint64_t seed, bool leak_free) {
    Rng rng(seed);
    return (leak_free ? split_leak_free(numbered(100), 0.2, rng) : split_random(numbered(100), 0.2, rng))
        .unseen;
  };
  for (const bool leak_free : {false, true}) {
    CHECK(unseen(1, leak_free) == unseen(1, leak_free));
    CHECK_FALSE(unseen(1, leak_free) == unseen(2, leak_free));
  }
}

TEST_CASE("split: leak-free keeps every example and lets no source stand on both sides") {
  Rng rng(3);
  for (int round = 0; round < 50; ++round) {
    const Pairs pairs = repetitive(rng.between(200, 300), rng.between(30, 300), rng);
    const auto [train, unseen] = split_leak_free(pairs, 0.2, rng);
    CHECK(sorted(train, unseen) == sorted(pairs));
    CHECK(leak_report(train, unseen).source_in_train == 0);
    CHECK(std::ssize(unseen) <= std::ssize(pairs) / 5 + 1);
    CHECK(std::ssize(unseen) >= std::ssize(pairs) / 5 - 20);
  }
}

TEST_CASE("split: leak-free by source and target shares neither, and by source alone does share targets") {
  Rng rng(4);
  std::int64_t shared = 0;
  for (int round = 0; round < 50; ++round) {
    Pairs pairs;
    for (int i = 0; i < 300; ++i) {
      const std::int64_t day = rng.below(60);
      pairs.push_back({text("s", day, "/", rng.below(4)), text("t", day)});
    }
    const auto [train, unseen] = split_leak_free(pairs, 0.2, rng, Apart::kSourcesAndTargets);
    CHECK(sorted(train, unseen) == sorted(pairs));
    const LeakReport report = leak_report(train, unseen);
    CHECK(report.source_in_train == 0);
    CHECK(report.target_in_train == 0);
    const auto [other_train, other_unseen] = split_leak_free(pairs, 0.2, rng);
    shared += leak_report(other_train, other_unseen).target_in_train;
  }
  CHECK(shared > 1000);
}

TEST_CASE("split: sources and targets that hang together in a chain stay together") {
  // a-1, 1-b, b-2, 2-c hang together through alternating sides; d-3 stands alone.
  const Pairs pairs{{"a", "1"}, {"d", "3"}, {"b", "1"}, {"b", "2"}, {"c", "2"}};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const auto [train, unseen] = split_leak_free(pairs, 0.2, rng, Apart::kSourcesAndTargets);
    CHECK(unseen == Pairs{{"d", "3"}});
  }
}

TEST_CASE("split: without repeats leak-free gives exactly the share") {
  Rng rng(5);
  CHECK(split_leak_free(numbered(1000), 0.1, rng).unseen.size() == 100);
}

TEST_CASE("split: shares that make no sense are errors") {
  Rng rng(6);
  CHECK(thrown<ConfigError>([&] { split_random(numbered(10), 1.5, rng); }) ==
        "ConfigError: split_random: the share of unseen examples is 1.5\n"
        "  requires 0 < share < 1, got 1.5");
  CHECK(thrown<ConfigError>([&] { split_leak_free(numbered(10), 0.01, rng); }) ==
        "ConfigError: split_leak_free: a share of 0.01 of 10 examples leaves one side without any");
  CHECK_THROWS_AS(split_random(numbered(10), 0.0, rng), ConfigError);
  CHECK_THROWS_AS(split_random(numbered(10), 0.99, rng), ConfigError);
  CHECK_THROWS_AS(split_random({}, 0.5, rng), ConfigError);
  CHECK(thrown<ConfigError>([&] {
          split_leak_free(Pairs(10, {"a", "1"}), 0.2, rng);
        }) ==
        "ConfigError: split_leak_free: each of the 1 groups of examples that must stay together is larger than "
        "the 2 "
        "unseen examples asked for");
}

TEST_CASE("split: the leak report of a small case") {
  const Pairs train{{"a", "1"}, {"a", "1"}, {"b", "2"}, {"c", "3"}};
  const Pairs unseen{{"a", "1"}, {"a", "9"}, {"d", "2"}, {"e", "5"}, {"e", "5"}};
  const LeakReport report = leak_report(train, unseen);
  CHECK(to_string(report) ==
        "train:  4 examples, 3 distinct sources, 1 duplicates\n"
        "unseen: 5 examples, 3 distinct sources, 1 duplicates\n"
        "source stands in train: 2 of 5 unseen examples (40.00 %)\n"
        "target stands in train: 2 of 5 unseen examples (40.00 %)\n"
        "source stands in train with another target: 1 of 5 unseen examples (20.00 %)\n");
}

TEST_CASE("split: the leak report agrees with its definitions on random data") {
  Rng rng(8);
  for (int round = 0; round < 20; ++round) {
    const auto [train, unseen] = split_random(repetitive(200, rng.between(5, 300), rng), 0.3, rng);
    CHECK(leak_report(train, unseen) == compared_one_by_one(train, unseen));
  }
  CHECK(leak_report({}, {}) == LeakReport{});
}

}  // namespace heed::tests
