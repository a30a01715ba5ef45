// Tables of names and numbers, for a terminal and for a page.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace heed {

enum class TableContent { words, code, numbers };

struct TableColumn {
  std::string title{};
  TableContent content = TableContent::numbers;  ///< numbers stand at the right, code in letters of one width
};

enum class Tone { plain, good, bad };

struct TableCell {
  std::string text{};
  Tone tone = Tone::plain;

  TableCell(std::string its_text, Tone its_tone = Tone::plain) : text(std::move(its_text)), tone(its_tone) {}
  TableCell(const char* its_text, Tone its_tone = Tone::plain) : text(its_text), tone(its_tone) {}
};

struct Table {
  std::string caption{};  ///< on a page, and for those who hear it
  std::vector<TableColumn> columns{};
  std::vector<std::vector<TableCell>> rows{};  ///< each as long as `columns`
};

/// Lines for a terminal: the titles, a rule, the rows, in columns two spaces apart; without the caption. No
/// control character of a text reaches the terminal. Throws ShapeError when a row has more or fewer cells than
/// there are columns; so does to_html().
std::string to_string(const Table& table);

/// The table as HTML for html_page() of core/page.h; it scrolls sideways by itself.
std::string to_html(const Table& table);

}  // namespace heed
