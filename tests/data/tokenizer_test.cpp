#include "data/tokenizer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/bpe_tokenizer.h"
#include "data/evaluate.h"
#include "data/loader.h"
#include "data/vocabulary.h"
#include "data/word_tokenizer.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Ids = std::vector<std::int32_t>;

const std::vector<std::string> kTexts = {"the cat sees the dog.", "a dog sees it, the cat does not!"};
const std::string kAll = kTexts[0] + kTexts[1];

std::vector<std::unique_ptr<Tokenizer>> one_of_each(bool mask) {
  std::vector<std::unique_ptr<Tokenizer>> all;
  all.push_back(std::make_unique<Vocabulary>(kAll, TokenizerOptions{.mask = mask}));
  all.push_back(std::make_unique<WordTokenizer>(kTexts, WordOptions{.mask = mask}));
  all.push_back(std::make_unique<BpeTokenizer>(kTexts, BpeOptions{.merges = 12, .mask = mask}));
  return all;
}

// Writes the target that belongs to a source, as a trained model would.
struct Knowing {
  const Tokenizers& tokenizers;
  const Pairs& pairs;
  struct Written {
    Ids ids;
  };
  std::vector<Written> generate(const Tokens& source) const {
    std::vector<Written> written;
    for (std::int64_t b = 0; b < source.batch(); ++b)
      for (const Pair& pair : pairs)
        if (tokenizers.source.decode(source.sequence(b)) == pair.source)
          written.push_back({tokenizers.target.encode(pair.target)});
    return written;
  }
};

}  // namespace

TEST_CASE("tokenizer: every kind gives its texts back, without special ids") {
  for (const auto& tokenizer : one_of_each(false))
    for (const std::string& text : kTexts) {
      const Ids ids = tokenizer->encode(text);
      INFO(tokenizer->state());
      CHECK(tokenizer->decode(ids) == text);
      for (const std::int32_t id : ids) CHECK(tokenizer->is_token(id));
    }
}

TEST_CASE("tokenizer: a mask is one id behind all others, which stay as they are") {
  const auto without = one_of_each(false), with = one_of_each(true);
  for (std::size_t i = 0; i < with.size(); ++i) {
    INFO(with[i]->state());
    CHECK(with[i]->size() == without[i]->size() + 1);
    CHECK(with[i]->tokens() == without[i]->tokens());
    CHECK(with[i]->mask() == without[i]->size());
    CHECK(with[i]->label(with[i]->mask()) == "<mask>");
    CHECK_FALSE(with[i]->is_token(with[i]->mask()));
    for (const std::string& text : kTexts) CHECK(with[i]->encode(text) == without[i]->encode(text));
    CHECK(with[i]->decode(Ids{with[i]->mask()}) == "\uFFFD");
    CHECK_THROWS_AS(without[i]->decode(Ids{with[i]->mask()}), IndexError);
    CHECK_FALSE(*with[i] == *without[i]);
  }
  CHECK(thrown<ConfigError>([] { Vocabulary("ab").mask(); }) ==
        "ConfigError: mask: this tokenizer of 6 ids was made without a mask\n"
        "  hint: make it with the option .mask = true");
}

TEST_CASE("tokenizer: the state makes the same tokenizer again") {
  for (const bool mask : {false, true})
    for (const auto& tokenizer : one_of_each(mask)) {
      const auto again = read_tokenizer(tokenizer->state());
      CHECK(*again == *tokenizer);
      CHECK(again->size() == tokenizer->size());
      for (const std::string& text : kTexts) CHECK(again->encode(text) == tokenizer->encode(text));
      for (std::int32_t id = 0; id < tokenizer->size(); ++id) CHECK(again->label(id) == tokenizer->label(id));
    }
  CHECK(Vocabulary("b\na", {.map_unknown = true, .mask = true}).state() == "characters map_unknown mask\n\nab");
  CHECK(*read_tokenizer("characters map_unknown mask\n\nab") ==
        Vocabulary("\nab", {.map_unknown = true, .mask = true}));
  CHECK(read_tokenizer("characters map_unknown\nab")->encode("axb") == Ids{4, 3, 5});
}

TEST_CASE("tokenizer: what no tokenizer gives as its state is refused") {
  CHECK(thrown<IoError>([] { read_tokenizer("letters\nab"); }) ==
        "IoError: read_tokenizer: \"letters\\nab\" is not the state of a tokenizer\n"
        "  requires what Tokenizer::state() gives: a line with the kind and options, then tokens");
  for (const char* const state :
       {"", "characters", "characters\n", "characters mask map_unknown\nab", "characters\nba", "characters\naa",
        "words\n", "words\nb\na\n", "words\na\na\n", "words\na b\n", "words\na", "bpe", "bpe map_unknown\n"}) {
    INFO(state);
    CHECK_THROWS_AS(read_tokenizer(state), IoError);
  }
  CHECK_THROWS_AS(read_tokenizer("characters\n\x80"), IoError);
}

TEST_CASE("tokenizer: sources and targets may each have their own") {
  const Pairs pairs{{"one two", "12"}, {"two", "2"}};
  const WordTokenizer words(std::vector<std::string>{"one two"});
  const Vocabulary digits("12");
  const Loader loader(pairs, {words, digits}, {.batch = 2, .shuffle = false});
  Epoch epoch = loader.epoch(Epoch::State{});
  const Batch batch = epoch.next();
  CHECK(batch.source.sequence(0) == Ids{4, 5});
  CHECK(batch.source.sequence(1) == Ids{5});
  CHECK(batch.target_in.sequence(0) == Ids{1, 4, 5});
  CHECK(batch.target_out.to_vector() == std::vector<double>{4, 5, 2, 5, 2, -1});

  const Tokenizers both(words, digits);
  CHECK(exact_match(Knowing{both, pairs}, pairs, both) == 1);
  CHECK(exact_match(Knowing{both, pairs}, {{"one two", "12"}, {"two", "1"}}, both) == 0.5);
}

}  // namespace heed::tests
