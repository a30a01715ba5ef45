#include "core/words.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// The definition, word for word: exponential and beyond doubt.
std::int64_t by_definition(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return static_cast<std::int64_t>(a.size() + b.size());
  return std::min({by_definition(a.substr(1), b.substr(1)) + (a[0] == b[0] ? 0 : 1),
                   by_definition(a.substr(1), b) + 1, by_definition(a, b.substr(1)) + 1});
}

}  // namespace

TEST_CASE("words: edit distance of known words") {
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("saturday", "sunday") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("1996-10-19", "1996-10-19") == 0);
}

TEST_CASE("words: edit distance counts characters, not bytes") {
  CHECK(edit_distance("é", "e") == 1);
  CHECK(edit_distance("日本", "本") == 1);
}

TEST_CASE("words: edit distance is the one of the recursive definition, and symmetric") {
  Rng rng(5);
  int wrong = 0;
  const auto word = [&] {
    std::string letters;
    for (std::int64_t length = rng.below(6); length > 0; --length)
      letters.push_back(static_cast<char>('a' + rng.below(3)));
    return letters;
  };
  for (int round = 0; round < 300; ++round) {
    const std::string a = word(), b = word();
    wrong += edit_distance(a, b) == by_definition(a, b) ? 0 : 1;
    wrong += edit_distance(b, a) == edit_distance(a, b) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("words: the nearest one is near enough to be meant, or begins like what was written") {
  const std::vector<std::string> words{"step", "next", "continue", "learning-rate"};
  CHECK(nearest_word("stpe", words) == "step");
  CHECK(nearest_word("learn", words) == "learning-rate");
  CHECK(nearest_word("contniue", words) == "continue");
  CHECK(nearest_word("zebra", words) == "");
  CHECK(nearest_word("\xFF", words) == "");
}

}  // namespace heed::tests
