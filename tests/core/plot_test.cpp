#include "core/plot.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/plot_text.h"
#include "tests/catch.h"
#include "tests/markup.h"

using namespace heed;
using heed::tests::ContainsSubstring;
using heed::tests::count_of;
using heed::tests::markup_fault;

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string chart(const Series& one, const LineChartOptions& options = {}) {
  return svg_line_chart({&one, 1}, options);
}
}  // namespace

TEST_CASE("markup check: finds what is not well-formed") {
  CHECK(markup_fault("<a x=\"1\"><b/>t &amp; t</a>").empty());
  for (const char* bad : {"", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&</a>", "<a>&nbsp;</a>", "<a x=\"<\"/>",
                          "<a x=1/>", "<a x=\"1\" x=\"2\"/>", "<a>< b</a>", "</a>", "<a>\x01</a>"})
    CHECK_FALSE(markup_fault(bad).empty());
}

TEST_CASE("escape_markup: the five special characters are escaped and nothing can leave an attribute") {
  CHECK(escape_markup("a & b < c > d \" e ' f") == "a &amp; b &lt; c &gt; d &quot; e &#39; f");
  CHECK(escape_markup("é 日本 🙂") == "é 日本 🙂");
}

TEST_CASE(
    "escape_markup: control characters become pictures, broken UTF-8 and reordering marks a replacement") {
  CHECK(escape_markup(std::string_view("a\0b\n\x1b\x7f", 6)) == "a␀b␊␛␡");
  CHECK(escape_markup("\xff") == "\uFFFD");
  CHECK(escape_markup("x\xc3") == "x\uFFFD");                    // cut short
  CHECK(escape_markup("\xc0\xaf") == "\uFFFD\uFFFD");            // "/" in more bytes than it needs
  CHECK(escape_markup("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");  // half a surrogate pair
  CHECK(escape_markup("\u202Etxt") == "\uFFFDtxt");
  CHECK(escape_markup("\xef\xbf\xbf") == "\uFFFD");  // U+FFFF, which XML forbids
}

TEST_CASE("short_number: few digits, words for what is no number") {
  CHECK(short_number(0.012345) == "0.0123");
  CHECK(short_number(-2.5) == "−2.5");
  CHECK(short_number(0) == "0");
  CHECK(short_number(-0.0) == "0");
  CHECK(short_number(123456, 6) == "123456");
  CHECK(short_number(kNan) == "not a number");
  CHECK(short_number(-kInfinity) == "−∞");
}

TEST_CASE("svg_line_chart: well-formed, with a legend from two series on") {
  const std::vector<Series> series{{"a <b> & \"c\"", {1, 2, 3}, {3, 2, 1}}, {"d", {1, 2, 3}, {1, 2, 3}}};
  const std::string two = svg_line_chart(series, {.title = "x < 'y'", .x_label = "step", .y_label = "loss"});
  INFO(two);
  CHECK(markup_fault(two) == "");
  CHECK_THAT(two, ContainsSubstring(">a &lt;b&gt; &amp; &quot;c&quot;</text>"));
  CHECK(count_of(two, "class=\"line ") == 4);  // each series and its legend
  const std::string one = chart(series[1]);
  CHECK(markup_fault(one) == "");
  CHECK(count_of(one, "class=\"line ") == 1);
}

TEST_CASE("svg_line_chart: no two of 36 lines have the same colour and dashes, and six have six of each") {
  const std::vector<Series> series(36, Series{"a", {1, 2}, {1, 2}});
  const std::string drawing = svg_line_chart(series);
  std::set<std::string> looks, colors, dashes;
  std::size_t at = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    at = drawing.find("class=\"line ", at) + 12;  // the line, and then its legend
    const std::string look = drawing.substr(at, 5);
    at = drawing.find("class=\"line ", at) + 12;
    CHECK(drawing.substr(at, 5) == look);
    looks.insert(look);
    if (i >= 6) continue;
    colors.insert(look.substr(0, 2));
    dashes.insert(look.substr(3, 2));
  }
  CHECK(looks.size() == 36);
  CHECK(colors.size() == 6);
  CHECK(dashes.size() == 6);
  for (const std::string& dash : dashes)
    CHECK_THAT(plot_style(), ContainsSubstring("." + dash + "{stroke-dasharray:"));
}

TEST_CASE("svg_line_chart: standalone drawings carry the style sheet and stay well-formed") {
  const std::string drawing = chart({"", {1, 2}, {1, 2}}, {.standalone = true});
  CHECK(markup_fault(drawing) == "");
  CHECK_THAT(drawing, ContainsSubstring("prefers-color-scheme:dark"));
}

