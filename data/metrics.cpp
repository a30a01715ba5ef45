#include "data/metrics.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/utf8.h"
#include "core/words.h"

namespace heed {
namespace {

// Behind the last code point there is, so that it sorts after every character.
constexpr char32_t kTextEnd = 0x110000;
constexpr const char* kEndLabel = "<end>";

void check_sizes(std::span<const std::string> expected, std::span<const std::string> got,
                 const char* operation) {
  if (expected.size() != got.size())
    throw ShapeError(
        {.what = text(operation, ": ", expected.size(), " texts expected, ", got.size(), " got"),
         .expected = text("expected.size() == got.size(), got ", expected.size(), " and ", got.size())});
  if (expected.empty()) throw ConfigError({.what = text(operation, ": there are no texts to compare")});
}

std::string label(char32_t character) { return character == kTextEnd ? kEndLabel : encode_utf8(character); }

std::string shown(const std::string& label) { return label == kEndLabel ? label : text("'", label, "'"); }

std::string right_aligned(std::string cell, std::size_t width) {
  return cell.size() < width ? std::string(width - cell.size(), ' ') + cell : cell;
}

}  // namespace

double exact_share(std::span<const std::string> expected, std::span<const std::string> got) {
  check_sizes(expected, got, "exact_share");
  std::int64_t exact = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) exact += expected[i] == got[i] ? 1 : 0;
  return static_cast<double>(exact) / static_cast<double>(expected.size());
}

double character_error_rate(std::span<const std::string> expected, std::span<const std::string> got) {
  check_sizes(expected, got, "character_error_rate");
  std::int64_t edits = 0, length = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::u32string wanted = decode_utf8(expected[i]);
    edits += edit_distance(wanted, decode_utf8(got[i]));
    length += static_cast<std::int64_t>(wanted.size());
  }
  if (length == 0) throw ConfigError({.what = "character_error_rate: all expected texts are empty"});
  return static_cast<double>(edits) / static_cast<double>(length);
}

std::vector<PositionErrors> errors_by_position(std::span<const std::string> expected,
                                               std::span<const std::string> got) {
  check_sizes(expected, got, "errors_by_position");
  std::vector<PositionErrors> table;
  std::vector<std::map<std::pair<char32_t, char32_t>, std::int64_t>> confusions;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::u32string wanted = decode_utf8(expected[i]), written = decode_utf8(got[i]);
    while (table.size() <= wanted.size())
      table.push_back({.position = static_cast<std::int64_t>(table.size())});
    confusions.resize(table.size());
    for (std::size_t t = 0; t <= wanted.size(); ++t) {
      const char32_t want = t < wanted.size() ? wanted[t] : kTextEnd;
      const char32_t have = t < written.size() ? written[t] : kTextEnd;
      ++table[t].expected;
      if (want == have) continue;
      ++table[t].wrong;
      ++confusions[t][{want, have}];
    }
  }
  for (std::size_t t = 0; t < table.size(); ++t)
    for (const auto& [characters, frequency] : confusions[t])
      if (frequency > table[t].most_frequent) {
        table[t].most_expected = label(characters.first);
        table[t].most_got = label(characters.second);
        table[t].most_frequent = frequency;
      }
  return table;
}

std::string to_string(std::span<const PositionErrors> table) {
  std::string lines = "position  expected   wrong     share  most often\n";
  for (const PositionErrors& row : table) {
    lines += right_aligned(std::to_string(row.position), 8) + right_aligned(std::to_string(row.expected), 10) +
             right_aligned(std::to_string(row.wrong), 8) + right_aligned(percent(row.wrong, row.expected), 10);
    if (row.most_frequent > 0)
      lines += text("  ", shown(row.most_expected), " -> ", shown(row.most_got), " (", row.most_frequent, ")");
    lines += "\n";
  }
  return lines;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  char digits[64];
  const double value = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 2).ptr;
  return std::string(digits, end) + " %";
}

}  // namespace heed
