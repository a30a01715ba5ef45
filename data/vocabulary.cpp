#include "data/vocabulary.h"

#include <algorithm>
#include <array>
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

Vocabulary::Vocabulary(const Pairs& pairs) {
  std::set<char32_t> characters;
  for (const Pair& pair : pairs)
    for (const std::string* side : {&pair.source, &pair.target})
      for (const char32_t character : decode_utf8(*side)) characters.insert(character);
  characters_ = sorted(characters);
}

Vocabulary::Vocabulary(std::string_view characters) {
  const std::u32string all = decode_utf8(characters);
  characters_ = sorted({all.begin(), all.end()});
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text, EncodeOptions options) const {
  const std::u32string characters = decode_utf8(text);
  std::vector<std::int32_t> ids;
  ids.reserve(characters.size());
  for (const char32_t character : characters) {
    const auto found = std::lower_bound(characters_.begin(), characters_.end(), character);
    if (found != characters_.end() && *found == character) {
      ids.push_back(kFirstCharacter + static_cast<std::int32_t>(found - characters_.begin()));
    } else if (options.map_unknown) {
      ids.push_back(kUnknown);
    } else {
      throw IndexError({.what = heed::text("encode: ", describe(character), " at position ", ids.size(), " of ",
                                           in_quotes(text), " is not in the vocabulary of ", characters_.size(),
                                           " characters")});
    }
  }
  return ids;
}

std::string Vocabulary::decode(std::span<const std::int32_t> ids) const {
  std::u32string characters;
  bool ended = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int32_t id = ids[i];
    if (id < 0 || id >= size())
      throw IndexError({.what = text("decode: id ", id, " at position ", i, " is outside the vocabulary of ",
                                     size(), " ids"),
                        .expected = text("0 <= id < ", size(), ", got ", id)});
    ended = ended || id == kEnd;
    if (ended || id == kPad || id == kStart) continue;
    characters.push_back(id == kUnknown ? U'\uFFFD'
                                        : characters_[static_cast<std::size_t>(id - kFirstCharacter)]);
  }
  return encode_utf8(characters);
}

std::string Vocabulary::label(std::int32_t id) const {
  static constexpr std::array<const char*, 4> kSpecials = {"<pad>", "<start>", "<end>", "<unknown>"};
  if (id < 0 || id >= size())
    throw IndexError({.what = text("label: id ", id, " is outside the vocabulary of ", size(), " ids"),
                      .expected = text("0 <= id < ", size(), ", got ", id)});
  if (id < kFirstCharacter) return kSpecials[static_cast<std::size_t>(id)];
  return encode_utf8(characters_[static_cast<std::size_t>(id - kFirstCharacter)]);
}

std::string Vocabulary::characters() const { return encode_utf8(characters_); }

}  // namespace heed
