// Text as Unicode code points, with strict UTF-8 in and out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heed {

/// The byte offset at which the first malformed sequence begins, or std::string_view::npos when `bytes` is
/// UTF-8. Strict (Unicode 15, table 3-7): overlong forms, surrogates, values above U+10FFFF and cut-off
/// sequences are malformed.
std::size_t find_invalid_utf8(std::string_view bytes);

/// Bytes of the first character of a text that is UTF-8 and not empty.
std::size_t first_character_bytes(std::string_view text);

/// The code points of a text. Throws IoError with the offset of the first malformed sequence.
std::u32string decode_utf8(std::string_view bytes);

/// The UTF-8 of code points. Throws IoError for a surrogate or a value above U+10FFFF.
std::string encode_utf8(std::u32string_view characters);
std::string encode_utf8(char32_t character);

/// The text in double quotes, fit for one line of a message: control characters and malformed bytes as \xNN
/// (tab, line feed and carriage return as \t \n \r), a text of more than `limit` characters cut and ended by
/// "...".
std::string in_quotes(std::string_view bytes, std::size_t limit = 60);

/// A character for a message: "'é' (U+00E9)"; a control character as its number alone.
std::string describe(char32_t character);

}  // namespace heed
