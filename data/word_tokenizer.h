// Words and punctuation marks and the ids by which a model knows them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pairs.h"
#include "data/tokenizer.h"

namespace heed {

/// A text cut into words and punctuation marks, each mark a token of its own; what separates them is spaces. A
/// point, comma or colon between two digits ("3.14", "12:30") and an underscore belong to the word. Throws
/// IoError for malformed UTF-8.
std::vector<std::string> split_words(std::string_view text);

/// The words as one text in canonical spacing: one space between two words; none before . , ; : ! ? ) ] } %
/// and their like, none after ( [ { and their like, none around - ' / and their like. Straight double quotes
/// open and close in turn. `split_words` of it gives the words again.
std::string join_words(std::span<const std::string> words);

struct WordOptions {
  std::int64_t minimum_count = 1;  ///< rarer words are left out, which makes them unknown
  bool map_unknown = true;         ///< as in TokenizerOptions; words that were never seen are to be expected
  bool mask = false;
};

/// A set of words as `split_words` finds them, in the order of their UTF-8 bytes. Upper and lower case differ.
/// Behind its first line `state()` has a word a line.
///
/// `decode(encode(text))` is the text in canonical spacing when it holds no unknown word.
class WordTokenizer : public Tokenizer {
 public:
  /// The words of the texts, or of all sources and targets. Throws ConfigError when no word is left or
  /// `minimum_count` is not positive, IoError for malformed UTF-8.
  explicit WordTokenizer(std::span<const std::string> texts, const WordOptions& options = {});
  explicit WordTokenizer(const Pairs& pairs, const WordOptions& options = {});

  std::int64_t tokens() const override { return static_cast<std::int64_t>(words_.size()); }
  std::vector<std::int32_t> encode(std::string_view text) const override;

 private:
  friend std::unique_ptr<Tokenizer> read_tokenizer(std::string_view state);
  static constexpr std::string_view kKind = "words";

  /// The words in any order.
  WordTokenizer(const TokenizerOptions& options, std::vector<std::string> words);
  std::string_view kind() const override { return kKind; }
  std::string body() const override;
  std::string join(std::span<const std::int32_t> ids) const override;
  std::string token_label(std::int32_t id) const override;

  std::vector<std::string> words_;  // sorted, each once
};

}  // namespace heed
