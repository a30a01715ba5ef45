// Characters and the ids by which a model knows them.
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

/// A set of characters (Unicode code points; an accent written as a combining mark is a character of its own).
/// The characters are the tokens, in code-point order.
///
/// The ids depend on which characters occur and on nothing else: not on the order of the data, not on the
/// shuffle. `decode(encode(text)) == text`.
class Vocabulary : public Tokenizer {
 public:
  /// The characters of all sources and targets. Throws ConfigError when there are none, IoError for malformed
  /// UTF-8.
  explicit Vocabulary(const Pairs& pairs, const TokenizerOptions& options = {});
  /// The characters of a text, in any order and repeated or not; with `characters()` the same vocabulary again.
  explicit Vocabulary(std::string_view characters, const TokenizerOptions& options = {});

  std::int64_t tokens() const override { return static_cast<std::int64_t>(characters_.size()); }
  std::vector<std::int32_t> encode(std::string_view text) const override;
  /// All characters in the order of their ids, as UTF-8.
  std::string characters() const;

 private:
  friend std::unique_ptr<Tokenizer> read_tokenizer(std::string_view state);
  static constexpr std::string_view kKind = "characters";

  std::string_view kind() const override { return kKind; }
  std::string body() const override { return characters(); }
  std::string join(std::span<const std::int32_t> ids) const override;
  std::string token_label(std::int32_t id) const override;

  std::u32string characters_;  // sorted, each once
};

}  // namespace heed
