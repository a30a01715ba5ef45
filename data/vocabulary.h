// Characters and the ids by which a model knows them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pairs.h"

namespace heed {

struct EncodeOptions {
  bool map_unknown = false;  ///< a character outside the vocabulary becomes kUnknown instead of an error
};

/// A set of characters (Unicode code points; an accent written as a combining mark is a character of its own).
///
///   id   0 pad   1 start   2 end   3 unknown   4 ... size()-1 the characters in code-point order
///
/// The ids depend on which characters occur and on nothing else: not on the order of the data, not on the
/// shuffle.
class Vocabulary {
 public:
  static constexpr std::int32_t kPad = 0, kStart = 1, kEnd = 2, kUnknown = 3, kFirstCharacter = 4;

  /// The characters of all sources and targets. Throws ConfigError when there are none, IoError for malformed
  /// UTF-8.
  explicit Vocabulary(const Pairs& pairs);
  /// The characters of a text, in any order and repeated or not; with `characters()` the same vocabulary again.
  explicit Vocabulary(std::string_view characters);

  /// Number of ids, the four special ones included.
  std::int64_t size() const { return static_cast<std::int64_t>(characters_.size()) + kFirstCharacter; }

  /// One id a character; neither start nor end is added. Throws IndexError for a character outside the
  /// vocabulary, unless `map_unknown`, and IoError for malformed UTF-8.
  std::vector<std::int32_t> encode(std::string_view text, EncodeOptions options = {}) const;

  /// The text of ids up to the first end, or all of them. Pad and start are skipped, unknown becomes U+FFFD.
  /// `decode(encode(text)) == text`. Throws IndexError for an id outside [0, size()), also behind the end.
  std::string decode(std::span<const std::int32_t> ids) const;

  /// The name of one id for a table or a drawing: the character, or "<pad>", "<start>", "<end>", "<unknown>".
  /// Throws IndexError for an id outside [0, size()).
  std::string label(std::int32_t id) const;

  /// All characters in the order of their ids, as UTF-8: the whole state.
  std::string characters() const;

  bool operator==(const Vocabulary&) const = default;

 private:
  std::u32string characters_;  // sorted, each once
};

}  // namespace heed
