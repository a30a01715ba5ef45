#include "data/word_tokenizer.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/utf8.h"

namespace heed {
namespace {

// How a punctuation mark stands among its neighbours.
enum class Mark { none, closing, opening, joining, quote, apart };

bool is_one_of(char32_t character, std::u32string_view set) {
  return set.find(character) != std::u32string_view::npos;
}

bool is_space(char32_t c) {
  return c == U' ' || (c >= U'\t' && c <= U'\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Mark mark_of(char32_t c) {
  if (is_one_of(c, U".,;:!?)]}%…”»。、！，．：；？）")) return Mark::closing;
  if (is_one_of(c, U"([{«¿¡“„‘‚（")) return Mark::opening;
  if (is_one_of(c, U"-'/’‐‑")) return Mark::joining;
  if (c == U'"') return Mark::quote;
  const bool ascii = (c >= 0x21 && c <= 0x7E) && !(c >= U'0' && c <= U'9') && !(c >= U'A' && c <= U'Z') &&
                     !(c >= U'a' && c <= U'z') && c != U'_';
  const bool other = (c >= 0x2010 && c <= 0x2027) || (c >= 0x2030 && c <= 0x205E) ||
                     (c >= 0x3001 && c <= 0x3003) || (c >= 0x3008 && c <= 0x3011);
  return ascii || other ? Mark::apart : Mark::none;
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

// Whether the character at `i` is part of a number, as the point of "3.14".
bool inside_number(const std::u32string& text, std::size_t i) {
  return is_one_of(text[i], U".,:") && i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) &&
         is_digit(text[i + 1]);
}

std::vector<std::string> frequent(const std::map<std::string, std::int64_t>& counts,
                                  std::int64_t minimum_count) {
  std::vector<std::string> words;
  for (const auto& [word, count] : counts)
    if (count >= minimum_count) words.push_back(word);
  if (words.empty())
    throw ConfigError({.what = text("WordTokenizer: of ", counts.size(), " words none occurs ", minimum_count,
                                    minimum_count == 1 ? " time" : " times")});
  return words;
}

template <class ForEachText>
std::vector<std::string> words_of(const WordOptions& options, ForEachText for_each_text) {
  if (options.minimum_count < 1)
    throw ConfigError({.what = text("WordTokenizer: minimum_count is ", options.minimum_count),
                       .expected = "minimum_count >= 1"});
  std::map<std::string, std::int64_t> counts;
  for_each_text([&](const std::string& text) {
    for (std::string& word : split_words(text)) ++counts[std::move(word)];
  });
  return frequent(counts, options.minimum_count);
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  const std::u32string characters = decode_utf8(text);
  std::vector<std::string> words;
  std::u32string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(encode_utf8(word));
    word.clear();
  };
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const char32_t character = characters[i];
    if (is_space(character)) {
      finish();
    } else if (mark_of(character) == Mark::none || inside_number(characters, i)) {
      word.push_back(character);
    } else {
      finish();
      words.push_back(encode_utf8(character));
    }
  }
  finish();
  return words;
}

std::string join_words(std::span<const std::string> words) {
  std::string joined;
  bool glued = true, quoted = false;  // no space before the next word; inside straight quotes
  for (const std::string& word : words) {
    const std::u32string characters = decode_utf8(word);
    Mark mark = characters.size() == 1 ? mark_of(characters[0]) : Mark::none;
    if (mark == Mark::quote) {
      mark = quoted ? Mark::closing : Mark::opening;
      quoted = !quoted;
    }
    if (!glued && mark != Mark::closing && mark != Mark::joining) joined.push_back(' ');
    joined += word;
    glued = mark == Mark::opening || mark == Mark::joining;
  }
  return joined;
}

WordTokenizer::WordTokenizer(const TokenizerOptions& options, std::vector<std::string> words)
    : Tokenizer(options), words_(std::move(words)) {
  std::sort(words_.begin(), words_.end());
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
}

WordTokenizer::WordTokenizer(std::span<const std::string> texts, const WordOptions& options)
    : WordTokenizer({.map_unknown = options.map_unknown, .mask = options.mask},
                    words_of(options, [&](auto visit) {
                      for (const std::string& text : texts) visit(text);
                    })) {}

WordTokenizer::WordTokenizer(const Pairs& pairs, const WordOptions& options)
    : WordTokenizer({.map_unknown = options.map_unknown, .mask = options.mask},
                    words_of(options, [&](auto visit) {
                      for (const Pair& pair : pairs) visit(pair.source), visit(pair.target);
                    })) {}

std::vector<std::int32_t> WordTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  for (const std::string& word : split_words(text)) {
    const auto found = std::lower_bound(words_.begin(), words_.end(), word);
    if (found != words_.end() && *found == word) {
      ids.push_back(kFirstToken + static_cast<std::int32_t>(found - words_.begin()));
    } else if (options().map_unknown) {
      ids.push_back(kUnknown);
    } else {
      throw IndexError(
          {.what = heed::text("encode: word ", in_quotes(word), ", number ", ids.size(), " of ",
                              in_quotes(text), ", is not in the vocabulary of ", words_.size(), " words")});
    }
  }
  return ids;
}

std::string WordTokenizer::join(std::span<const std::int32_t> ids) const {
  std::vector<std::string> words;
  words.reserve(ids.size());
  for (const std::int32_t id : ids) words.push_back(is_token(id) ? token_label(id) : std::string(kHidden));
  return join_words(words);
}

std::string WordTokenizer::token_label(std::int32_t id) const {
  return words_[static_cast<std::size_t>(id - kFirstToken)];
}

std::string WordTokenizer::body() const {
  std::string lines;
  for (const std::string& word : words_) lines += word + "\n";
  return lines;
}

}  // namespace heed