TEST_CASE("svg_line_chart: ticks stand at round numbers that contain the data") {
  const std::string linear = chart({"", {1, 2, 3, 4}, {0.13, 0.42, 0.77, 0.95}});
  for (const char* tick : {">0.0<", ">0.2<", ">0.4<", ">0.6<", ">0.8<", ">1.0<"})
    CHECK_THAT(linear, ContainsSubstring(tick));
  for (const char* tick : {">1<", ">2<", ">3<", ">4<"}) CHECK_THAT(linear, ContainsSubstring(tick));
  CHECK(linear.find(">1.5<") == std::string::npos);  // no fraction of an epoch

  const std::string from_0 = chart({"", {40, 90}, {1, 2}}, {.x_low = 0});
  CHECK_THAT(from_0, ContainsSubstring(">0</text>") && ContainsSubstring(">50</text>"));

  const std::string thousands = chart({"", {0, 1}, {0, 42000}});
  for (const char* tick : {">0<", ">10k<", ">40k<", ">50k<"}) CHECK_THAT(thousands, ContainsSubstring(tick));

  const std::string logarithmic = chart({"", {0, 1, 2}, {3.2, 0.04, 0.0011}}, {.log_y = true});
  for (const char* tick : {">0.001<", ">0.01<", ">0.1<", ">1<"})
    CHECK_THAT(logarithmic, ContainsSubstring(tick));
}

TEST_CASE("svg_line_chart: what cannot be drawn leaves a gap") {
  const std::string gaps = chart({"", {1, 2, 3, 4, 5}, {1, kNan, 3, 4, kInfinity}});
  CHECK(markup_fault(gaps) == "");
  CHECK(count_of(gaps, "<circle") == 3);
  const std::string path = gaps.substr(gaps.find("class=\"line"));
  CHECK(count_of(path.substr(0, path.find("/>")), "M") == 2);
  CHECK(count_of(chart({"", {1, 2, 3}, {1, 0, -1}}, {.log_y = true}), "<circle") == 1);
}

TEST_CASE("svg_line_chart: no data, one point, equal values and the extremes of double are drawn") {
  const double largest = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  for (const bool log_y : {false, true}) {
    const LineChartOptions options{.log_y = log_y};
    for (const Series& one :
         {Series{}, Series{"", {1}, {1}}, Series{"", {1, 1}, {2, 2}}, Series{"", {0, 1}, {kNan, kNan}},
          Series{"", {-largest, largest}, {-largest, largest}}, Series{"", {0, least}, {least, least}},
          Series{"", {-1e300, 1e300}, {1e-300, 1e300}}, Series{"", {1, 2}, {1e16, 1e16 + 2}},
          Series{"", {1e18, 1e18}, {1e18, 1e18}}}) {
      const std::string drawing = chart(one, options);
      INFO(drawing);
      CHECK(markup_fault(drawing) == "");
      CHECK(drawing.find("nan\"") == std::string::npos);
      CHECK(drawing.find("inf") == std::string::npos);
    }
  }
  CHECK(markup_fault(svg_line_chart({})) == "");
}

