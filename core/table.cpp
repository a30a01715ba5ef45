#include "core/table.h"

#include <algorithm>

#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

void require_rectangular(const Table& table) {
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    if (table.rows[i].size() != table.columns.size())
      throw ShapeError({.what = text("table: row ", i, " has ", table.rows[i].size(), " cells, there are ",
                                     table.columns.size(), " columns")});
}

std::vector<char32_t> shown(const std::string& content) {
  std::vector<char32_t> points = plotting::code_points(content);
  for (char32_t& point : points) point = plotting::visible(point);
  return points;
}

std::size_t width_of(const std::string& content) {
  return static_cast<std::size_t>(plotting::display_width(shown(content)));
}

const char* class_of(const TableColumn& column) {
  switch (column.content) {
    case TableContent::numbers:
      return " class=\"number\"";
    case TableContent::code:
      return " class=\"text\"";
    default:
      return "";
  }
}

std::string html_cell(const TableCell& cell) {
  const std::string content = escape_markup(cell.text);
  if (cell.tone == Tone::plain) return content;
  return text("<strong class=\"", cell.tone == Tone::good ? "good" : "bad", "\">", content, "</strong>");
}

}  // namespace

std::string to_string(const Table& table) {
  require_rectangular(table);
  std::vector<std::size_t> widths;
  for (std::size_t j = 0; j < table.columns.size(); ++j) {
    widths.push_back(width_of(table.columns[j].title));
    for (const auto& row : table.rows) widths[j] = std::max(widths[j], width_of(row[j].text));
  }
  std::string out;
  const auto add_line = [&](auto text_of) {
    std::string line;
    for (std::size_t j = 0; j < widths.size(); ++j) {
      const std::string& content = text_of(j);
      const std::string gap(widths[j] - width_of(content), ' ');
      const bool at_right = table.columns[j].content == TableContent::numbers;
      line +=
          (j == 0 ? "" : "  ") + (at_right ? gap : "") + plotting::utf8(shown(content)) + (at_right ? "" : gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([&](std::size_t j) -> const std::string& { return table.columns[j].title; });
  std::size_t whole = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (const std::size_t width : widths) whole += width;
  for (std::size_t i = 0; i < whole; ++i) out += "─";
  out += "\n";
  for (const auto& row : table.rows) add_line([&](std::size_t j) -> const std::string& { return row[j].text; });
  return out;
}

std::string to_html(const Table& table) {
  require_rectangular(table);
  std::string out = "<table>\n";
  if (!table.caption.empty())
    out += text("<caption><span>", escape_markup(table.caption), "</span></caption>\n");
  out += "<thead><tr>";
  for (const TableColumn& column : table.columns)
    out += text("<th scope=\"col\"", column.content == TableContent::numbers ? class_of(column) : "", ">",
                escape_markup(column.title), "</th>");
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t j = 0; j < row.size(); ++j)
      out += text("<td", class_of(table.columns[j]), ">", html_cell(row[j]), "</td>");
    out += "</tr>\n";
  }
  return scrolling_box(table.caption, out + "</tbody>\n</table>\n");
}

}  // namespace heed
