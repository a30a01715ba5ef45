#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

using plotting::fixed_number;
using plotting::px;
using plotting::svg_open;
using plotting::svg_text;
using plotting::text_width;

constexpr double kLargest = 1e300;  // beyond it the difference of two values overflows

// ---- axes
// ---------------------------------------------------------------------------------------------------------

struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<double> ticks{};
  std::vector<std::string> labels{};

  bool holds(double value) const {
    return std::isfinite(value) && std::fabs(value) <= kLargest && (!logarithmic || value >= 1 / kLargest);
  }
  double place(double value) const {  // in [0, 1]
    if (logarithmic) return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
    return (value - low) / (high - low);
  }
};

// 1, 2 or 5 times a power of ten, so that about `wanted` of them make up the range.
double round_step(double range, int wanted) {
  const double rough = range / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.9999) return factor * power;
  return 10 * power;
}

std::vector<std::string> linear_labels(const std::vector<double>& ticks, double step) {
  const double most = std::max(std::fabs(ticks.front()), std::fabs(ticks.back()));
  const bool scientific = most >= 1e12 || step < 1e-6;
  const double unit = step >= 1e6 ? 1e6 : step >= 1e3 ? 1e3 : 1;
  const char* suffix = step >= 1e6 ? "M" : step >= 1e3 ? "k" : "";
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step / unit) + 1e-9)));
  std::vector<std::string> labels;
  for (const double tick : ticks) {
    if (scientific)
      labels.push_back(short_number(tick));
    else
      labels.push_back(fixed_number(tick / unit, decimals) + (tick == 0 ? "" : suffix));
  }
  return labels;
}

void set_linear_ticks(Axis& axis, int wanted, bool whole, bool widen) {
  // Equal ends, or ends that a double can hardly tell apart, need a range that can be cut into ticks.
  const double most = std::max(std::fabs(axis.low), std::fabs(axis.high));
  if (axis.high - axis.low <= std::max(most * 1e-9, 1 / kLargest)) {
    const double pad = whole || most <= 1 / kLargest ? std::max(1.0, most * 1e-9) : most * 0.1;
    axis.low -= pad;
    axis.high += pad;
  }
  double step = round_step(axis.high - axis.low, wanted);
  if (whole) step = std::max(step, 1.0);
  double first = std::ceil(axis.low / step - 1e-9), last = std::floor(axis.high / step + 1e-9);
  if (widen) {
    first = std::floor(axis.low / step + 1e-9);
    last = std::ceil(axis.high / step - 1e-9);
    axis.low = std::min(axis.low, first * step);
    axis.high = std::max(axis.high, last * step);
  }
  const int count = static_cast<int>(std::min(last - first, 100.0));
  for (int i = 0; i <= count; ++i) axis.ticks.push_back((first + i) * step);
  if (!axis.ticks.empty()) axis.labels = linear_labels(axis.ticks, step);
}

std::string decade_label(int exponent, int factor) {
  if (exponent > 4 || exponent < -4) return text(factor, "e", exponent);
  return fixed_number(factor * std::pow(10.0, exponent), std::max(0, -exponent));
}

void set_log_ticks(Axis& axis) {
  constexpr std::array<int, 3> kFactors{1, 2, 5};
  struct Mark {
    int exponent, factor;
    double value() const { return factor * std::pow(10.0, exponent); }
  };
  std::vector<Mark> marks;
  const int from = static_cast<int>(std::floor(std::log10(axis.low))) - 1;
  const int to = static_cast<int>(std::ceil(std::log10(axis.high))) + 1;
  for (int exponent = from; exponent <= to; ++exponent)
    for (const int factor : kFactors) marks.push_back({exponent, factor});
  // The axis runs from the last mark not above the data to the first mark not below.
  std::size_t first = 0, last = marks.size() - 1;
  while (first + 2 < marks.size() && marks[first + 1].value() <= axis.low * 1.0001) ++first;
  while (last > first + 1 && marks[last - 1].value() >= axis.high * 0.9999) --last;
  axis.low = marks[first].value();
  axis.high = marks[last].value();
  const int decades = (marks[last].exponent - marks[first].exponent);
  const int every = std::max(1, (decades + 5) / 6);
  for (std::size_t i = first; i <= last; ++i) {
    const Mark mark = marks[i];
    if (decades >= 3 && (mark.factor != 1 || mark.exponent % every != 0)) continue;
    axis.ticks.push_back(mark.value());
    axis.labels.push_back(decade_label(mark.exponent, mark.factor));
  }
}

