// Drawings from plain numbers: line charts and heat maps as SVG, heat maps for a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// One line of a chart. A point that is not finite, or not positive on a logarithmic axis, leaves a gap.
struct Series {
  std::string name{};
  std::vector<double> x{};
  std::vector<double> y{};
};

struct LineChartOptions {
  std::string title{};  ///< what a screen reader says; not drawn
  std::string x_label{};
  std::string y_label{};
  bool log_y = false;
  std::optional<double> x_low{};   ///< the x axis begins at this or less
  std::optional<double> y_low{};   ///< the y axis reaches at least from here …
  std::optional<double> y_high{};  ///< … to here
  int width = 360;                 ///< of the view box, in pixels; the drawing scales
  int height = 240;                ///< grows when the legend takes more than one row
  bool standalone = false;         ///< carries its own style sheet: for a file of its own
};

/// The series as an `<svg>` element with axes, ticks at round numbers and, from two series on, a legend. Lines
/// differ by colour and by dashes, up to 36 of them. Colours are those of `plot_style()`. A long series is
/// thinned to what the width can show, keeping the extremes. Throws ShapeError when the x and the y of a series
/// differ in number, ConfigError when the size is too small to hold the axes.
std::string svg_line_chart(std::span<const Series> series, const LineChartOptions& options = {});

struct HeatMapOptions {
  std::string title{};  ///< what a screen reader says; not drawn
  std::string row_title{};
  std::string column_title{};
  std::optional<double>
      low{};  ///< drawn with the first colour; without it 0, or the least value if that is negative
  std::optional<double> high{};  ///< drawn with the last colour; without it the greatest value
  int cell = 20;                 ///< side of a cell in pixels
  bool standalone = false;       ///< carries its own style sheet: for a file of its own
};

/// values [rows, columns], row by row, as an `<svg>` element: a label at each row and column, the number in the
/// `<title>` of each cell, a key of the colours below. A space in a label is shown as ␣; a value that is not a
/// number gets a colour outside the ramp. Throws ShapeError unless there are rows * columns values.
std::string svg_heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
                         const std::vector<std::string>& column_labels, const HeatMapOptions& options = {});

struct TerminalHeatMapOptions {
  bool color = true;  ///< 24-bit ANSI backgrounds; without it the characters " ░▒▓█", and "?" for not a number
  std::optional<double> low{};  ///< as in HeatMapOptions
  std::optional<double> high{};
  int cell = 2;  ///< terminal columns a cell, 1 or 2; a label with a double-width character needs 2 and gets it
};

/// The same map as lines for a terminal, each ended by a newline: column labels above, written downwards when
/// longer than one character, row labels at the left. No control character of a label reaches the terminal.
/// Throws ShapeError unless there are rows * columns values.
std::string terminal_heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
                              const std::vector<std::string>& column_labels,
                              const TerminalHeatMapOptions& options = {});

struct TerminalColumnsOptions {
  bool log = false;  ///< heights are logarithms; what is not positive is left empty
  int height = 8;    ///< lines of the columns
  int width = 64;    ///< at most so many columns; of more values, the greatest of neighbours is shown
  std::string first{}, last{};  ///< below the first and the last column
};

/// Values as columns side by side, as lines for a terminal with a scale at the left: from 0 to the greatest, or
/// on a logarithmic scale over what the values span, at least two decades; a number of the scale stands at the
/// line that it is the top of. A value that is NaN is a "?". Throws ConfigError unless height and width are at
/// least 1.
std::string terminal_columns(std::span<const double> values, const TerminalColumnsOptions& options = {});

/// The style sheet of the SVG drawings, for the `<style>` of a page. The colours are custom properties of
/// `:root`
/// (`--plot-ink`, `--plot-muted`, `--plot-grid`, `--plot-line-1` … `-6`, `--plot-ramp-0` … `-32`) and follow
/// the reader's light or dark scheme.
std::string plot_style();

/// The text with & < > " ' escaped, fit for the content and the attributes of XML and HTML. Control characters
/// turn into their pictures (␊), invalid UTF-8 and the marks that reorder text into �.
std::string escape_markup(std::string_view text);

/// A number for people, at most `digits` significant digits: "0.0123", "98.5", "1.2e-07", "not a number".
std::string short_number(double value, int digits = 3);
/// A number of at least 0 with its digits in threes: "183,227".
std::string grouped(std::int64_t number);

}  // namespace heed
