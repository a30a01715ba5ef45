#include "data/vocabulary.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "core/utf8.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {
using Ids = std::vector<std::int32_t>;
}

TEST_CASE(
    "vocabulary: characters of sources and targets have ids in code-point order behind the four special ones") {
  const Vocabulary characters(Pairs{{"béa", "12"}, {"zb", "2"}});
  CHECK(characters.characters() == "12abzé");
  CHECK(characters.size() == 10);
  CHECK(characters.encode("12abzé") == Ids{4, 5, 6, 7, 8, 9});
  CHECK(Vocabulary::kPad == 0);
  CHECK(Vocabulary::kStart == 1);
  CHECK(Vocabulary::kEnd == 2);
  CHECK(Vocabulary::kUnknown == 3);
}

TEST_CASE("vocabulary: the order of the data does not matter") {
  Pairs pairs{{"one", "1"}, {"two", "2"}, {"three", "3"}, {"four", "4"}};
  const Vocabulary before(pairs);
  std::reverse(pairs.begin(), pairs.end());
  CHECK(Vocabulary(pairs) == before);
  pairs.pop_back();
  CHECK_FALSE(Vocabulary(pairs) == before);
}

TEST_CASE("vocabulary: decode undoes encode for random texts") {
  Rng rng(3);
  int wrong = 0;
  for (int round = 0; round < 300; ++round) {
    std::u32string characters;
    for (std::int64_t length = rng.between(1, 40); length > 0; --length) {
      const auto character = static_cast<char32_t>(rng.below(rng.chance(0.5) ? 0x80 : 0x110000));
      if (character < 0xD800 || character > 0xDFFF) characters.push_back(character);
    }
    characters.push_back(U'x');
    const std::string text = encode_utf8(characters);
    const Vocabulary vocabulary(text);
    const Ids ids = vocabulary.encode(text);
    wrong += ids.size() == characters.size() && vocabulary.decode(ids) == text ? 0 : 1;
    wrong += Vocabulary(vocabulary.characters()) == vocabulary ? 0 : 1;
    for (const std::int32_t id : ids) wrong += id >= Vocabulary::kFirstToken && id < vocabulary.size() ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("vocabulary: a character that is not in it is named with its place, or becomes unknown when asked") {
  const Vocabulary characters("abc");
  CHECK(
      thrown<IndexError>([&] { characters.encode("abcé c"); }) ==
      "IndexError: encode: 'é' (U+00E9) at position 3 of \"abcé c\" is not in the vocabulary of 3 characters");
  // The position counts characters, not bytes.
  CHECK(thrown<IndexError>([] { Vocabulary("é").encode("éé\n"); }) ==
        "IndexError: encode: U+000A at position 2 of \"éé\\n\" is not in the vocabulary of 1 characters");
  CHECK(Vocabulary("abc", {.map_unknown = true}).encode("xaéb") == Ids{3, 4, 3, 5});
  CHECK(characters.encode("").empty());
}

TEST_CASE("vocabulary: malformed UTF-8 is refused, in the data and in a text") {
  CHECK(thrown<IoError>([] {
          Vocabulary(Pairs{{"a", "\xC3"}});
        }) == "IoError: decode_utf8: malformed UTF-8 at byte 0 of \"\\xC3\"");
  CHECK(thrown<IoError>([] { Vocabulary("a").encode("a\x80"); }) ==
        "IoError: decode_utf8: malformed UTF-8 at byte 1 of \"a\\x80\"");
}

TEST_CASE("vocabulary: decode stops at the end, skips pad and start and shows unknown as U+FFFD") {
  const Vocabulary characters("abc");
  CHECK(characters.decode(Ids{1, 4, 0, 5, 2, 6, 2, 6}) == "ab");
  CHECK(characters.decode(Ids{4, 3, 6}) == "a\uFFFDc");
  CHECK(characters.decode(Ids{2, 4}).empty());
  CHECK(characters.decode(Ids{}).empty());
}

TEST_CASE("vocabulary: an id outside is an error, also behind the end") {
  const Vocabulary characters("abc");
  CHECK(thrown<IndexError>([&] {
          characters.decode(Ids{4, 7});
        }) ==
        "IndexError: decode: id 7 at position 1 is outside the vocabulary of 7 ids\n"
        "  requires 0 <= id < 7, got 7");
  CHECK_THROWS_AS(characters.decode(Ids{-1}), IndexError);
  CHECK_THROWS_AS(characters.decode(Ids{2, 7}), IndexError);
  CHECK(thrown<IndexError>([&] { characters.label(-1); }) ==
        "IndexError: label: id -1 is outside the vocabulary of 7 ids\n"
        "  requires 0 <= id < 7, got -1");
}

TEST_CASE("vocabulary: every id has a label") {
  const Vocabulary characters("aé");
  std::string all;
  for (std::int32_t id = 0; id < characters.size(); ++id) all += characters.label(id) + "|";
  CHECK(all == "<pad>|<start>|<end>|<unknown>|a|é|");
}

TEST_CASE("vocabulary: nothing to build it from is an error") {
  const std::string message = "ConfigError: Vocabulary: there is not one character to build it from";
  CHECK(thrown<ConfigError>([] { Vocabulary(Pairs{}); }) == message);
  CHECK(thrown<ConfigError>([] { Vocabulary(""); }) == message);
}

}  // namespace heed::tests
