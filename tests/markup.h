// A check that a text is well-formed XML, for the drawings and pages that the project writes.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace heed::tests {

/// Whether an & stands for anything but the five entities that the project writes.
inline bool bad_reference(std::string_view content) {
  for (std::size_t at = content.find('&'); at != std::string_view::npos; at = content.find('&', at + 1)) {
    const std::string_view name = content.substr(at, content.find(';', at) - at + 1);
    if (name != "&amp;" && name != "&lt;" && name != "&gt;" && name != "&quot;" && name != "&#39;") return true;
  }
  return false;
}

/// What is wrong with the first place that is not well-formed; empty when all is well. Covers elements,
/// attributes, entities, a doctype and CDATA; the project writes no comments.
inline std::string markup_fault(std::string_view text) {
  std::vector<std::string> open;
  const auto fault = [&](std::size_t at, std::string_view what) {
    return std::string(what) + " at \"" + std::string(text.substr(at, 60)) + "\"";
  };
  std::size_t at = 0;
  if (text.starts_with("<!DOCTYPE html>")) at = 15;
  bool had_root = false;
  while (at < text.size()) {
    const std::size_t tag = std::min(text.find('<', at), text.size());
    const std::string_view content = text.substr(at, tag - at);
    if (bad_reference(content)) return fault(at, "a bare &");
    const bool blank =
        std::all_of(content.begin(), content.end(), [](char c) { return c == ' ' || c == '\n'; });
    if (open.empty() && !blank) return fault(at, "text outside the root");
    if (std::any_of(content.begin(), content.end(), [](char c) { return c >= 0 && c < ' ' && c != '\n'; }))
      return fault(at, "a control character");
    if (tag == text.size()) break;
    if (constexpr std::string_view kCdata = "<![CDATA["; text.substr(tag).starts_with(kCdata)) {
      const std::size_t end = text.find("]]>", tag);
      if (open.empty() || end == std::string_view::npos)
        return fault(tag, "CDATA that does not end, or is in no element");
      at = end + 3;
      continue;
    }
    const bool closes = text.substr(tag + 1, 1) == "/";
    std::size_t i = tag + (closes ? 2 : 1);
    const std::size_t name_at = i;
    while (i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0) ++i;
    const std::string name(text.substr(name_at, i - name_at));
    if (name.empty()) return fault(tag, "a bare <");
    std::vector<std::string_view> attributes;
    while (i < text.size() && text[i] == ' ') {
      const std::size_t equals = text.find("=\"", i);
      const std::size_t end = equals == std::string_view::npos ? equals : text.find('"', equals + 2);
      if (end == std::string_view::npos) return fault(i, "an attribute without its value");
      const std::string_view attribute = text.substr(i + 1, equals - i - 1),
                             value = text.substr(equals + 2, end - equals - 2);
      if (attribute.find_first_of("<> \"/") != std::string_view::npos) return fault(i, "a bad attribute");
      if (std::find(attributes.begin(), attributes.end(), attribute) != attributes.end())
        return fault(i, "an attribute given twice");
      attributes.push_back(attribute);
      if (value.find('<') != std::string_view::npos || bad_reference(value))
        return fault(i, "a bare < or & in a value");
      i = end + 1;
    }
    const bool empty = text.substr(i, 2) == "/>";
    if (!empty && text.substr(i, 1) != ">") return fault(tag, "a tag that does not end");
    if (closes) {
      if (open.empty() || open.back() != name) return fault(tag, "an end tag that closes nothing");
      open.pop_back();
    } else {
      if (open.empty() && had_root) return fault(tag, "a second root");
      had_root = true;
      if (!empty) open.push_back(name);
    }
    at = i + (empty ? 2 : 1);
  }
  if (!open.empty()) return "element " + open.back() + " is never closed";
  return had_root ? "" : "no element";
}

/// How often a part occurs.
inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

}  // namespace heed::tests
