#include "data/word_tokenizer.h"

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
using Words = std::vector<std::string>;
}  // namespace

TEST_CASE("words: spaces separate, a punctuation mark is a word of its own") {
  CHECK(split_words("The cat,  the\tdog\nand (perhaps) I.") ==
        Words{"The", "cat", ",", "the", "dog", "and", "(", "perhaps", ")", "I", "."});
  CHECK(split_words("vingt-et-un, l'été") == Words{"vingt", "-", "et", "-", "un", ",", "l", "'", "été"});
  CHECK(split_words(" \u00A0x\u3000y\u2009") == Words{"x", "y"});
  CHECK(split_words("...") == Words{".", ".", "."});
  CHECK(split_words("").empty());
  CHECK(split_words(" \n ").empty());
}

TEST_CASE("words: a mark between two digits and an underscore belong to the word") {
  CHECK(split_words("3.14, 1,000 at 12:30.") == Words{"3.14", ",", "1,000", "at", "12:30", "."});
  CHECK(split_words("3. 14") == Words{"3", ".", "14"});
  CHECK(split_words(".5 a.b snake_case") == Words{".", "5", "a", ".", "b", "snake_case"});
}

TEST_CASE("words: canonical spacing") {
  for (const char* const canonical :
       {"The cat, the dog and (perhaps) I.", "\"Yes\", said he: \"no!\"", "vingt-et-un", "l'été",
        "50% of [x]; why?", "a + b = c", "and/or", "¿qué?", "“so” it is"})
    CHECK(join_words(split_words(canonical)) == canonical);
  CHECK(join_words(split_words("  one ,two( three )  . ")) == "one, two (three).");
}

TEST_CASE("words: cutting the joined words gives the words again, whatever their order") {
  const Words all{"a",  "été", "12", "3.14", ".", ",", ":", "!", "(", ")",
                  "\"", "'",   "-",  "/",    "+", "«", "»", "…", "_"};
  Rng rng(5);
  int wrong = 0;
  for (int round = 0; round < 2000; ++round) {
    Words words;
    for (std::int64_t n = rng.between(0, 8); n > 0; --n)
      words.push_back(all[static_cast<std::size_t>(rng.below(std::ssize(all)))]);
    wrong += split_words(join_words(words)) == words ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("words: any text, cut and joined, is cut into the same words again") {
  Rng rng(6);
  int wrong = 0;
  for (int round = 0; round < 2000; ++round) {
    std::u32string characters;
    for (std::int64_t n = rng.between(0, 30); n > 0; --n)
      characters.push_back(static_cast<char32_t>(rng.below(rng.chance(0.7) ? 0x80 : 0x3100)));
    const Words words = split_words(encode_utf8(characters));
    wrong += split_words(join_words(words)) == words ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("words: ids in the order of the words, from the texts or from both sides of pairs") {
  const WordTokenizer words(Words{"the dog sees the cat.", "The end"});
  CHECK(words.tokens() == 7);
  CHECK(words.size() == 11);
  CHECK(words.state() == "words map_unknown\n.\nThe\ncat\ndog\nend\nsees\nthe\n");
  CHECK(words.encode("the cat sees.") == Ids{10, 6, 9, 4});
  CHECK(words.label(7) == "dog");
  CHECK(WordTokenizer(Pairs{{"the dog sees", "the cat."}, {"The", "end"}}) == words);
}

TEST_CASE("words: rare words are left out and become unknown") {
  const WordTokenizer words(Words{"a a a b b c"}, {.minimum_count = 2});
  CHECK(words.tokens() == 2);
  CHECK(words.encode("a c b") == Ids{4, 3, 5});
  CHECK(words.decode(Ids{4, 3, 5}) == "a \uFFFD b");
}

TEST_CASE("words: an unknown word is an error where unknown words are not wanted") {
  const WordTokenizer words(Words{"a b"}, {.map_unknown = false});
  CHECK(thrown<IndexError>([&] { words.encode("b, a"); }) ==
        "IndexError: encode: word \",\", number 1 of \"b, a\", is not in the vocabulary of 2 words");
}

TEST_CASE("words: no word, a senseless minimum and malformed UTF-8 are errors") {
  CHECK(thrown<ConfigError>([] { WordTokenizer(Words{"a b"}, {.minimum_count = 2}); }) ==
        "ConfigError: WordTokenizer: of 2 words none occurs 2 times");
  CHECK(thrown<ConfigError>([] { WordTokenizer(Words{}); }) ==
        "ConfigError: WordTokenizer: of 0 words none occurs 1 time");
  CHECK(thrown<ConfigError>([] { WordTokenizer(Words{"a"}, {.minimum_count = 0}); }) ==
        "ConfigError: WordTokenizer: minimum_count is 0\n  requires minimum_count >= 1");
  CHECK_THROWS_AS(WordTokenizer(Words{"a\xFF"}), IoError);
  CHECK_THROWS_AS(WordTokenizer(Words{"a"}).encode("\xC3"), IoError);
}

}  // namespace heed::tests
