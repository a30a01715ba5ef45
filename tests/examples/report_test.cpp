#include "examples/common/report.h"

#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/markup.h"

using namespace heed;
using namespace heed::programs;
using heed::tests::ContainsSubstring;
using heed::tests::count_of;
using heed::tests::markup_fault;

namespace {

constexpr const char* kNasty = "<b> & \"x\" 'y'</style>";
constexpr const char* kEscaped = "&lt;b&gt; &amp; &quot;x&quot; &#39;y&#39;&lt;/style&gt;";

Report full_report() {
  Report report{.title = kNasty, .summary = kNasty};
  report.results = {{kNasty, kNasty}};
  report.configuration = {{kNasty, kNasty}};
  report.curves = {
      {kNasty, {{kNasty, {1, 2}, {3, 1}}, {"b", {1, 2}, {2, 1}}}, {.x_label = kNasty, .y_label = kNasty}}};
  report.tables = {{kNasty, kNasty, {"model", kNasty}, {{kNasty, "1"}, {"b", kNasty}}}};
  report.attention = {{.title = kNasty,
                       .source = kNasty,
                       .output = "ab",
                       .expected = kNasty,
                       .source_tokens = {"<", "&", " "},
                       .output_tokens = {"a", "b"},
                       .weights = {0.1, 0.2, 0.7, 1, 0, 0}}};
  report.maps = {{kNasty, {kNasty, "b"}, {"1", kNasty, "3"}, {0.1, 0.2, 0.7, 1, 0, 0}, {.row_title = kNasty}}};
  report.mistakes = {{kNasty, kNasty, "x", 1.5}};
  report.samples = {{kNasty, kNasty, kNasty}};
  return report;
}

double luminance(const std::string& color) {
  const bool is_short = color.size() == 4;  // #abc
  const auto part = [&](std::size_t i) {
    const std::string hex = is_short ? std::string(2, color[1 + i]) : color.substr(1 + 2 * i, 2);
    const double encoded = std::stoi(hex, nullptr, 16) / 255.0;
    return encoded <= 0.04045 ? encoded / 12.92 : std::pow((encoded + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2);
}

// Contrast of two colours as WCAG 2 defines it.
double contrast(const std::string& a, const std::string& b) {
  const double high = std::max(luminance(a), luminance(b)), low = std::min(luminance(a), luminance(b));
  return (high + 0.05) / (low + 0.05);
}

// The value of a custom property, the first time (light) or the second (dark) that it is set.
std::string color_of(const std::string& page, const std::string& property, bool dark) {
  const std::string name = property + ":#";
  std::size_t at = page.find(name);
  if (dark) at = page.find(name, at + 1);
  REQUIRE(at != std::string::npos);
  at += name.size() - 1;
  return page.substr(at, page.find_first_of(";}", at) - at);
}

}  // namespace

TEST_CASE("report: the page is well-formed with every part, with none, and every text is escaped") {
  const std::string page = to_html(full_report());
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, kNasty) == 0);
  CHECK(count_of(page, "</style>") == 1);
  CHECK(count_of(page, kEscaped) >= 24);
  CHECK(markup_fault(to_html({})) == "");
}

TEST_CASE("report: needs no script and nothing from outside") {
  const std::string page = to_html(full_report());
  for (const char* foreign : {"<script", "<link", "<img", "@import", "url(", "src=", "href="})
    CHECK(count_of(page, foreign) == 0);
  CHECK(count_of(page, "http") == count_of(page, "xmlns=\"http://www.w3.org/2000/svg\""));
}

TEST_CASE("report: headings, figures and tables say what they are, and an empty part has no heading") {
  const std::string page = to_html(full_report());
  CHECK(count_of(page, "<h1>") == 1);
  CHECK(count_of(page, "<h2>") == 7);
  CHECK(count_of(page, "<figure>") == 3);
  CHECK(count_of(page, "<figcaption>") == 3);
  CHECK(count_of(page, "<table") == 4);
  CHECK(count_of(page, "<caption>") == 4);
  CHECK(count_of(to_html({.title = "t"}), "<h2>") == 0);
}

TEST_CASE("report: right and wrong are told in words, the difference is marked") {
  Report report;
  report.samples = {{"19 oct 96", "1996-10-19", "1996-10-19"}};
  CHECK_THAT(to_html(report), ContainsSubstring("✓ right"));
  const auto marked = [&](const char* expected, const char* got) {
    report.samples = {{"", expected, got}};
    const std::string page = to_html(report);
    CHECK(count_of(page, "✗ wrong") == 1);
    const std::size_t from = page.rfind("<td class=\"text\">") + 17;
    return page.substr(from, page.find("</td>", from) - from);
  };
  CHECK(marked("1996-10-19", "1996-11-19") == "1996-1<mark>1</mark>-19");
  CHECK(marked("1996-10-19", "1996-10-1") == "1996-10-1<mark>∅</mark>");
  CHECK(marked("ab", "aab") == "a<mark>a</mark>b");
  CHECK(marked("", "x") == "<mark>x</mark>");
  CHECK(marked("x", "") == "<mark>∅</mark>");
  CHECK(marked("né", "nè") == "n<mark>è</mark>");  // the two share their first byte
  CHECK(marked("é", "ũ") == "<mark>ũ</mark>");     // and these two their last
}

TEST_CASE("report: text reaches a contrast of 4.5 to 1 and lines 3 to 1 in both schemes") {
  const std::string page = to_html(full_report());
  for (const bool dark : {false, true}) {
    const std::string paper = color_of(page, "--paper", dark);
    CHECK(paper == color_of(page, "--plot-paper", dark));
    for (const char* ink : {"--ink", "--muted", "--good", "--bad", "--plot-ink", "--plot-muted"}) {
      INFO(ink << (dark ? " dark" : " light"));
      CHECK(contrast(color_of(page, ink, dark), paper) >= 4.5);
    }
    CHECK(contrast(color_of(page, "--bad", dark), color_of(page, "--bad-paper", dark)) >= 4.5);
    for (int i = 1; i <= 6; ++i)
      CHECK(contrast(color_of(page, "--plot-line-" + std::to_string(i), dark), paper) >= 3);
  }
}

TEST_CASE("report: a table names its rows, and its numbers stand under their columns") {
  Report report;
  report.tables = {{"Models", "In percent.", {"model", "after 1"}, {{"peeky", "12.3"}}}};
  const std::string page = to_html(report);
  CHECK_THAT(page,
             ContainsSubstring("<th scope=\"col\">model</th><th scope=\"col\" class=\"number\">after 1</th>"));
  CHECK_THAT(page, ContainsSubstring("<th scope=\"row\">peeky</th><td class=\"number\">12.3</td>"));
  report.tables[0].rows[0].pop_back();
  CHECK_THROWS_AS(to_html(report), ShapeError);
}

TEST_CASE("report: a map that does not fit its tokens or labels is refused") {
  Report report = full_report();
  report.attention[0].weights.pop_back();
  CHECK_THROWS_AS(to_html(report), ShapeError);
  report = full_report();
  report.maps[0].column_labels.pop_back();
  CHECK_THROWS_AS(to_html(report), ShapeError);
}
