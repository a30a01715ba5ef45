#include "core/utf8.h"

#include "core/error.h"

namespace heed {
namespace {

struct Decoded {
  char32_t character = 0;
  std::size_t length = 0;  // in bytes; 0 when the sequence is malformed
};

Decoded decode_at(std::string_view bytes, std::size_t offset) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[offset + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes.size() - offset < length) return {};
  char32_t character = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    character = character << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (overlong || surrogate || character > 0x10FFFF) return {};
  return {character, length};
}

bool is_control(char32_t character) { return character < 0x20 || (character >= 0x7F && character < 0xA0); }

std::string hex(std::uint32_t value, std::size_t digits) {
  std::string out;
  for (; value != 0 || out.size() < digits; value >>= 4)
    out.insert(out.begin(), "0123456789ABCDEF"[value & 0xF]);
  return out;
}

void append_utf8(std::string& out, char32_t character) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  const auto rest = [&](int shift) { put(0x80 | (character >> shift & 0x3F)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | character >> 6), rest(0);
  } else if (character < 0x10000) {
    put(0xE0 | character >> 12), rest(6), rest(0);
  } else {
    put(0xF0 | character >> 18), rest(12), rest(6), rest(0);
  }
}

}  // namespace

std::size_t first_character_bytes(std::string_view text) { return decode_at(text, 0).length; }

std::size_t find_invalid_utf8(std::string_view bytes) {
  for (std::size_t offset = 0; offset < bytes.size();) {
    const std::size_t length = decode_at(bytes, offset).length;
    if (length == 0) return offset;
    offset += length;
  }
  return std::string_view::npos;
}

std::u32string decode_utf8(std::string_view bytes) {
  std::u32string characters;
  characters.reserve(bytes.size());
  for (std::size_t offset = 0; offset < bytes.size();) {
    const auto [character, length] = decode_at(bytes, offset);
    if (length == 0)
      throw IoError({.what = text("decode_utf8: malformed UTF-8 at byte ", offset, " of ", in_quotes(bytes))});
    characters.push_back(character);
    offset += length;
  }
  return characters;
}

std::string encode_utf8(std::u32string_view characters) {
  std::string bytes;
  bytes.reserve(characters.size());
  for (const char32_t character : characters) {
    if ((character >= 0xD800 && character <= 0xDFFF) || character > 0x10FFFF)
      throw IoError({.what = text("encode_utf8: U+", hex(character, 4), " is not a character")});
    append_utf8(bytes, character);
  }
  return bytes;
}

std::string encode_utf8(char32_t character) { return encode_utf8(std::u32string_view(&character, 1)); }

std::string in_quotes(std::string_view bytes, std::size_t limit) {
  std::string out = "\"";
  std::size_t shown = 0;
  for (std::size_t offset = 0; offset < bytes.size(); ++shown) {
    if (shown == limit) return out + "...\"";
    const auto [character, length] = decode_at(bytes, offset);
    if (length == 0) {
      out.append("\\x").append(hex(static_cast<unsigned char>(bytes[offset]), 2));
    } else if (character == U'\t' || character == U'\n' || character == U'\r') {
      out.append(character == U'\t' ? "\\t" : character == U'\n' ? "\\n" : "\\r");
    } else if (is_control(character)) {
      out.append("\\x").append(hex(character, 2));
    } else {
      append_utf8(out, character);
    }
    offset += length == 0 ? 1 : length;
  }
  return out + "\"";
}

std::string describe(char32_t character) {
  const std::string number = "U+" + hex(character, 4);
  if (is_control(character) || (character >= 0xD800 && character <= 0xDFFF) || character > 0x10FFFF)
    return number;
  return text("'", encode_utf8(character), "' (", number, ")");
}

}  // namespace heed
