#include "core/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/plot_text.h"

namespace heed {
namespace {

using plotting::Color;
using plotting::display_width;
using plotting::label_points;
using plotting::px;
using plotting::Scale;
using plotting::Scheme;
using plotting::svg_open;
using plotting::svg_text;
using plotting::text_width;
using plotting::utf8;

// ---- heat map
// -----------------------------------------------------------------------------------------------------

void check_size(std::span<const double> values, const std::vector<std::string>& rows,
                const std::vector<std::string>& columns, const char* operation) {
  if (values.size() != rows.size() * columns.size())
    throw ShapeError({.what = text(operation, ": ", values.size(), " values for ", rows.size(),
                                   " row labels and ", columns.size(), " column labels"),
                      .expected = text("values == rows * columns, got ", values.size(), " and ",
                                       rows.size() * columns.size())});
}

Scale fit(std::span<const double> values, std::optional<double> low, std::optional<double> high) {
  double least = 0, greatest = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  if (greatest < least) greatest = least;
  Scale scale{low.value_or(least), high.value_or(greatest)};
  if (!(scale.high > scale.low)) scale.high = scale.low + 1;  // a map of zeros
  return scale;
}

std::string cell_title(std::string_view what, std::size_t index, const std::string& label) {
  return text(what, " ", index + 1, " “", escape_markup(label), "”");
}

std::string css_color(Color color) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "#";
  for (const int part : {color.red, color.green, color.blue}) {
    out += kHex[static_cast<std::size_t>(part / 16)];
    out += kHex[static_cast<std::size_t>(part % 16)];
  }
  return out;
}

constexpr std::string_view kRules =
    R"css(.heed-plot{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
font-variant-numeric:tabular-nums}
.heed-plot .paper{fill:var(--plot-paper)}
.heed-plot text{fill:var(--plot-muted)}
.heed-plot .label{fill:var(--plot-ink);font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.heed-plot .end{text-anchor:end}.heed-plot .middle{text-anchor:middle}
.heed-plot .grid{stroke:var(--plot-grid);fill:none}
.heed-plot .axis{stroke:var(--plot-muted);fill:none}
.heed-plot .line{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
.heed-plot .dense{stroke-width:1}
.heed-plot .nan{fill:var(--plot-nan)}
.heed-plot .cell:hover{stroke:var(--plot-ink);stroke-width:1.5}
.heed-plot .block{fill:var(--plot-muted);fill-opacity:.16}
.heed-plot .whole{fill-opacity:.34}
.heed-plot .block:hover{stroke:var(--plot-ink);stroke-width:1.5}
.heed-plot .block+text{pointer-events:none}
)css";

std::string scheme_colors(Scheme scheme) {
  std::string out =
      scheme == Scheme::light
          ? "--plot-paper:#fff;--plot-ink:#1c2024;--plot-muted:#5b636c;--plot-grid:#e4e7ea;"
            "--plot-line-1:#1f5fae;--plot-line-2:#b4480f;--plot-line-3:#1b7a4b;"
            "--plot-line-4:#8a3a9c;--plot-line-5:#7a6200;--plot-line-6:#b02a4c;--plot-nan:#d9a441;"
          : "--plot-paper:#16191d;--plot-ink:#e7eaed;--plot-muted:#a3abb4;--plot-grid:#2c3137;"
            "--plot-line-1:#7ab3f5;--plot-line-2:#f0965c;--plot-line-3:#62c894;"
            "--plot-line-4:#cf94e0;--plot-line-5:#d9bf52;--plot-line-6:#f38ba6;--plot-nan:#8a6420;";
  for (int i = 0; i <= plotting::kRampSteps; ++i)
    out +=
        text("--plot-ramp-", i, ":", css_color(plotting::ramp(double(i) / plotting::kRampSteps, scheme)), ";");
  return out;
}

int ramp_step(double amount) { return static_cast<int>(std::lround(amount * plotting::kRampSteps)); }

// A bar of the whole ramp with the values at its ends.
std::string draw_key(double left, double top, const Scale& scale) {
  const double from = left + text_width(short_number(scale.low)) + 6;
  std::string out = svg_text("tick", left, top + 10, short_number(scale.low));
  for (int i = 0; i <= plotting::kRampSteps; ++i)
    out += text("<rect class=\"r", i, "\" x=\"", px(from + 3 * i), "\" y=\"", px(top + 1),
                "\" width=\"3.5\" height=\"10\"/>\n");
  return out + svg_text("tick", from + 3 * plotting::kRampSteps + 10, top + 10, short_number(scale.high));
}

}  // namespace