TEST_CASE("svg_line_chart: a long series is thinned and keeps its extremes") {
  Series noise;
  for (int i = 0; i < 100'000; ++i) {
    noise.x.push_back(i);
    noise.y.push_back(i == 54'321 ? 100 : i == 67'890 ? 0 : 40 + i % 7);
  }
  const LineChartOptions options{.width = 300, .height = 200};
  const std::string drawing = chart(noise, options);
  CHECK(drawing.size() < 30'000);
  const std::string path = drawing.substr(drawing.find("class=\"line"));
  CHECK_THAT(path, ContainsSubstring(" 26L"));   // 100, at the top of the axis
  CHECK_THAT(path, ContainsSubstring(" 156L"));  // 0, at its bottom
}

TEST_CASE("svg_line_chart: refuses x and y of different numbers and a size without room") {
  CHECK_THROWS_WITH(chart({"loss", {1, 2}, {1}}), ContainsSubstring("series \"loss\" has 2 x and 1 y"));
  CHECK_THROWS_AS(chart({"loss", {1, 2}, {1}}), ShapeError);
  CHECK_THROWS_AS(chart({}, {.width = 100, .height = 200}), ConfigError);
}

TEST_CASE("svg_heat_map: a titled cell for each value, labels escaped, spaces visible") {
  const std::vector<double> values{0, 0.25, 1, 0.5, kNan, 0.125};
  const std::string map =
      svg_heat_map(values, {"<", "b"}, {"'", " ", "日"}, {.row_title = "output", .column_title = "source"});
  INFO(map);
  CHECK(markup_fault(map) == "");
  CHECK(count_of(map, "class=\"cell ") == 6);
  CHECK_THAT(map, ContainsSubstring("output 1 “&lt;”, source 2 “ ”: 0.25<"));
  CHECK_THAT(map, ContainsSubstring(">␣</text>"));
  CHECK(count_of(map, "class=\"cell r0\"") == 1);
  CHECK(count_of(map, "class=\"cell r32\"") == 1);
  CHECK(count_of(map, "class=\"cell r16\"") == 1);
  CHECK(count_of(map, "class=\"cell nan\"") == 1);
}

TEST_CASE(
    "svg_heat_map: without options the scale runs from 0 to the greatest value, or from the least below 0") {
  CHECK(count_of(svg_heat_map(std::vector<double>{0.1, 0.2}, {"r"}, {"a", "b"}), "class=\"cell r16\"") == 1);
  CHECK(count_of(svg_heat_map(std::vector<double>{-1, 0, 1}, {"r"}, {"a", "b", "c"}), "class=\"cell r16\"") ==
        1);
  CHECK(count_of(svg_heat_map(std::vector<double>{0, 0}, {"r"}, {"a", "b"}), "class=\"cell r0\"") == 2);
  CHECK(count_of(svg_heat_map(std::vector<double>{0.5, 7}, {"r"}, {"a", "b"}, {.high = 1.0}),
                 "class=\"cell r32\"") == 1);
  CHECK(markup_fault(svg_heat_map({}, {}, {})) == "");
}

TEST_CASE("heat maps: refuse values that do not fit the labels") {
  const std::vector<double> values{1, 2, 3};
  CHECK_THROWS_AS(svg_heat_map(values, {"a", "b"}, {"c", "d"}), ShapeError);
  CHECK_THROWS_WITH(terminal_heat_map(values, {"a", "b"}, {"c", "d"}),
                    ContainsSubstring("3 values for 2 row labels and 2 column labels"));
}

TEST_CASE("terminal_heat_map: shades without colour, in aligned columns") {
  const std::vector<double> values{0, 0.25, 0.5, 0.75, 1, kNan};
  CHECK(terminal_heat_map(values, {"1", "né"}, {"a", " ", "b"}, {.color = false}) ==
        "   a ␣ b \n"
        " 1   ░░▒▒\n"
        "né ▓▓██??\n"
        "   0   ░░▒▒▓▓██ 1\n");
  CHECK(terminal_heat_map(std::vector<double>{0, 1}, {"x"}, {"a", "b"}, {.color = false, .cell = 1}) ==
        "  ab\nx  █\n  0  ░▒▓█ 1\n");
}

TEST_CASE("terminal_heat_map: longer labels run downwards and wide characters keep the columns aligned") {
  CHECK(
      terminal_heat_map(std::vector<double>{1, 0, 1}, {"r"}, {"ab", "日", "c"}, {.color = false, .cell = 1}) ==
      "  a     \n"
      "  b 日c \n"
      "r ██  ██\n"
      "  0   ░░▒▒▓▓██ 1\n");
}

TEST_CASE("terminal_heat_map: in colour each line ends reset and no label writes an escape sequence") {
  const std::string map = terminal_heat_map(std::vector<double>{0, 1}, {"\x1b[31m"}, {"\x1b", "\n"});
  CHECK(count_of(map, "\x1b[31m") == 0);
  CHECK(count_of(map, "␛") == 2);
  CHECK(count_of(map, "\n") == 3);
  CHECK_THAT(map, ContainsSubstring("\x1b[0m\n"));
  CHECK(count_of(map, "\x1b") == count_of(map, "\x1b[48;2;") + count_of(map, "\x1b[0m"));
}

TEST_CASE("ramp: lightness goes one way in both schemes, away from the background") {
  const auto luminance = [](plotting::Color c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; };
  for (int i = 1; i <= plotting::kRampSteps; ++i) {
    const double before = double(i - 1) / plotting::kRampSteps, here = double(i) / plotting::kRampSteps;
    CHECK(luminance(plotting::ramp(here, plotting::Scheme::light)) <
          luminance(plotting::ramp(before, plotting::Scheme::light)));
    CHECK(luminance(plotting::ramp(here, plotting::Scheme::dark)) >
          luminance(plotting::ramp(before, plotting::Scheme::dark)));
  }
}