// The axis that holds the values, those of them that can be drawn.
template <class Values>
Axis fit(std::span<const Series> series, Values values, bool logarithmic, std::optional<double> least,
         std::optional<double> most) {
  Axis axis{.logarithmic = logarithmic};
  double low = INFINITY, high = -INFINITY;
  const auto hold = [&](double value) {
    if (!axis.holds(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const Series& one : series)
    for (const double value : values(one)) hold(value);
  if (least) hold(*least);
  if (most) hold(*most);
  axis.low = low <= high ? low : logarithmic ? 0.1 : 0;
  axis.high = low <= high ? high : 1;
  return axis;
}

// ---- line chart
// ---------------------------------------------------------------------------------------------------

struct Frame {
  double left, top, right, bottom;
  Axis x, y;
  double place_x(double value) const { return left + x.place(value) * (right - left); }
  double place_y(double value) const { return bottom - y.place(value) * (bottom - top); }
};

// Places in the series of the points to draw: all, or of each pixel column the first, least, greatest and last.
std::vector<std::size_t> points_to_draw(const Series& one, const Frame& frame) {
  std::vector<std::size_t> kept;
  const std::size_t count = one.x.size();
  const bool few = static_cast<double>(count) <= 4 * (frame.right - frame.left);
  if (few || !std::is_sorted(one.x.begin(), one.x.end())) {
    for (std::size_t i = 0; i < count; ++i) kept.push_back(i);
    return kept;
  }
  const auto drawn = [&](std::size_t i) { return frame.x.holds(one.x[i]) && frame.y.holds(one.y[i]); };
  const auto column = [&](std::size_t i) { return std::floor(frame.place_x(one.x[i])); };
  for (std::size_t i = 0; i < count;) {
    if (!drawn(i)) {
      kept.push_back(i);
      while (i < count && !drawn(i)) ++i;
      continue;
    }
    std::array<std::size_t, 4> picks{i, i, i, i};  // first, least, greatest, last
    const double here = column(i);
    for (; i < count && drawn(i) && column(i) == here; ++i) {
      if (one.y[i] < one.y[picks[1]]) picks[1] = i;
      if (one.y[i] > one.y[picks[2]]) picks[2] = i;
      picks[3] = i;
    }
    std::sort(picks.begin(), picks.end());
    kept.insert(kept.end(), picks.begin(), std::unique(picks.begin(), picks.end()));
  }
  return kept;
}

// Colour and dashes of a line. Where the colours begin again, each comes with the dashes of another.
std::string line_classes(std::size_t i) {
  constexpr std::size_t n = plotting::kLineColors;
  return text("line c", i % n + 1, " d", (i + i / n) % n + 1);
}

std::string draw_series(std::span<const Series> series, std::size_t number, const Frame& frame) {
  const Series& one = series[number];
  std::string path, dots;
  const std::vector<std::size_t> places = points_to_draw(one, frame);
  const bool dotted = one.x.size() <= 24;
  const auto drawn = [&](std::size_t k) {
    return k < places.size() && frame.x.holds(one.x[places[k]]) && frame.y.holds(one.y[places[k]]);
  };
  for (std::size_t k = 0; k < places.size(); ++k) {
    if (!drawn(k)) continue;
    const bool joined = k > 0 && drawn(k - 1);
    const std::size_t i = places[k];
    const std::string x = px(frame.place_x(one.x[i])), y = px(frame.place_y(one.y[i]));
    path += text(joined ? "L" : "M", x, " ", y);
    if (dotted || (!joined && !drawn(k + 1)))
      dots += text("<circle class=\"c", number % plotting::kLineColors + 1, "\" cx=\"", x, "\" cy=\"", y,
                   "\" r=\"3\"><title>", escape_markup(one.name), one.name.empty() ? "" : ", ",
                   short_number(one.x[i], 6), ": ", short_number(one.y[i], 4), "</title></circle>\n");
  }
  if (path.empty()) return {};
  return text("<path class=\"", line_classes(number), one.x.size() > 200 ? " dense" : "", "\" d=\"", path,
              "\"/>\n", dots);
}

struct LegendEntry {
  double x;
  int row;
};

// Entries side by side, in further rows where the width ends.
std::vector<LegendEntry> lay_out_legend(std::span<const Series> series, double left, double right) {
  std::vector<LegendEntry> entries;
  double x = left;
  int row = 0;
  for (const Series& one : series) {
    const double width = 26 + text_width(one.name) + 14;
    if (x > left && x + width > right) {
      x = left;
      ++row;
    }
    entries.push_back({x, row});
    x += width;
  }
  return entries;
}

std::string draw_axes(const Frame& frame, const LineChartOptions& options) {
  std::string out;
  for (std::size_t i = 0; i < frame.y.ticks.size(); ++i) {
    const std::string y = px(frame.place_y(frame.y.ticks[i]));
    out += text("<path class=\"grid\" d=\"M", px(frame.left), " ", y, "H", px(frame.right), "\"/>\n");
    out += svg_text("tick end", frame.left - 8, frame.place_y(frame.y.ticks[i]) + 4, frame.y.labels[i]);
  }
  out +=
      text("<path class=\"axis\" d=\"M", px(frame.left), " ", px(frame.bottom), "H", px(frame.right), "\"/>\n");
  for (std::size_t i = 0; i < frame.x.ticks.size(); ++i) {
    const double x = frame.place_x(frame.x.ticks[i]);
    out += text("<path class=\"axis\" d=\"M", px(x), " ", px(frame.bottom), "v4\"/>\n");
    out += svg_text("tick middle", x, frame.bottom + 18, frame.x.labels[i]);
  }
  out += svg_text("tick end", frame.right, frame.bottom + 36, options.x_label);
  return out;
}

std::string describe(std::span<const Series> series, const LineChartOptions& options) {
  std::string out = options.title.empty() ? "line chart" : options.title;
  for (const Series& one : series) {
    if (one.y.empty()) continue;
    out += text("; ", one.name, one.name.empty() ? "" : " ", "from ", short_number(one.y.front()), " to ",
                short_number(one.y.back()));
  }
  return out;
}

}  // namespace

std::string svg_line_chart(std::span<const Series> series, const LineChartOptions& options) {
  bool whole = true;
  for (const Series& one : series) {
    if (one.x.size() != one.y.size())
      throw ShapeError({.what = text("svg_line_chart: series \"", one.name, "\" has ", one.x.size(), " x and ",
                                     one.y.size(), " y"),
                        .expected = text("x.size() == y.size(), got ", one.x.size(), " and ", one.y.size())});
    for (const double x : one.x) whole = whole && x == std::floor(x);
  }
  if (options.width < 160 || options.height < 120)
    throw ConfigError({.what = text("svg_line_chart: ", options.width, " x ", options.height,
                                    " pixels cannot hold the axes; at least 160 x 120 can")});

  Frame frame{.left = 0, .top = 26, .right = options.width - 10.0, .bottom = 0, .x = {}, .y = {}};
  frame.x = fit(series, [](const Series& one) -> auto& { return one.x; }, false, options.x_low, {});
  frame.y = fit(
      series, [](const Series& one) -> auto& { return one.y; }, options.log_y, options.y_low, options.y_high);
  if (options.log_y)
    set_log_ticks(frame.y);
  else
    set_linear_ticks(frame.y, 5, false, true);
  for (const std::string& label : frame.y.labels) frame.left = std::max(frame.left, text_width(label) + 10);
  set_linear_ticks(frame.x, std::max(2, static_cast<int>((frame.right - frame.left) / 70)), whole, false);

  // The last label is centred under the end of the axis.
  if (!frame.x.labels.empty())
    frame.right = std::min(frame.right, options.width - text_width(frame.x.labels.back()) / 2);

  const bool has_legend = series.size() > 1;
  const std::vector<LegendEntry> legend = lay_out_legend(series, frame.left, frame.right);
  const int legend_rows = has_legend ? legend.back().row + 1 : 0;
  const double height = options.height + 18.0 * std::max(0, legend_rows - 1);  // the lines keep their room
  frame.top += has_legend ? 18.0 * legend_rows + 6 : 0;
  frame.bottom = height - 44;

  std::string out = svg_open(options.width, height, describe(series, options), "img", options.standalone);
  out += svg_text("tick", 0, 12, options.y_label);
  out += draw_axes(frame, options);
  for (std::size_t i = 0; i < series.size(); ++i) {
    out += draw_series(series, i, frame);
    if (!has_legend) continue;
    const double y = 29 + 18.0 * legend[i].row;
    out += text("<path class=\"", line_classes(i), "\" d=\"M", px(legend[i].x), " ", px(y), "h20\"/>\n");
    out += svg_text("tick", legend[i].x + 26, y + 4, series[i].name);
  }
  return out + "</svg>\n";
}

}  // namespace heed
