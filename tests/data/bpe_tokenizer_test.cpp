#include "data/bpe_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "core/utf8.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

std::string random_text(Rng& rng, std::int64_t length) {
  std::u32string characters;
  while (std::ssize(characters) < length) {
    const std::int64_t range = rng.below(4);
    const auto c = static_cast<char32_t>(range == 0   ? rng.between('a', 'e')
                                         : range == 1 ? rng.below(0x80)
                                         : range == 2 ? rng.below(0x800)
                                                      : rng.below(0x110000));
    if (c < 0xD800 || c > 0xDFFF) characters.push_back(c);
  }
  return encode_utf8(characters);
}

// The merges from the definition: all pairs counted anew each time. For texts of one run of letters each.
std::vector<std::pair<Texts, std::int64_t>> merged_naively(const Texts& words, int merges) {
  std::vector<std::pair<Texts, std::int64_t>> steps;  // each merge and its count
  std::vector<std::vector<std::int32_t>> sequences;
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const std::string& word : words) sequences.emplace_back(word.begin(), word.end());
  for (int step = 0; step < merges; ++step) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
    for (const auto& sequence : sequences)
      for (std::size_t i = 1; i < sequence.size(); ++i) ++counts[{sequence[i - 1], sequence[i]}];
    const auto best = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == counts.end() || best->second < 2) break;
    const auto [left, right] = best->first;
    steps.push_back(
        {{tokens[static_cast<std::size_t>(left)], tokens[static_cast<std::size_t>(right)]}, best->second});
    for (auto& sequence : sequences) {
      std::vector<std::int32_t> joined;
      for (std::size_t i = 0; i < sequence.size(); ++i) {
        const bool found = i + 1 < sequence.size() && sequence[i] == left && sequence[i + 1] == right;
        joined.push_back(found ? static_cast<std::int32_t>(tokens.size()) : sequence[i]);
        i += found ? 1 : 0;
      }
      sequence = joined;
    }
    tokens.push_back(tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)]);
  }
  return steps;
}

}  // namespace

TEST_CASE("bpe: the merges of a small example, as worked out by hand") {
  // er 11; then w er 8; then of lo and ow, 7 each, the smaller id; then of " n", ne and e wer, 6 each, the
  // same.
  const Texts texts{"low low low low low lower lower newer newer newer newer newer newer wider wider wider"};
  const BpeTokenizer bpe(texts, {.merges = 4});
  CHECK(bpe.merges() == 4);
  CHECK(bpe.state() == "bpe\ne r\nw er\nl o\n\\x20 n\n");
  CHECK(bpe.size() == 4 + 256 + 4);
  CHECK(bpe.encode("lower") == Ids{4 + 258, 4 + 257});
  CHECK(bpe.label(4 + 257) == "wer");
  CHECK(bpe.encode("l w") == Ids{4 + 'l', 4 + ' ', 4 + 'w'});
}

TEST_CASE("bpe: learning agrees with counting all pairs anew after each merge") {
  Rng rng(2);
  for (int round = 0; round < 20; ++round) {
    Texts words;
    for (int i = 0; i < 40; ++i) {
      words.emplace_back();
      for (std::int64_t n = rng.between(1, 9); n > 0; --n)
        words.back().push_back(static_cast<char>(rng.between('a', 'c')));
    }
    std::string expected = "bpe\n";
    for (const auto& [pair, count] : merged_naively(words, 30)) expected += pair[0] + " " + pair[1] + "\n";
    CHECK(BpeTokenizer(words, {.merges = 30}).state() == expected);
    std::reverse(words.begin(), words.end());
    CHECK(BpeTokenizer(words, {.merges = 30}).state() == expected);
  }
}

TEST_CASE("bpe: any text is encoded and comes back to the byte, with any number of merges") {
  Rng rng(3);
  int wrong = 0;
  for (const std::int64_t merges : {0, 5, 200}) {
    const BpeTokenizer bpe(Texts{random_text(rng, 400), "a b a b a b"}, {.merges = merges});
    for (int round = 0; round < 100; ++round) {
      const std::string text = random_text(rng, rng.between(0, 60));
      const Ids ids = bpe.encode(text);
      wrong += bpe.decode(ids) == text &&
                       std::all_of(ids.begin(), ids.end(), [&](auto id) { return bpe.is_token(id); })
                   ? 0
                   : 1;
    }
    CHECK(*read_tokenizer(bpe.state()) == bpe);
  }
  CHECK(wrong == 0);
}

