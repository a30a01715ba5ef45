#include "examples/common/report.h"

#include <algorithm>
#include <cstddef>

#include "core/error.h"

namespace heed::programs {
namespace {

// Contrast of text on its background is at least 4.5 to 1 in both schemes; the test of this file computes it.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2024;--muted:#5b636c;--rule:#e4e7ea;--panel:#f7f8f9;
--good:#1b6b3a;--bad:#a8281d;--bad-paper:#fbe3e0}
@media (prefers-color-scheme:dark){:root{
--paper:#16191d;--ink:#e7eaed;--muted:#a3abb4;--rule:#2c3137;--panel:#1c2025;
--good:#7fd09c;--bad:#ff9c8f;--bad-paper:#4a1f1b}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1120px;margin:0 auto;padding:56px 24px 80px}
h1{font-size:2.1rem;line-height:1.15;letter-spacing:-.02em;font-weight:650;margin:0 0 12px;text-wrap:balance}
h2{font-size:1.2rem;line-height:1.3;letter-spacing:-.01em;font-weight:650;margin:0 0 20px}
section{margin-top:56px;padding-top:28px;border-top:1px solid var(--rule)}
p{margin:0;max-width:68ch}
.lead{font-size:1.1rem;color:var(--muted)}
.note{color:var(--muted);font-size:.9rem;margin:-12px 0 24px}
.results{display:grid;
grid-template-columns:repeat(auto-fit,minmax(140px,max-content));gap:24px 56px;margin:36px 0 0}
.results div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.results dt{color:var(--muted);font-size:.875rem}
.results dd{margin:0;font-size:1.9rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;font-weight:600;margin-bottom:14px}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:40px 36px}
.curves svg{display:block;width:100%;max-width:560px;height:auto}
.maps{display:grid;gap:48px}
.maps figcaption{font-weight:400;overflow-wrap:anywhere}
.maps figcaption span{display:block}
@media (min-width:1080px){.maps figure{display:grid;grid-template-columns:280px minmax(0,1fr);gap:36px}
.maps figcaption{padding-top:34px}}
.scroll{overflow-x:auto;max-width:100%;padding-bottom:4px}
.scroll:focus-visible{outline:2px solid var(--plot-line-1);outline-offset:4px;border-radius:2px}
.scroll svg{display:block}
.text{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;white-space:pre-wrap}
small{color:var(--muted);font-size:.8125rem}
.verdict{font-size:.8125rem;font-weight:600;white-space:nowrap}
.right{color:var(--good)}.wrong{color:var(--bad)}
mark{background:var(--bad-paper);color:var(--bad);border-radius:2px;
text-decoration:underline;text-decoration-thickness:2px;text-underline-offset:3px}
table{border-collapse:collapse;font-size:.95rem}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding-bottom:12px}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 32px)}
th,td{text-align:left;vertical-align:baseline;padding:7px 36px 7px 0;border-bottom:1px solid var(--rule)}
th{font-size:.8125rem;font-weight:600;color:var(--muted)}
tbody th{font-size:inherit;font-weight:400}
.figures th,.figures td{padding-right:22px;white-space:nowrap}
td:last-child,th:last-child,.figures :last-child{padding-right:0}
td{white-space:nowrap}td.text,td .text{white-space:pre}td.text{font-size:.875rem}
.number{text-align:right;font-variant-numeric:tabular-nums}td.number{font-size:.875rem}
@media (max-width:600px){main{padding:32px 16px 56px}h1{font-size:1.7rem}
section{margin-top:40px;padding-top:22px}
.results{grid-template-columns:1fr 1fr;gap:20px 24px}.results dd{font-size:1.5rem}th,td{padding-right:22px}}
@media print{main{max-width:none;padding:0}figure,tr{break-inside:avoid}.scroll{overflow:visible}}
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

// A box of its own that scrolls sideways; the keyboard reaches it.
std::string scrolling(std::string_view label, const std::string& content) {
  return text("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", escape_markup(label),
              "\">\n", content, "</div>\n");
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
  return text(open_section(escape_markup(table.title)), scrolling(table.title, out + "</tbody>\n</table>\n"),
              "</section>\n");
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
                scrolling(label, svg_heat_map(map.weights, map.output_tokens, map.source_tokens, options)),
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
                scrolling(map.title, svg_heat_map(map.values, map.row_labels, map.column_labels, options)),
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
  return text(open_section("Worst mistakes"), scrolling("Worst mistakes", table + "</tbody>\n</table>\n"),
              "</section>\n");
}

std::string samples(const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::string table = open_table("Some examples and what the model wrote.", {"Source", "Output", "Verdict"}, 3);
  for (const Example& one : examples)
    table +=
        text("<tr><td class=\"text\">", escape_markup(one.source), "</td><td class=\"text\">",
             marked(one.output, one.expected), "</td><td>", verdict(one.output, one.expected), "</td></tr>\n");
  return text(open_section("Samples"), scrolling("Samples", table + "</tbody>\n</table>\n"), "</section>\n");
}

std::string configuration(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  std::string table = open_table("The same settings give the same run.", {"Setting", "Value"}, 2);
  for (const Fact& fact : facts)
    table += text("<tr><th scope=\"row\">", escape_markup(fact.name), "</th><td>", escape_markup(fact.value),
                  "</td></tr>\n");
  return text(open_section("Configuration"), scrolling("Configuration", table + "</tbody>\n</table>\n"),
              "</section>\n");
}

}  // namespace

std::string to_html(const Report& report) {
  const std::string title = escape_markup(report.title);
  return text("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>", title,
              "</title>\n<style>\n", plot_style(), kStyle, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>",
              title, "</h1>\n",
              report.summary.empty() ? "" : text("<p class=\"lead\">", escape_markup(report.summary), "</p>\n"),
              results(report.results), "</header>\n", curves(report.curves), tables(report.tables),
              attention(report.attention), maps(report.maps), mistakes(report.mistakes),
              samples(report.samples), configuration(report.configuration), "</main>\n</body>\n</html>\n");
}

}  // namespace heed::programs
