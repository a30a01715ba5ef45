#include "core/json.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/utf8.h"

namespace heed {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

}  // namespace

void append_json_string(std::string& out, std::string_view string) {
  out.push_back('"');
  for (const char c : string) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (is_control(c)) {
      out.append({'\\', 'u', '0', '0', kHexDigits[c >> 4], kHexDigits[c & 15]});
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string JsonReader::quoted(std::string_view string) {
  constexpr std::size_t kMostBytes = 80;
  std::string out;
  if (string.size() <= kMostBytes) {
    append_json_string(out, string);
  } else {
    std::size_t cut = kMostBytes;  // between two characters
    while (cut > 0 && (static_cast<unsigned char>(string[cut]) & 0xC0) == 0x80) --cut;
    append_json_string(out, string.substr(0, cut));
    out.append("...");
  }
  return out;
}

JsonReader::JsonReader(std::string_view text, std::string subject) : text_(text), subject_(std::move(subject)) {
  const std::size_t wrong = find_invalid_utf8(text);
  if (wrong != std::string_view::npos) fail(wrong, "not UTF-8");
}

void JsonReader::fail(std::size_t at, const std::string& what) const {
  throw IoError({.what = text(subject_, " is wrong at byte ", at, ": ", what)});
}

void JsonReader::fail_expecting(const std::string& wanted) const {
  if (at_ >= text_.size()) fail(at_, "expected " + wanted + ", got the end");
  fail(at_,
       "expected " + wanted + ", got " + quoted(text_.substr(at_, first_character_bytes(text_.substr(at_)))));
}

std::size_t JsonReader::skip_space() {
  at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size());
  return at_;
}

bool JsonReader::accept(char wanted) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char wanted) {
  if (!accept(wanted)) fail_expecting({'\'', wanted, '\''});
}

std::string JsonReader::string() {
  if (!accept('"')) fail_expecting("a string");
  std::string out;
  for (;;) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && !is_control(text_[at_])) ++at_;
    out.append(text_.substr(begin, at_ - begin));
    if (at_ >= text_.size()) fail_expecting("'\"' to end the string");
    if (is_control(text_[at_])) fail(at_, "a control character in a string");
    if (text_[at_++] == '"') return out;
    out.append(encode_utf8(escape()));
  }
}

char32_t JsonReader::escape() {
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const std::size_t begin = at_ - 1;
  if (at_ >= text_.size()) fail_expecting("an escape");
  const char letter = text_[at_++];
  const std::size_t which = kLetters.find(letter);
  if (which != std::string_view::npos) return static_cast<unsigned char>(kMeanings[which]);
  if (letter != 'u') fail(begin, "an escape that JSON does not have");
  const char32_t unit = four_hex_digits();
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const char32_t low = four_hex_digits();
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  fail(begin, "a surrogate without its partner");
}

char32_t JsonReader::four_hex_digits() {
  char32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::size_t digit = std::string_view(kHexDigits).find(lower);
    if (digit == std::string_view::npos) fail_expecting("a hexadecimal digit");
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

std::int64_t JsonReader::integer() {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  const std::size_t begin = skip_space();
  if (at_ >= text_.size() || !is_digit(text_[at_])) fail_expecting("an integer >= 0");
  std::int64_t value = 0;
  for (; at_ < text_.size() && is_digit(text_[at_]); ++at_) {
    const std::int64_t digit = text_[at_] - '0';
    if (value > (kLargest - digit) / 10) fail(begin, "an integer of more than 63 bits");
    value = 10 * value + digit;
  }
  if (at_ - begin > 1 && text_[begin] == '0') fail(begin, "an integer with a leading 0");
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E'))
    fail(begin, "expected an integer >= 0, got another number");
  return value;
}

void JsonReader::end() {
  at_ = std::min(text_.find_first_not_of(' ', at_), text_.size());
  if (at_ < text_.size()) fail_expecting("the end");
}

}  // namespace heed
