#include "autograd/inspect/breakpoint.h"

#include <algorithm>
#include <cmath>

#include "autograd/inspect/reading.h"
#include "core/error.h"
#include "core/utf8.h"

namespace heed {
namespace {

using debugging::number_in;
using debugging::trimmed;

[[noreturn]] void throw_not_understood(std::string_view part, const char* expected) {
  throw ConfigError(
      {.what = text("breakpoint: ", in_quotes(part), " is not understood"), .expected = expected});
}

ShapePattern parse_shape(std::string_view written) {
  constexpr const char* kExpected = "a shape as [2, *, 8] or [..., 8]";
  if (written.size() < 2 || !written.starts_with('[') || !written.ends_with(']'))
    throw_not_understood(written, kExpected);
  std::string_view inner = trimmed(written.substr(1, written.size() - 2));
  ShapePattern pattern;
  while (!inner.empty()) {
    const std::size_t comma = std::min(inner.find(','), inner.size());
    const std::string_view part = trimmed(inner.substr(0, comma));
    const std::optional<std::int64_t> extent = part == "*"     ? ShapePattern::kAny
                                               : part == "..." ? ShapePattern::kRest
                                                               : number_in<std::int64_t>(part);
    const bool again = extent == ShapePattern::kRest &&
                       std::count(pattern.extents.begin(), pattern.extents.end(), ShapePattern::kRest) > 0;
    if (!extent || again || (*extent < 0 && part != "*" && part != "..."))
      throw_not_understood(written, kExpected);
    pattern.extents.push_back(*extent);
    inner.remove_prefix(std::min(comma + 1, inner.size()));
  }
  return pattern;
}

// What follows a word and a space; none when the text begins otherwise.
std::optional<std::string_view> behind(std::string_view word, std::string_view written) {
  if (!written.starts_with(word)) return std::nullopt;
  const std::string_view rest = written.substr(word.size());
  if (rest.empty() || (rest.front() != ' ' && rest.front() != '>' && rest.front() != '[')) return std::nullopt;
  return trimmed(rest);
}

void parse_part(std::string_view part, Breakpoint& breakpoint) {
  const std::size_t colon = part.rfind(':');
  if (part.empty()) throw_not_understood(part, "a name, module, shape, extent, nan, inf, norm, line or every");
  if (part == "every") return;
  if (part == "nan") {
    breakpoint.nan = true;
  } else if (part == "inf") {
    breakpoint.infinite = true;
  } else if (part == "forward") {
    breakpoint.backward = false;
  } else if (part == "backward") {
    breakpoint.forward = false;
  } else if (const auto path = behind("module", part); path) {
    breakpoint.module = *path;
  } else if (const auto name = behind("name", part); name) {
    breakpoint.name = *name;
  } else if (const auto shape = behind("shape", part); shape || part.starts_with('[')) {
    breakpoint.shape = parse_shape(shape.value_or(part));
  } else if (const auto extent = behind("extent", part); extent) {
    breakpoint.extent = number_in<std::int64_t>(*extent);
    if (!breakpoint.extent) throw_not_understood(part, "a whole number behind extent");
  } else if (const auto bound = behind("norm", part); bound) {
    breakpoint.gradient_norm = number_in<double>(trimmed(bound->substr(bound->starts_with('>') ? 1 : 0)));
    if (!breakpoint.gradient_norm || std::isnan(*breakpoint.gradient_norm))
      throw_not_understood(part, "a number behind norm");
  } else if (const auto line = number_in<int>(part.substr(std::min(colon, part.size() - 1) + 1));
             colon != std::string_view::npos && colon > 0 && line) {
    breakpoint.file = part.substr(0, colon);
    breakpoint.line = *line;
  } else {
    breakpoint.name = part;
  }
}

// Whether a name by itself is not taken for something else.
bool reads_as_name(const std::string& name) {
  Breakpoint read;
  try {
    parse_part(name, read);
  } catch (const ConfigError&) {
    return false;
  }
  return read.name == name;
}

}  // namespace

bool ShapePattern::matches(const Shape& shape) const {
  const auto rest = std::find(extents.begin(), extents.end(), kRest);
  const auto same = [](std::int64_t wanted, std::int64_t extent) { return wanted == kAny || wanted == extent; };
  const auto rank = static_cast<std::size_t>(shape.rank());
  if (rest == extents.end())
    return std::equal(extents.begin(), extents.end(), shape.begin(), shape.end(), same);
  const auto before = rest - extents.begin(), after = extents.end() - rest - 1;
  return rank + 1 >= extents.size() &&
         std::equal(extents.begin(), rest, shape.begin(), shape.begin() + before, same) &&
         std::equal(rest + 1, extents.end(), shape.end() - after, shape.end(), same);
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Where the latest * stands and how much of the text it has taken so far: another try gives it one more.
  std::size_t p = 0, t = 0, star = std::string_view::npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool is_within(std::string_view path, std::string_view outer) {
  return outer.empty() ||
         (path.starts_with(outer) && (path.size() == outer.size() || path[outer.size()] == '.'));
}

Breakpoint parse_breakpoint(std::string_view written) {
  constexpr std::string_view kAnd = " and ";
  Breakpoint breakpoint;
  for (bool more = true; more;) {
    const std::size_t end = written.find(kAnd);
    parse_part(trimmed(written.substr(0, end)), breakpoint);
    more = end != std::string_view::npos;
    if (more) written.remove_prefix(end + kAnd.size());
  }
  if (!breakpoint.forward && !breakpoint.backward)
    throw ConfigError({.what = "breakpoint: forward and backward never hold together"});
  return breakpoint;
}

std::string to_string(const Breakpoint& breakpoint) {
  std::string out;
  const auto add = [&](const std::string& part) { out += text(out.empty() ? "" : " and ", part); };
  if (!breakpoint.name.empty())
    add(reads_as_name(breakpoint.name) ? breakpoint.name : text("name ", breakpoint.name));
  if (!breakpoint.module.empty()) add(text("module ", breakpoint.module));
  if (breakpoint.shape) {
    std::string shape;
    for (const std::int64_t extent : breakpoint.shape->extents)
      shape += text(shape.empty() ? "" : ", ", extent == ShapePattern::kAny    ? "*"
                                               : extent == ShapePattern::kRest ? "..."
                                                                               : text(extent));
    add(text("[", shape, "]"));
  }
  if (breakpoint.extent) add(text("extent ", *breakpoint.extent));
  if (breakpoint.nan) add("nan");
  if (breakpoint.infinite) add("inf");
  if (breakpoint.gradient_norm) add(text("norm > ", *breakpoint.gradient_norm));
  if (!breakpoint.file.empty()) add(text(breakpoint.file, ":", breakpoint.line));
  if (!breakpoint.backward) add("forward");
  if (!breakpoint.forward) add("backward");
  return out.empty() ? "every" : out;
}

}  // namespace heed
