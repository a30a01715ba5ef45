// Parts of the pages that programs write with html_page() of core/page.h.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"

namespace heed::programs {

/// A section with a heading, a note below it (both as text) and its content (HTML).
inline std::string section(std::string_view title, std::string_view note, const std::string& content) {
  return text("<section>\n<h2>", escape_markup(title), "</h2>\n<p class=\"note\">", escape_markup(note),
              "</p>\n", content, "</section>\n");
}

/// A drawing with a line above it (as text), and several of them beside each other as far as there is room.
inline std::string figure(std::string_view caption, const std::string& drawing) {
  return text("<figure>\n<figcaption>", escape_markup(caption), "</figcaption>\n", drawing, "</figure>\n");
}
inline std::string figures(const std::string& all) {
  return text("<div class=\"figures\">\n", all, "</div>\n");
}

/// For the `style` of a page with figures() or listing().
inline constexpr std::string_view kSectionStyle =
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:40px 36px}\n"
    ".figures svg{display:block;width:100%;max-width:560px;height:auto}\n.listing .text{white-space:pre}\n";

/// The lines of a text as they are, in letters of one width; long ones are reached by scrolling sideways.
inline std::string listing(std::string_view label, std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    out += text("<div class=\"text\">", line.empty() ? " " : escape_markup(line), "</div>\n");
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return text("<div class=\"listing\">\n", scrolling_box(label, out), "</div>\n");
}

}  // namespace heed::programs
