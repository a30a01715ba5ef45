#include "data/loader.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/vocabulary.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Sources "a", "bb", "ccc", ... so that a sequence tells which example it is.
Pairs lettered(std::int64_t count) {
  Pairs pairs;
  for (std::int64_t i = 0; i < count; ++i)
    pairs.push_back({std::string(static_cast<std::size_t>(i % 5 + 1), static_cast<char>('a' + i)), "z"});
  return pairs;
}

std::vector<std::vector<std::string>> sources(Epoch epoch, const Vocabulary& characters) {
  std::vector<std::vector<std::string>> batches;
  for (const Batch& batch : epoch) {
    batches.emplace_back();
    for (std::int64_t b = 0; b < batch.size(); ++b)
      batches.back().push_back(characters.decode(batch.source.sequence(b)));
  }
  return batches;
}

}  // namespace

TEST_CASE("loader: every example comes once an epoch, in another order each time") {
  const Pairs pairs = lettered(10);
  const Vocabulary characters(pairs);
  for (const std::int64_t sort_window : {0, 1, 2}) {
    const Loader loader(pairs, characters, {.batch = 4, .sort_window = sort_window});
    Rng rng(1);
    const auto first = sources(loader.epoch(rng), characters), second = sources(loader.epoch(rng), characters);
    CHECK_FALSE(first == second);
    for (const auto& epoch : {first, second}) {
      CHECK(std::ssize(epoch) == loader.batches());
      std::vector<std::string> seen, expected;
      for (const auto& batch : epoch) seen.insert(seen.end(), batch.begin(), batch.end());
      for (const Pair& pair : pairs) expected.push_back(pair.source);
      std::sort(seen.begin(), seen.end());
      CHECK(seen == expected);
    }
  }
}

TEST_CASE("loader: a pass taken up again gives the rest") {
  const Pairs pairs = lettered(10);
  const Vocabulary characters(pairs);
  const Loader loader(pairs, characters, {.batch = 3});
  Rng rng(2);
  Epoch epoch = loader.epoch(rng);
  epoch.next();
  epoch.next();
  const auto rest = sources(loader.epoch(epoch.state()), characters);
  CHECK(rest.size() == 2);
  CHECK(sources(epoch, characters) == rest);
}

TEST_CASE("loader: without shuffling the order of the pairs, without the last batch when that is dropped") {
  const Pairs pairs = lettered(5);
  const Vocabulary characters(pairs);
  const Loader loader(pairs, characters, {.batch = 2, .shuffle = false, .drop_last = true});
  CHECK(sources(loader.epoch(Epoch::State{}), characters) ==
        std::vector<std::vector<std::string>>{{"a", "bb"}, {"ccc", "dddd"}});
}

TEST_CASE("loader: no pairs, a senseless batch, a pass beyond its end are errors") {
  const Pairs pairs = lettered(3);
  const Vocabulary characters(pairs);
  CHECK(thrown<ConfigError>([&] { Loader(Pairs{}, characters); }) == "ConfigError: Loader: there are no pairs");
  CHECK(thrown<ConfigError>([&] { Loader(pairs, characters, {.batch = 0}); }) ==
        "ConfigError: Loader: batch 0, sort_window 0\n  requires batch >= 1 and sort_window >= 0");
  const Loader loader(pairs, characters, {.batch = 2});
  Epoch epoch = loader.epoch(Epoch::State{});
  epoch.next();
  epoch.next();
  CHECK(thrown<IndexError>([&] { epoch.next(); }) == "IndexError: epoch: all 2 batches have been given out");
  CHECK(thrown<ConfigError>([&] { loader.epoch(Epoch::State{.next = 3}); }) ==
        "ConfigError: epoch: a pass of 2 batches cannot go on at batch 3");
}

}  // namespace heed::tests
