#include "data/vocabulary.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/utf8.h"

namespace heed {
namespace {

std::u32string sorted(const std::set<char32_t>& characters) {
  if (characters.empty())
    throw ConfigError({.what = "Vocabulary: there is not one character to build it from"});
  return {characters.begin(), characters.end()};
}

}  // namespace

Vocabulary::Vocabulary(const Pairs& pairs, const TokenizerOptions& options) : Tokenizer(options) {
  std::set<char32_t> characters;
  for (const Pair& pair : pairs)
    for (const std::string* side : {&pair.source, &pair.target})
      for (const char32_t character : decode_utf8(*side)) characters.insert(character);
  characters_ = sorted(characters);
}

Vocabulary::Vocabulary(std::string_view characters, const TokenizerOptions& options) : Tokenizer(options) {
  const std::u32string all = decode_utf8(characters);
  characters_ = sorted({all.begin(), all.end()});
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text) const {
  const std::u32string characters = decode_utf8(text);
  std::vector<std::int32_t> ids;
  ids.reserve(characters.size());
  for (const char32_t character : characters) {
    const auto found = std::lower_bound(characters_.begin(), characters_.end(), character);
    if (found != characters_.end() && *found == character) {
      ids.push_back(kFirstToken + static_cast<std::int32_t>(found - characters_.begin()));
    } else if (options().map_unknown) {
      ids.push_back(kUnknown);
    } else {
      throw IndexError({.what = heed::text("encode: ", describe(character), " at position ", ids.size(), " of ",
                                           in_quotes(text), " is not in the vocabulary of ", characters_.size(),
                                           " characters")});
    }
  }
  return ids;
}

std::string Vocabulary::join(std::span<const std::int32_t> ids) const {
  std::string joined;
  for (const std::int32_t id : ids) joined += is_token(id) ? token_label(id) : std::string(kHidden);
  return joined;
}

std::string Vocabulary::token_label(std::int32_t id) const {
  return encode_utf8(characters_[static_cast<std::size_t>(id - kFirstToken)]);
}

std::string Vocabulary::characters() const { return encode_utf8(characters_); }

}  // namespace heed
