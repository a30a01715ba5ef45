#include "data/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/random.h"
#include "data/vocabulary.h"
#include "tests/catch.h"
#include "tests/folder.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Ids 100, 101, ..., each of which tells where it stands.
std::vector<std::int32_t> counted(std::int32_t n) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), 100);
  return ids;
}

// What the batches of a pass hold, having checked that each target is the id behind its input.
struct Given {
  std::vector<std::int32_t> starts{}, targets{};
  std::vector<std::int64_t> sizes{}, lengths{};
};

Given given(TextEpoch epoch) {
  Given all;
  for (const WindowBatch& batch : epoch) {
    all.sizes.push_back(batch.size());
    CHECK(batch.target.shape() == batch.input.ids.shape());
    for (std::int64_t b = 0; b < batch.size(); ++b) {
      const std::vector<std::int32_t> input = batch.input.sequence(b);
      all.starts.push_back(input.front() - 100);
      all.lengths.push_back(std::ssize(input));
      for (std::int64_t t = 0; t < batch.input.time(); ++t) {
        const double target = batch.target.at({b, t});
        if (t >= std::ssize(input)) {
          CHECK(target == -1);
          continue;
        }
        CHECK(target == input[static_cast<std::size_t>(t)] + 1);
        all.targets.push_back(static_cast<std::int32_t>(target));
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("text: in order, every token but the first is a target exactly once") {
  for (const std::int32_t tokens : {7, 8, 9, 30, 31, 32}) {
    const TextLoader loader(counted(tokens), {.window = 6, .batch = 2, .shuffle = false});
    const Given all = given(loader.epoch(TextEpoch::State{}));
    std::vector<std::int32_t> expected = counted(tokens);
    expected.erase(expected.begin());
    CHECK(all.targets == expected);
    CHECK(std::ssize(all.starts) == loader.windows());
    CHECK(std::ssize(all.sizes) == loader.batches());
  }
}

TEST_CASE("text: shuffled windows are full, do not overlap and begin elsewhere each epoch") {
  Rng rng(1);
  for (const std::int32_t tokens : {7, 12, 13, 50, 103}) {
    const TextLoader loader(counted(tokens), {.window = 6, .batch = 4});
    std::vector<int> first_starts(6);
    for (int round = 0; round < 60; ++round) {
      Given all = given(loader.epoch(rng));
      CHECK(std::ssize(all.starts) == loader.windows());
      CHECK(std::all_of(all.lengths.begin(), all.lengths.end(), [](auto n) { return n == 6; }));
      std::sort(all.starts.begin(), all.starts.end());
      for (std::size_t i = 1; i < all.starts.size(); ++i) CHECK(all.starts[i] == all.starts[i - 1] + 6);
      CHECK(all.starts.front() < 6);
      CHECK(all.starts.back() + 6 < tokens);
      ++first_starts[static_cast<std::size_t>(all.starts.front())];
    }
    // 10 of each expected where all six are possible; none missing but by a chance of 1 in 10,000.
    const auto met = std::count_if(first_starts.begin(), first_starts.end(), [](int n) { return n > 0; });
    CHECK(met == std::min(6, tokens - 6));
  }
}

TEST_CASE("text: in streams each row of a batch goes on where the same row of the batch before ended") {
  Rng rng(1);
  for (const bool shuffle : {false, true})
    for (const std::int32_t tokens : {25, 26, 48, 49, 80}) {
      const TextLoader loader(counted(tokens), {.window = 6, .batch = 4, .shuffle = shuffle, .streams = true});
      std::vector<int> first_starts(6);
      for (int round = 0; round < 60; ++round) {
        const Given all = given(loader.epoch(rng));
        CHECK(all.sizes == std::vector<std::int64_t>(all.sizes.size(), 4));
        CHECK(all.lengths == std::vector<std::int64_t>(all.starts.size(), 6));
        CHECK(std::ssize(all.starts) == loader.windows());
        for (std::size_t i = 4; i < all.starts.size(); ++i) CHECK(all.starts[i] == all.starts[i - 4] + 6);
        // One stretch begins where the one before it ends.
        for (std::size_t row = 1; row < 4; ++row)
          CHECK(all.starts[row] == all.starts[row - 1] + 6 * static_cast<std::int32_t>(loader.batches()));
        CHECK(all.starts.back() + 6 < tokens);
        ++first_starts[static_cast<std::size_t>(all.starts.front())];
      }
      const auto met = std::count_if(first_starts.begin(), first_starts.end(), [](int n) { return n > 0; });
      CHECK(met == (shuffle ? std::min(6, tokens - static_cast<int>(loader.windows()) * 6) : 1));
    }
}

TEST_CASE("text: streams leave out less than a window of each, and the offset when they are shuffled") {
  const TextLoader in_order(counted(80), {.window = 6, .batch = 4, .shuffle = false, .streams = true});
  CHECK(in_order.batches() == 3);  // 79 targets, 72 in 12 windows
  const TextLoader shuffled(counted(78), {.window = 6, .batch = 4, .streams = true});
  CHECK(shuffled.batches() == 3);
  CHECK(TextLoader(counted(77), {.window = 6, .batch = 4, .streams = true}).batches() == 2);
}

TEST_CASE("text: the same generator gives the same windows, and a pass taken up again gives the rest") {
  const TextLoader loader(counted(100), {.window = 5, .batch = 3});
  Rng one(7), two(7);
  CHECK(given(loader.epoch(one)).starts == given(loader.epoch(two)).starts);
  CHECK(one.state() == two.state());
  TextEpoch epoch = loader.epoch(one);
  epoch.next();
  const std::vector<std::int32_t> rest = given(loader.epoch(epoch.state())).starts;
  CHECK(given(epoch).starts == rest);
  CHECK(std::ssize(rest) == loader.windows() - 3);
}

TEST_CASE("text: too short for one window and senseless sizes are errors") {
  CHECK(thrown<ConfigError>([] { TextLoader(counted(64)); }) ==
        "ConfigError: TextLoader: a text of 64 tokens is too short for a window of 64 and the token behind it\n"
        "  requires tokens >= 65, got 64");
  CHECK(thrown<ConfigError>([] { TextLoader(counted(9), {.window = 0}); }) ==
        "ConfigError: TextLoader: window 0, batch 32\n  requires window >= 1 and batch >= 1");
  CHECK_THROWS_AS(TextLoader({}, {.window = 1}), ConfigError);
  CHECK(
      thrown<ConfigError>([] { TextLoader(counted(24), {.window = 6, .batch = 4, .streams = true}); }) ==
      "ConfigError: TextLoader: a text of 24 tokens is too short for 4 windows of 6 and the token behind them\n"
      "  requires tokens >= 25, got 24");
}

TEST_CASE("text: a file is read without byte order mark and with LF for CRLF") {
  const Folder folder;
  write_file(folder.at("a.txt"), "\xEF\xBB\xBFone\r\ntwo\rthree\n");
  CHECK(read_text(folder.at("a.txt")) == "one\ntwo\rthree\n");
  write_file(folder.at("empty.txt"), "");
  CHECK(thrown<IoError>([&] { read_text(folder.at("empty.txt")); }) ==
        "IoError: " + folder.at("empty.txt") + ": the text is empty");
  CHECK_THROWS_AS(read_text(folder.at("missing.txt")), IoError);
  CHECK_THROWS_AS(parse_text("\xEF\xBB\xBF", "x"), IoError);
}

TEST_CASE("text: malformed UTF-8 is reported with its line") {
  CHECK(thrown<IoError>([] { parse_text("one\ntwo \xC3 x\nthree", "a.txt"); }) ==
        "IoError: a.txt:2: malformed UTF-8 at byte 4 of the line: \"two \\xC3 x\"");
  CHECK(thrown<IoError>([] { parse_text("\xFF", "a.txt"); }) ==
        "IoError: a.txt:1: malformed UTF-8 at byte 0 of the line: \"\\xFF\"");
}

TEST_CASE("text: the cut falls at the end of a line, and the parts make up the whole") {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "line " + std::to_string(i) + "\n";
  for (const double share : {0.05, 0.1, 0.5, 0.9}) {
    const auto [train, validation] = cut_text(lines, share);
    CHECK(train + validation == lines);
    CHECK(train.ends_with('\n'));
    CHECK(static_cast<double>(validation.size()) <= share * static_cast<double>(lines.size()));
    CHECK(static_cast<double>(validation.size()) > share * static_cast<double>(lines.size()) - 10);
  }
}

TEST_CASE("text: in a single line the cut falls between two characters") {
  const auto [train, validation] = cut_text("éééééééééé", 0.25);  // byte 15 of 20 is in the middle of one
  CHECK(train == "éééééééé");
  CHECK(validation == "éé");
  CHECK(cut_text("ab\n", 0.5).train == "ab");
}

TEST_CASE("text: a share that leaves nothing, and malformed UTF-8, cannot be cut") {
  CHECK(thrown<ConfigError>([] { cut_text("abc", 1.5); }) ==
        "ConfigError: cut_text: the share for validation is 1.5\n  requires 0 < share < 1, got 1.5");
  CHECK(thrown<ConfigError>([] { cut_text("abc", 0.01); }) ==
        "ConfigError: cut_text: a share of 0.01 of 3 bytes leaves one part without any");
  CHECK_THROWS_AS(cut_text("", 0.5), ConfigError);
  CHECK(cut_text("abc", 0.99).train == "a");
  CHECK_THROWS_AS(cut_text("ab\xC3", 0.5), IoError);
}

TEST_CASE("text: from a text to batches") {
  const auto [train, validation] = cut_text("to be or not to be", 0.3);
  const Vocabulary characters(train + validation);
  const TextLoader loader(characters.encode(train), {.window = 4, .batch = 8});
  Rng rng(3);
  const WindowBatch batch = loader.epoch(rng).next();
  CHECK(batch.input.ids.shape() == Shape{2, 4});
  CHECK_FALSE(batch.input.lengths.defined());
  CHECK(train.find(characters.decode(batch.input.sequence(0))) != std::string::npos);
}

}  // namespace heed::tests
