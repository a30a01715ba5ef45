#include "data/tasks/sentences.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using tasks::is_grammatical;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::vector<std::string> words_of(std::string sentence) {
  std::vector<std::string> words(1);
  for (const char c : sentence.substr(0, sentence.size() - 1)) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

std::string sentence_of(const std::vector<std::string>& words) {
  std::string sentence;
  for (const std::string& word : words) sentence += (sentence.empty() ? "" : " ") + word;
  return sentence + ".";
}

std::vector<std::string> drawn(std::int64_t count, std::uint64_t seed, int depth) {
  Rng rng(seed);
  return lines_of(tasks::sentences(count, rng, depth));
}

}  // namespace

TEST_CASE("sentences: every one is grammatical, at its depth and deeper") {
  for (int depth = 0; depth <= 4; ++depth)
    for (const std::string& sentence : drawn(500, 1, depth)) {
      INFO(sentence);
      CHECK(is_grammatical(sentence, depth));
      CHECK(is_grammatical(sentence));
    }
}

TEST_CASE("sentences: what is grammatical and what is not") {
  for (const char* const right :
       {"the dog sleeps.", "an old owl sings often.", "these angry geese see a man.",
        "two cats that chase a mouse run.", "the dog that two cats follow waits.",
        "the dogs near the horse that sleeps run.", "a king knows that some mice dance.",
        "every child with the otters that a queen that sleeps sees thinks that the wolf that runs waits."}) {
    INFO(right);
    CHECK(is_grammatical(right));
  }
  for (const char* const wrong : {"",
                                  ".",
                                  "the dog sleeps",
                                  "the dog  sleeps.",
                                  " the dog sleeps.",
                                  "the dog sleeps .",
                                  "the dog sleeps..",
                                  "The dog sleeps.",
                                  "the dog sleep.",
                                  "the dogs sleeps.",
                                  "a owl sings.",
                                  "an dog sings.",
                                  "an happy dog sings.",
                                  "a angry dog sings.",
                                  "these dog sleeps.",
                                  "this dogs sleep.",
                                  "dog sleeps.",
                                  "the dog sees.",
                                  "the dog sleeps the cat.",
                                  "the dog knows the cat.",
                                  "the dog that two cats follows waits.",
                                  "the dog that two cats follow wait.",
                                  "the dog near the cats run.",
                                  "two cats that chases a mouse run.",
                                  "the dog that sleeps.",
                                  "that.",
                                  "the dog sleeps often often."}) {
    INFO(wrong);
    CHECK_FALSE(is_grammatical(wrong));
  }
}

TEST_CASE("sentences: a verb in the other number is never grammatical") {
  std::map<std::string, std::string> other;
  for (const auto& [singular, plural] :
       std::vector<std::pair<std::string, std::string>>{{"sleeps", "sleep"},
                                                        {"cries", "cry"},
                                                        {"sees", "see"},
                                                        {"watches", "watch"},
                                                        {"says", "say"},
                                                        {"hears", "hear"},
                                                        {"knows", "know"},
                                                        {"teaches", "teach"}}) {
    other[singular] = plural;
    other[plural] = singular;
  }
  int changed = 0;
  for (const std::string& sentence : drawn(1000, 2, 3)) {
    const std::vector<std::string> words = words_of(sentence);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!other.contains(words[i])) continue;
      std::vector<std::string> wrong = words;
      wrong[i] = other[words[i]];
      INFO(sentence_of(wrong));
      CHECK_FALSE(is_grammatical(sentence_of(wrong)));
      ++changed;
    }
  }
  CHECK(changed > 500);
}

TEST_CASE("sentences: two neighbours that change places spoil all but one sentence in a hundred") {
  int swapped = 0, right = 0;
  for (const std::string& sentence : drawn(300, 3, 2)) {
    const std::vector<std::string> words = words_of(sentence);
    for (std::size_t i = 1; i < words.size(); ++i) {
      std::vector<std::string> wrong = words;
      std::swap(wrong[i - 1], wrong[i]);
      if (wrong == words) continue;
      ++swapped;
      right += is_grammatical(sentence_of(wrong)) ? 1 : 0;
    }
  }
  CHECK(right * 100 < swapped);
}

TEST_CASE("sentences: the depth limits what is drawn and what is accepted") {
  for (const std::string& sentence : drawn(300, 4, 0)) CHECK(sentence.find(" that ") == std::string::npos);
  const std::string nested = "the dog that sees a cat that sees an owl sleeps.";
  CHECK(is_grammatical(nested, 2));
  CHECK_FALSE(is_grammatical(nested, 1));
  std::string deep = "a king";
  for (int i = 0; i < 8; ++i) deep += " with a king";
  CHECK(is_grammatical(deep + " sings."));
  CHECK_FALSE(is_grammatical(deep + " with a king sings."));
}

TEST_CASE("sentences: all words come up, and hardly a sentence twice") {
  std::set<std::string> words, different;
  const std::vector<std::string> sentences = drawn(3000, 5, 2);
  for (const std::string& sentence : sentences) {
    different.insert(sentence);
    for (const std::string& word : words_of(sentence)) words.insert(word);
  }
  // 24 nouns and 32 verbs in two numbers, 12 adjectives, 8 adverbs, 6 prepositions, 8 determiners, "that";
  // "the" is of both numbers.
  CHECK(words.size() == 48 + 64 + 12 + 8 + 6 + 8 + 1);
  CHECK(different.size() > 2700);
}

TEST_CASE("sentences: the same seed gives the same text on every machine") {
  CHECK(drawn(100, 6, 2) == drawn(100, 6, 2));
  CHECK_FALSE(drawn(100, 6, 2) == drawn(100, 7, 2));
  CHECK(drawn(2, 42, 2) == std::vector<std::string>{
                               "every wolf beside a happy king that likes every queen chases a clever wizard.",
                               "these students believe that every queen that runs happily laughs well."});
}

TEST_CASE("sentences: no sentences and depths out of range are errors") {
  Rng rng(7);
  CHECK(thrown<ConfigError>([&] { tasks::sentences(0, rng); }) ==
        "ConfigError: sentences: 0 sentences asked for\n  requires count >= 1");
  CHECK(thrown<ConfigError>([&] { tasks::sentences(1, rng, 9); }) ==
        "ConfigError: sentences: depth is 9\n  requires 0 <= depth <= 8, got 9");
  CHECK_THROWS_AS(is_grammatical("the dog sleeps.", -1), ConfigError);
}

}  // namespace heed::tests
