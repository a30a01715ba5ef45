#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

// At most `width` values, each the greatest of its neighbours; NaN wins.
std::vector<double> thinned(std::span<const double> values, std::size_t width) {
  const std::size_t n = std::min(values.size(), width);
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t begin = i * values.size() / n, end = (i + 1) * values.size() / n;
    double greatest = values[begin];
    for (std::size_t k = begin + 1; k < end; ++k)
      if (!(values[k] <= greatest)) greatest = values[k];
    out.push_back(greatest);
  }
  return out;
}

std::size_t columns_of(const std::string& label) {
  return static_cast<std::size_t>(plotting::display_width(plotting::code_points(label)));
}

}  // namespace

std::string terminal_columns(std::span<const double> values, const TerminalColumnsOptions& options) {
  if (options.height < 1 || options.width < 1)
    throw ConfigError({.what = text("terminal_columns: height ", options.height, ", width ", options.width),
                       .expected = "both at least 1"});
  constexpr std::array<std::string_view, 9> kEighths{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto on_axis = [&](double value) { return options.log ? std::log10(value) : value; };
  const auto is_drawn = [&](double value) { return std::isfinite(value) && value > 0; };
  const std::vector<double> columns = thinned(values, static_cast<std::size_t>(options.width));
  double low = INFINITY, high = -INFINITY;
  for (const double value : columns)
    if (is_drawn(value)) {
      low = std::min(low, on_axis(value));
      high = std::max(high, on_axis(value));
    }
  if (!(high >= low)) low = high = on_axis(1);
  low = options.log ? std::min(low, high - 2) : 0;
  // The least value still shows an eighth of a line.
  const double eighth = (high - low) / (8 * options.height - 1);
  if (options.log) low -= eighth;

  std::vector<std::string> scale;
  std::size_t gutter = 0;
  for (int line = 0; line < options.height; ++line) {
    const bool labelled = line == 0 || line == options.height - 1 || line == options.height / 2;
    const double top = low + (high - low) * (options.height - line) / options.height;
    scale.push_back(labelled ? short_number(options.log ? std::pow(10, top) : top, 2) : "");
    gutter = std::max(gutter, columns_of(scale.back()));
  }
  std::string out;
  for (int line = 0; line < options.height; ++line) {
    const std::string& label = scale[static_cast<std::size_t>(line)];
    out += std::string(gutter - columns_of(label), ' ') + label + (label.empty() ? " │" : " ┤");
    std::string drawn;
    for (const double value : columns) {
      const double full = is_drawn(value) ? (on_axis(value) - low) / (high - low) * options.height * 8 : 0;
      const double here = full - 8.0 * (options.height - 1 - line);
      if (std::isnan(value))
        drawn += line == options.height - 1 ? "?" : " ";
      else if (value == INFINITY)
        drawn += "█";
      else
        drawn += kEighths[static_cast<std::size_t>(std::lround(std::clamp(here, 0.0, 8.0)))];
    }
    drawn.erase(drawn.find_last_not_of(' ') + 1);
    out += drawn + "\n";
  }
  out += std::string(gutter + 1, ' ') + "└";
  for (std::size_t i = 0; i < columns.size(); ++i) out += "─";
  out += "\n";
  if (options.first.empty() && options.last.empty()) return out;
  const std::size_t used = columns_of(options.first) + columns_of(options.last);
  return out + std::string(gutter + 2, ' ') + options.first +
         std::string(std::max<std::size_t>(2, std::max(columns.size(), used) - used), ' ') + options.last +
         "\n";
}

}  // namespace heed
