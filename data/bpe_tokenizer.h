// Byte-pair encoding: the ids of frequent runs of bytes, with single bytes for all else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/pairs.h"
#include "data/tokenizer.h"

namespace heed {

struct BpeOptions {
  std::int64_t merges = 1000;  ///< how many tokens to learn on top of the 256 bytes
  bool mask = false;           ///< as in TokenizerOptions
};

/// Tokens learnt from a text: beginning with bytes, the pair of neighbouring tokens that occurs most often
/// becomes a token, again and again (Sennrich et al. 2016, "Neural machine translation of rare words with
/// subword units"; on bytes as in Radford et al. 2019).
///
/// Tokens keep within a run of letters, of digits, of punctuation or of spaces, a run with the one space before
/// it; whatever is not ASCII counts as letters. The 256 bytes come first, then the merges in the order in which
/// they were learnt. Every text is encoded without unknown ids, and `decode(encode(text)) == text`.
///
/// Behind its first line `state()` has a merge a line, the two tokens with a space between; space, backslash,
/// ASCII control characters and bytes that are not UTF-8 are written \xNN there.
class BpeTokenizer : public Tokenizer {
 public:
  /// Learns from the texts, or from all sources and targets. Of pairs that occur equally often the one of the
  /// smaller ids is taken, left before right; the order of the texts does not matter. Stops early when no pair
  /// occurs twice. Throws ConfigError for a negative number of merges, IoError for malformed UTF-8.
  explicit BpeTokenizer(std::span<const std::string> texts, const BpeOptions& options = {});
  explicit BpeTokenizer(const Pairs& pairs, const BpeOptions& options = {});

  std::int64_t tokens() const override { return static_cast<std::int64_t>(bytes_.size()); }
  std::int64_t merges() const { return tokens() - 256; }
  std::vector<std::int32_t> encode(std::string_view text) const override;

 private:
  friend std::unique_ptr<Tokenizer> read_tokenizer(std::string_view state);
  static constexpr std::string_view kKind = "bpe";
  using Counts = std::unordered_map<std::string, std::int64_t>;

  explicit BpeTokenizer(const TokenizerOptions& options);
  BpeTokenizer(const TokenizerOptions& options, std::string_view merges);  // from the body of a state
  void add_merge(std::int32_t left, std::int32_t right);
  void learn(const Counts& pieces, std::int64_t merges);
  std::vector<std::int32_t> encode_piece(std::string_view piece) const;
  std::string_view kind() const override { return kKind; }
  std::string body() const override;
  std::string join(std::span<const std::int32_t> ids) const override;
  std::string token_label(std::int32_t id) const override;

  // Tokens are counted from 0 here: 0 ... 255 the bytes, then the merges.
  std::vector<std::string> bytes_;                            // of each token
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs_;  // that each merge joins
  std::unordered_map<std::uint64_t, std::int32_t> merged_;    // the token of a pair
};

}  // namespace heed