TEST_CASE("bpe: merges make a text shorter, and every token that was learnt is used where it stands alone") {
  const Texts texts{"zwei und zwei sind vier, und vier und vier sind acht; fünf und fünf sind zehn"};
  const BpeTokenizer bytes(texts, {.merges = 0}), bpe(texts, {.merges = 1000});
  CHECK(bpe.merges() < 100);  // stopped where no pair occurs twice
  CHECK(bytes.encode(texts[0]).size() == texts[0].size());
  CHECK(bpe.encode(texts[0]).size() * 2 < texts[0].size());
  for (std::int32_t id = 4 + 256; id < bpe.size(); ++id) {
    INFO(bpe.label(id));
    if (bpe.decode(Ids{id}).find("\uFFFD") == std::string::npos)
      CHECK(bpe.encode(bpe.decode(Ids{id})) == Ids{id});
  }
}

TEST_CASE("bpe: tokens keep within letters, digits, punctuation or spaces, with one space before") {
  const BpeTokenizer bpe(Texts{"ab12 ab12 ab12  ab12\n\n ab12.. ab12.."}, {.merges = 100});
  for (std::int32_t id = 4 + 256; id < bpe.size(); ++id) {
    const std::string token = bpe.decode(Ids{id});
    INFO(token);
    CHECK((token == "ab" || token == " ab" || token == "12" || token == ".."));
  }
  CHECK(bpe.merges() == 4);
}

TEST_CASE("bpe: half a character is shown as U+FFFD and labelled by its byte") {
  const BpeTokenizer bpe(Texts{}, {.merges = 10});
  CHECK(bpe.merges() == 0);
  CHECK(bpe.decode(Ids{4 + 0xC3, 4 + 0xA9}) == "é");
  CHECK(bpe.decode(Ids{4 + 0xC3, 4 + 'x', 3, 2, 4 + 'y'}) == "\uFFFDx\uFFFD");
  CHECK(bpe.label(4 + 0xC3) == "\\xC3");
  CHECK(bpe.label(4 + ' ') == " ");
}

TEST_CASE("bpe: spaces, backslashes and half characters stand escaped in the state") {
  const BpeTokenizer bpe(Texts{" é é \\\\ \\\\"}, {.merges = 10});
  CHECK(bpe.state() == "bpe\n\\x20 \\x5C\n\\x20 \\xC3\n\\x20\\x5C \\x5C\n\\x20\\xC3 \\xA9\n");
  CHECK(read_tokenizer(bpe.state())->encode(" é") == Ids{4 + 259});
}

TEST_CASE("bpe: a state with a merge of unknown tokens, one that comes twice or a cut line is refused") {
  CHECK(thrown<IoError>([] { read_tokenizer("bpe\na b\nab cd\n"); }) ==
        "IoError: read_tokenizer: merge 2 is \"ab cd\"\n"
        "  requires two tokens that stand before it, with a space between, and make a new one");
  for (const char* const state : {"bpe\na b\na b\n", "bpe\na b", "bpe\n\n", "bpe\nab\n", "bpe\na  b\n",
                                  "bpe\na b \n", "bpe\na b\nb c\nab c\na bc\n", "bpe\n\\x41 b\n"}) {
    INFO(state);
    CHECK_THROWS_AS(read_tokenizer(state), IoError);
  }
}

TEST_CASE("bpe: a negative number of merges and malformed UTF-8 are errors") {
  CHECK(thrown<ConfigError>([] { BpeTokenizer(Texts{"a"}, {.merges = -1}); }) ==
        "ConfigError: BpeTokenizer: -1 merges\n  requires merges >= 0");
  CHECK(thrown<IoError>([] { BpeTokenizer(Texts{"a\xC3"}); }) ==
        "IoError: BpeTokenizer: malformed UTF-8 at byte 1 of \"a\\xC3\"");
  CHECK_THROWS_AS(BpeTokenizer(Texts{"a"}).encode("\x80"), IoError);
}

}  // namespace heed::tests
