#include "examples/common/report.h"

#include <algorithm>
#include <cstddef>

#include "core/error.h"
#include "core/page.h"

namespace heed::programs {
namespace {

constexpr std::string_view kStyle = R"css(
.results{display:grid;
grid-template-columns:repeat(auto-fit,minmax(140px,max-content));gap:24px 56px;margin:36px 0 0}
.results div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.results dt{color:var(--muted);font-size:.875rem}
.results dd{margin:0;font-size:1.9rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:40px 36px}
.curves svg{display:block;width:100%;max-width:560px;height:auto}
.maps{display:grid;gap:48px}
.maps figcaption{font-weight:400;overflow-wrap:anywhere}
.maps figcaption span{display:block}
@media (min-width:1080px){.maps figure{display:grid;grid-template-columns:280px minmax(0,1fr);gap:36px}
.maps figcaption{padding-top:34px}}
.verdict{font-size:.8125rem;font-weight:600;white-space:nowrap}
.right{color:var(--good)}.wrong{color:var(--bad)}
mark{background:var(--bad-paper);color:var(--bad);border-radius:2px;
text-decoration:underline;text-decoration-thickness:2px;text-underline-offset:3px}
@media (max-width:600px){.results{grid-template-columns:1fr 1fr;gap:20px 24px}.results dd{font-size:1.5rem}}
.figures th,.figures td{padding-right:22px;white-space:nowrap}.figures :last-child{padding-right:0}
)css";

// The output with the part that differs from what was expected marked: between the first and the last
// difference, so that one character too many does not mark all that follows.
std::string marked(const std::string& output, const std::string& expected) {
  if (output == expected) return escape_markup(output);
  const auto inside_character = [](const std::string& text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u;
  };
  const std::size_t shorter = std::min(output.size(), expected.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && output[head] == expected[head]) ++head;
  while (head > 0 && (inside_character(output, head) || inside_character(expected, head))) --head;
  while (tail < shorter - head && output[output.size() - 1 - tail] == expected[expected.size() - 1 - tail])
    ++tail;
  while (tail > 0 && inside_character(output, output.size() - tail)) --tail;
  const std::string middle = output.substr(head, output.size() - head - tail);
  const std::string_view gap = "∅";  // something is missing here
  return text(escape_markup(output.substr(0, head)), "<mark>",
              middle.empty() ? std::string(gap) : escape_markup(middle), "</mark>",
              escape_markup(output.substr(output.size() - tail)));
}

std::string code(const std::string& content) { return text("<code class=\"text\">", content, "</code>"); }

std::string open_section(std::string_view title, std::string_view note = "") {
  return text("<section>\n<h2>", title, "</h2>\n",
              note.empty() ? "" : text("<p class=\"note\">", note, "</p>\n"));
}

// Columns from `first_number` on hold numbers.
std::string open_table(std::string_view caption, const std::vector<std::string>& columns,
                       std::size_t first_number, std::string_view classes = "") {
  std::string out = text("<table", classes.empty() ? "" : text(" class=\"", classes, "\""),
                         ">\n<caption><span>", escape_markup(caption), "</span></caption>\n<thead><tr>");
  for (std::size_t i = 0; i < columns.size(); ++i)
    out += text("<th scope=\"col\"", i < first_number ? "" : " class=\"number\"", ">",
                escape_markup(columns[i]), "</th>");
  return out + "</tr></thead>\n<tbody>\n";
}

std::string verdict(const std::string& output, const std::string& expected) {
  if (output == expected) return "<strong class=\"verdict right\">✓ right</strong>";
  return text("<strong class=\"verdict wrong\">✗ wrong</strong> <small>expected ",
              code(escape_markup(expected)), "</small>");
}

std::string results(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  std::string out = "<dl class=\"results\">\n";
  for (const Fact& fact : facts)
    out += text("<div><dt>", escape_markup(fact.name), "</dt><dd>", escape_markup(fact.value), "</dd></div>\n");
  return out + "</dl>\n";
}

std::string curves(const std::vector<Curve>& all) {
  if (all.empty()) return {};
  std::string out = open_section("Training") + "<div class=\"curves\">\n";
  for (const Curve& curve : all) {
    LineChartOptions options = curve.options;
    if (options.title.empty()) options.title = curve.title;
    out += text("<figure>\n<figcaption>", escape_markup(curve.title), "</figcaption>\n",
                svg_line_chart(curve.series, options), "</figure>\n");
  }
  return out + "</div>\n</section>\n";
}

std::string figures(const Table& table) {
  std::string out = open_table(table.caption, table.columns, 1, "figures");
  for (const std::vector<std::string>& row : table.rows) {
    if (row.empty() || row.size() != table.columns.size())
      throw ShapeError({.what = text("report: a row of ", row.size(), " cells in the table ", table.title),
                        .expected = text(table.columns.size(), " cells, one for each column")});
    out += text("<tr><th scope=\"row\">", escape_markup(row.front()), "</th>");
    for (std::size_t i = 1; i < row.size(); ++i)
      out += text("<td class=\"number\">", escape_markup(row[i]), "</td>");
    out += "</tr>\n";
  }
  return text(open_section(escape_markup(table.title)),
              scrolling_box(table.title, out + "</tbody>\n</table>\n"), "</section>\n");
}

std::string tables(const std::vector<Table>& all) {
  std::string out;
  for (const Table& table : all) out += figures(table);
  return out;
}

std::string attention(const std::vector<AttentionMap>& maps) {
  if (maps.empty()) return {};
  std::string out =
      open_section("Where it looked",
                   "Each row is a token of the output, each column one of the source. The stronger a "
                   "cell, the more of its attention the model gave to that place; a row adds up to 1.");
  out += "<div class=\"maps\">\n";
  for (const AttentionMap& map : maps) {
    out += text("<figure>\n<figcaption>\n",
                map.title.empty() ? "" : text("<strong>", escape_markup(map.title), "</strong>\n"), "<span>",
                code(escape_markup(map.source)), "</span>\n<span>→ ", code(marked(map.output, map.expected)),
                "</span>\n<span>", verdict(map.output, map.expected), "</span>\n");
    const std::string label = text(map.title.empty() ? "Attention" : map.title + ": attention", " from ",
                                   map.source, " to ", map.output);
    const HeatMapOptions options{
        .title = label, .row_title = "output", .column_title = "source", .low = 0.0, .high = 1.0, .cell = 24};
    out += text("</figcaption>\n",
                scrolling_box(label, svg_heat_map(map.weights, map.output_tokens, map.source_tokens, options)),
                "</figure>\n");
  }
  return out + "</div>\n</section>\n";
}

std::string maps(const std::vector<HeatMap>& all) {
  if (all.empty()) return {};
  std::string out = open_section("Maps") + "<div class=\"maps\">\n";
  for (const HeatMap& map : all) {
    HeatMapOptions options = map.options;
    if (options.title.empty()) options.title = map.title;
    out += text("<figure>\n<figcaption>", escape_markup(map.title), "</figcaption>\n",
                scrolling_box(map.title, svg_heat_map(map.values, map.row_labels, map.column_labels, options)),
                "</figure>\n");
  }
  return out + "</div>\n</section>\n";
}

std::string mistakes(const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::string table = open_table("The examples with the greatest loss; where an answer differs is marked.",
                                 {"Source", "Expected", "Got", "Loss"}, 3);
  for (const Example& one : examples)
    table += text("<tr><td class=\"text\">", escape_markup(one.source), "</td><td class=\"text\">",
                  escape_markup(one.expected), "</td><td class=\"text\">", marked(one.output, one.expected),
                  "</td><td class=\"number\">", short_number(one.loss), "</td></tr>\n");
  return text(open_section("Worst mistakes"), scrolling_box("Worst mistakes", table + "</tbody>\n</table>\n"),
              "</section>\n");
}

std::string samples(const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::string table = open_table("Some examples and what the model wrote.", {"Source", "Output", "Verdict"}, 3);
  for (const Example& one : examples)
    table +=
        text("<tr><td class=\"text\">", escape_markup(one.source), "</td><td class=\"text\">",
             marked(one.output, one.expected), "</td><td>", verdict(one.output, one.expected), "</td></tr>\n");
  return text(open_section("Samples"), scrolling_box("Samples", table + "</tbody>\n</table>\n"),
              "</section>\n");
}

std::string configuration(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  std::string table = open_table("The same settings give the same run.", {"Setting", "Value"}, 2);
  for (const Fact& fact : facts)
    table += text("<tr><th scope=\"row\">", escape_markup(fact.name), "</th><td>", escape_markup(fact.value),
                  "</td></tr>\n");
  return text(open_section("Configuration"), scrolling_box("Configuration", table + "</tbody>\n</table>\n"),
              "</section>\n");
}

}  // namespace

std::string to_html(const Report& report) {
  const std::string summary =
      report.summary.empty() ? "" : text("<p class=\"lead\">", escape_markup(report.summary), "</p>\n");
  return html_page({.title = report.title,
                    .lead = summary + results(report.results),
                    .body = text(curves(report.curves), tables(report.tables), attention(report.attention),
                                 maps(report.maps), mistakes(report.mistakes), samples(report.samples),
                                 configuration(report.configuration)),
                    .style = std::string(kStyle)});
}

}  // namespace heed::programs
