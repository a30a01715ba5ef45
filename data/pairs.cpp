#include "data/pairs.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"

namespace heed {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

enum class Format { kDetect, kTabSeparated, kPadded };

[[noreturn]] void fail(std::string_view where, std::string_view what) {
  throw IoError({.what = text("read_pairs: ", where, ": ", what)});
}

std::string reason() { return std::generic_category().message(errno); }

std::string_view without_trailing(std::string_view line, std::string_view characters) {
  const std::size_t last = line.find_last_not_of(characters);
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Format detect(std::string_view line, std::string_view where) {
  if (line.find('\t') != std::string_view::npos) return Format::kTabSeparated;
  if (line.find('_') != std::string_view::npos) return Format::kPadded;
  fail(where, text("neither a tab nor '_' between source and target: ", in_quotes(line)));
}

Pair parse_line(std::string_view line, Format format, ReadOptions options, std::string_view where) {
  const bool padded = format == Format::kPadded;
  const std::string_view name = padded ? "'_'" : "tab";
  const char separator = padded ? '_' : '\t';
  const std::size_t at = line.find(separator);
  if (at == std::string_view::npos)
    fail(where, text("no ", name, " between source and target: ", in_quotes(line)));
  if (line.find(separator, at + 1) != std::string_view::npos)
    fail(where, text("more than one ", name, ": ", in_quotes(line)));

  std::string_view source = line.substr(0, at), target = line.substr(at + 1);
  const std::string_view padding = padded ? " " : "";
  const std::string_view bare_source = without_trailing(source, padding);
  const std::string_view bare_target = without_trailing(target, padding);
  if (bare_source.empty()) fail(where, text("the source is empty: ", in_quotes(line)));
  if (bare_target.empty()) fail(where, text("the target is empty: ", in_quotes(line)));
  if (!options.keep_padding) source = bare_source, target = bare_target;
  return {std::string(source), std::string(target)};
}

Pairs parse(std::string_view content, std::string_view name, Format format, ReadOptions options) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  // Blank lines at the end are cut off here; one between pairs is an error of its line.
  const std::size_t last_text = content.find_last_not_of(" \r\n");
  if (last_text == std::string_view::npos) fail(name, "holds no pairs");
  const std::size_t line_end = content.find('\n', last_text);
  content = content.substr(0, line_end);

  Pairs pairs;
  for (std::size_t begin = 0, number = 1; begin <= content.size(); ++number) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    std::string_view line = content.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string where = text(name, ":", number);
    const std::size_t bad = find_invalid_utf8(line);
    if (bad != std::string_view::npos)
      fail(where, text("malformed UTF-8 at byte ", bad, " of the line: ", in_quotes(line)));
    if (format == Format::kDetect) format = detect(line, where);
    pairs.push_back(parse_line(line, format, options, where));
    begin = end + 1;
  }
  return pairs;
}

// Why the pair would not be read back as it is; empty when it would.
std::string obstacle(const Pair& pair, bool first) {
  for (const auto& [name, side] : {std::pair("source", &pair.source), std::pair("target", &pair.target)}) {
    if (side->empty()) return text("the ", name, " is empty");
    if (find_invalid_utf8(*side) != std::string::npos)
      return text("the ", name, " is not UTF-8: ", in_quotes(*side));
    if (side->find_first_of("\t\n\r") != std::string::npos)
      return text("the ", name, " holds a tab or the end of a line: ", in_quotes(*side));
  }
  if (first && pair.source.starts_with(kByteOrderMark)) return "the source begins with a byte order mark";
  return "";
}

}  // namespace

Pairs read_pairs(const std::string& path, ReadOptions options) {
  return parse(read_file(path), path, Format::kDetect, options);
}

Pairs read_tab_separated(const std::string& path) {
  return parse(read_file(path), path, Format::kTabSeparated, {});
}

Pairs read_padded(const std::string& path, ReadOptions options) {
  return parse(read_file(path), path, Format::kPadded, options);
}

Pairs parse_pairs(std::string_view content, std::string_view name, ReadOptions options) {
  return parse(content, name, Format::kDetect, options);
}

void write_pairs(const std::string& path, const Pairs& pairs) {
  const auto refuse = [&](std::string_view what) {
    throw IoError({.what = text("write_pairs: ", path, ": ", what)});
  };
  if (pairs.empty()) refuse("there are no pairs to write");
  std::string content;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string problem = obstacle(pairs[i], i == 0);
    if (!problem.empty()) refuse(text("pair ", i, ": ", problem));
    content.append(pairs[i].source).append("\t").append(pairs[i].target).append("\n");
  }
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) refuse(text("cannot be opened: ", reason()));
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) refuse(text("cannot be written: ", reason()));
}

}  // namespace heed