std::string svg_heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
                         const std::vector<std::string>& column_labels, const HeatMapOptions& options) {
  check_size(values, row_labels, column_labels, "svg_heat_map");
  const Scale scale = fit(values, options.low, options.high);
  const double cell = std::max(4, options.cell);
  double row_width = 0, column_width = 0;
  std::vector<std::string> rows, columns;
  for (const std::string& label : row_labels) {
    rows.push_back(utf8(label_points(label, 16)));
    row_width = std::max(row_width, text_width(rows.back()));
  }
  for (const std::string& label : column_labels) {
    columns.push_back(utf8(label_points(label, 16)));
    column_width = std::max(column_width, text_width(columns.back()));
  }
  const bool slanted = column_width > cell;  // long labels stand at 45 degrees
  const double left = (options.row_title.empty() ? 0 : 20) + row_width + 8;
  const double top = (options.column_title.empty() ? 2 : 20) + (slanted ? 0.71 * column_width + 12 : 16);
  const double right = left + cell * static_cast<double>(columns.size());
  const double bottom = top + cell * static_cast<double>(rows.size());
  const double overhang = slanted ? 0.71 * column_width : 0;

  std::string out = svg_open(std::max(right + overhang, left + 200) + 2, bottom + 26,
                             options.title.empty() ? "heat map" : options.title, "group", options.standalone);
  if (!options.column_title.empty()) out += svg_text("tick", left, 12, options.column_title);
  if (!options.row_title.empty())
    out += text("<text class=\"tick end\" transform=\"translate(12 ", px(top), ") rotate(-90)\">",
                escape_markup(options.row_title), "</text>\n");
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const double x = left + cell * (static_cast<double>(j) + 0.5);
    if (slanted)
      out += text("<text class=\"label\" transform=\"translate(", px(x + 3), " ", px(top - 6),
                  ") rotate(-45)\">", escape_markup(columns[j]), "</text>\n");
    else
      out += svg_text("label middle", x, top - 7, columns[j]);
  }
  const std::string_view row_word = options.row_title.empty() ? "row" : std::string_view(options.row_title);
  const std::string_view column_word =
      options.column_title.empty() ? "column" : std::string_view(options.column_title);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = top + cell * static_cast<double>(i);
    out += svg_text("label end", left - 6, y + cell / 2 + 4, rows[i]);
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const double value = values[i * columns.size() + j];
      const std::string color = std::isnan(value) ? "nan" : text("r", ramp_step(scale(value)));
      out +=
          text("<rect role=\"img\" class=\"cell ", color, "\" x=\"", px(left + cell * static_cast<double>(j)),
               "\" y=\"", px(y), "\" width=\"", px(cell - 1), "\" height=\"", px(cell - 1),
               "\" rx=\"2\"><title>", cell_title(escape_markup(row_word), i, row_labels[i]), ", ",
               cell_title(escape_markup(column_word), j, column_labels[j]), ": ", short_number(value),
               "</title></rect>\n");
    }
  }
  return out + draw_key(left, bottom + 10, scale) + "</svg>\n";
}

std::string terminal_heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
                              const std::vector<std::string>& column_labels,
                              const TerminalHeatMapOptions& options) {
  check_size(values, row_labels, column_labels, "terminal_heat_map");
  constexpr std::array<std::string_view, 5> kShades{" ", "░", "▒", "▓", "█"};
  const Scale scale = fit(values, options.low, options.high);
  std::vector<std::vector<char32_t>> rows, columns;
  int gutter = 0;
  std::size_t header = 0, cell = options.cell <= 1 ? 1 : 2;
  for (const std::string& label : row_labels) {
    rows.push_back(label_points(label, 16));
    gutter = std::max(gutter, display_width(rows.back()));
  }
  for (const std::string& label : column_labels) {
    columns.push_back(label_points(label, 16));
    header = std::max(header, columns.back().size());
    for (const char32_t c : columns.back())
      if (display_width({&c, 1}) == 2) cell = 2;
  }
  std::string background;  // as the last escape sequence left it
  const auto paint = [&](const std::string& sequence) {
    if (!options.color || sequence == background) return std::string();
    return background = sequence;
  };
  const std::string reset = "\x1b[0m";
  const auto shade = [&](double amount) {
    if (std::isnan(amount)) return paint(reset) + std::string(cell, '?');
    if (options.color) {
      const Color c = plotting::ramp(amount, Scheme::dark);
      return paint(text("\x1b[48;2;", c.red, ";", c.green, ";", c.blue, "m")) + std::string(cell, ' ');
    }
    std::string out;
    for (std::size_t k = 0; k < cell; ++k) out += kShades[static_cast<std::size_t>(std::lround(amount * 4))];
    return out;
  };
  const std::string indent(static_cast<std::size_t>(gutter) + 1, ' ');

  std::string out;
  for (std::size_t line = 0; line < header; ++line) {
    out += indent;
    for (const std::vector<char32_t>& label : columns) {
      const std::size_t above = header - label.size();  // shorter labels stand at the bottom
      const char32_t c = line < above ? U' ' : label[line - above];
      out += utf8(c);
      out.append(cell - std::min(cell, static_cast<std::size_t>(display_width({&c, 1}))), ' ');
    }
    out += "\n";
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.append(static_cast<std::size_t>(gutter - display_width(rows[i])), ' ');
    out += utf8(rows[i]) + " ";
    for (std::size_t j = 0; j < columns.size(); ++j) out += shade(scale(values[i * columns.size() + j]));
    out += paint(reset) + "\n";
  }
  out += indent + short_number(scale.low) + " ";
  for (int k = 0; k <= 4; ++k) out += shade(k / 4.0);
  return out + paint(reset) + " " + short_number(scale.high) + "\n";
}

std::string plot_style() {
  std::string out = text(":root{", scheme_colors(Scheme::light), "}\n@media (prefers-color-scheme:dark){:root{",
                         scheme_colors(Scheme::dark), "}}\n");
  out += kRules;
  constexpr std::array<std::string_view, plotting::kLineColors> kDashes{"none",     "6 4",  "2 4",
                                                                        "10 3 2 3", "12 4", "4 2"};
  for (std::size_t i = 1; i <= plotting::kLineColors; ++i)
    out += text(".heed-plot .c", i, "{stroke:var(--plot-line-", i, ")}.heed-plot .d", i,
                "{stroke-dasharray:", kDashes[i - 1], "}.heed-plot circle.c", i, ",.heed-plot .b", i,
                "{fill:var(--plot-line-", i, ")}\n");
  for (int i = 0; i <= plotting::kRampSteps; ++i)
    out += text(".heed-plot .r", i, "{fill:var(--plot-ramp-", i, ")}\n");
  return out;
}

}  // namespace heed
