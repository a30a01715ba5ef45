// Pages for a browser that need nothing else.
#pragma once

#include <string>
#include <string_view>

namespace heed {

/// What a page shows. All but the title is HTML that is well-formed XML too; texts in it went through
/// escape_markup() (core/plot.h).
struct Page {
  std::string title{};   ///< as text
  std::string lead{};    ///< below the title
  std::string body{};    ///< sections
  std::string style{};   ///< CSS besides that of all pages
  std::string script{};  ///< JavaScript; without it the page has none
};

/// The page as one file without outside resources, light or dark as the reader's system is, readable from 390
/// pixels of width on. Its style sheet has that of the drawings (plot_style()) and for all pages the colours
/// --paper, --ink, --muted, --rule, --panel, --good, --bad, --bad-paper, sections, tables (`.number` for
/// columns of numbers, `strong.good` and `strong.bad`), `.lead`, `.note`, `.text` for code and `small`.
std::string html_page(const Page& page);

/// A UTF-8 text as a string for the script of a page, quotes included, without <, > and &.
std::string script_string(std::string_view content);

/// A box that scrolls sideways by itself; the keyboard reaches it.
std::string scrolling_box(std::string_view label, const std::string& content);

}  // namespace heed
