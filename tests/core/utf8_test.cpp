#include "core/utf8.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

struct Range {
  unsigned char low, high;
};

// The well-formed byte sequences, copied from Unicode 15, table 3-7.
const std::vector<std::vector<Range>> kWellFormed = {
    {{0x00, 0x7F}},
    {{0xC2, 0xDF}, {0x80, 0xBF}},
    {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
    {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
    {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
};

bool starts_with_row(std::string_view bytes, const std::vector<Range>& row) {
  if (bytes.size() < row.size()) return false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < row[i].low || byte > row[i].high) return false;
  }
  return true;
}

std::size_t invalid_by_the_table(std::string_view bytes) {
  for (std::size_t offset = 0; offset < bytes.size();) {
    std::size_t length = 0;
    for (const auto& row : kWellFormed)
      if (starts_with_row(bytes.substr(offset), row)) length = row.size();
    if (length == 0) return offset;
    offset += length;
  }
  return std::string_view::npos;
}

char byte(int value) { return static_cast<char>(static_cast<unsigned char>(value)); }

}  // namespace

TEST_CASE("utf8: every Unicode character survives encode and decode") {
  std::u32string all;
  for (char32_t character = 0; character <= 0x10FFFF; ++character)
    if (character < 0xD800 || character > 0xDFFF) all.push_back(character);
  const std::string bytes = encode_utf8(all);
  CHECK(bytes.size() == 128u + 2u * 1920u + 3u * 61440u + 4u * 1048576u);
  CHECK(find_invalid_utf8(bytes) == std::string::npos);
  CHECK(decode_utf8(bytes) == all);
}

TEST_CASE("utf8: known characters have their known bytes") {
  CHECK(encode_utf8(U"A") == "A");
  CHECK(encode_utf8(U"é") == "\xC3\xA9");
  CHECK(encode_utf8(U"日") == "\xE6\x97\xA5");
  CHECK(encode_utf8(U'\U0001F600') == "\xF0\x9F\x98\x80");
  CHECK(decode_utf8("\xF4\x8F\xBF\xBF") == U"\U0010FFFF");
}

TEST_CASE("utf8: exactly the sequences of the Unicode table are accepted") {
  const std::array<int, 6> edges = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
  std::size_t disagreements = 0, accepted = 0;
  const auto compare = [&](const std::string& bytes) {
    const std::size_t found = find_invalid_utf8(bytes);
    disagreements += found == invalid_by_the_table(bytes) ? 0 : 1;
    accepted += found == std::string::npos ? 1 : 0;
  };
  for (int first = 0; first < 256; ++first) {
    compare({byte(first)});
    for (int second = 0; second < 256; ++second) {
      compare({byte(first), byte(second)});
      for (const int third : edges) {
        compare({byte(first), byte(second), byte(third)});
        for (const int fourth : edges) compare({byte(first), byte(second), byte(third), byte(fourth)});
      }
    }
  }
  CHECK(disagreements == 0);
  CHECK(accepted > 128 + 1920);
}

TEST_CASE("utf8: random bytes never crash, and decode throws exactly where validation fails") {
  Rng rng(7);
  // Bytes at the borders of the table, so that long sequences are often nearly right.
  const std::vector<int> pool = {'a',  0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2,
                                 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5};
  int valid = 0, wrong = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (std::int64_t length = rng.below(8); length > 0; --length)
      bytes.push_back(byte(rng.chance(0.2) ? static_cast<int>(rng.below(256))
                                           : pool[static_cast<std::size_t>(rng.below(std::ssize(pool)))]));
    const bool fine = invalid_by_the_table(bytes) == std::string::npos;
    wrong += find_invalid_utf8(bytes) == invalid_by_the_table(bytes) ? 0 : 1;
    wrong += find_invalid_utf8(in_quotes(bytes)) == std::string::npos ? 0 : 1;
    try {
      wrong += encode_utf8(decode_utf8(bytes)) == bytes && fine ? 0 : 1;
    } catch (const IoError&) {
      wrong += fine ? 1 : 0;
    }
    valid += fine ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(valid > 2000);
}

TEST_CASE(
    "utf8: overlong forms, surrogates, values too large and cut-off sequences are refused at their first "
    "byte") {
  CHECK(find_invalid_utf8("ab\xC0\x80") == 2);
  CHECK(find_invalid_utf8("ab\xE0\x9F\xBF") == 2);
  CHECK(find_invalid_utf8("\xF0\x8F\xBF\xBF") == 0);
  CHECK(find_invalid_utf8("a\xED\xA0\x80") == 1);
  CHECK(find_invalid_utf8("\xF4\x90\x80\x80") == 0);
  CHECK(find_invalid_utf8("\xC3\xA9\xE6\x97") == 2);
  CHECK(find_invalid_utf8("") == std::string_view::npos);
}

TEST_CASE("utf8: the errors name the place and the value") {
  CHECK(thrown<IoError>([] { decode_utf8("ab\xFFz"); }) ==
        "IoError: decode_utf8: malformed UTF-8 at byte 2 of \"ab\\xFFz\"");
  CHECK(thrown<IoError>([] { encode_utf8(char32_t{0xD800}); }) ==
        "IoError: encode_utf8: U+D800 is not a character");
  CHECK(thrown<IoError>([] { encode_utf8(char32_t{0x110000}); }) ==
        "IoError: encode_utf8: U+110000 is not a character");
}

TEST_CASE("utf8: a text in quotes stays on one line and has at most the characters asked for") {
  CHECK(in_quotes("caf\xC3\xA9\t1\r\n") == "\"café\\t1\\r\\n\"");
  CHECK(in_quotes(std::string_view("\0\x1B", 2)) == "\"\\x00\\x1B\"");
  CHECK(in_quotes("\xC3") == "\"\\xC3\"");
  CHECK(in_quotes("ééé", 3) == "\"ééé\"");
  CHECK(in_quotes("éééé", 3) == "\"ééé...\"");
}

TEST_CASE("utf8: a character is described by its look and its number, a control character by its number") {
  CHECK(describe(U'é') == "'é' (U+00E9)");
  CHECK(describe(U'\U0001F600') == "'\U0001F600' (U+1F600)");
  CHECK(describe(U'\t') == "U+0009");
  CHECK(describe(char32_t{0xDFFF}) == "U+DFFF");
}

TEST_CASE("utf8: the first byte that is not UTF-8 is found") {
  CHECK(find_invalid_utf8("") == std::string_view::npos);
  CHECK(find_invalid_utf8("a\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80") == std::string_view::npos);
  for (const char* wrong :
       {"ab\x80", "ab\xbf", "ab\xc0\x80", "ab\xc1\xbf", "ab\xc3", "ab\xc3(", "ab\xe0\x9f\x80", "ab\xed\xa0\x80",
        "ab\xe6\xbc", "ab\xe6\xbc(", "ab\xf0\x8f\xbf\xbf", "ab\xf4\x90\x80\x80", "ab\xf0\x9f\x98",
        "ab\xf0\x9f\x98(", "ab\xf5\x80\x80\x80", "ab\xff"})
    CHECK(find_invalid_utf8(wrong) == 2);
}

}  // namespace heed::tests
