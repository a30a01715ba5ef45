#include "core/table.h"

#include "core/error.h"
#include "core/page.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

Table example() {
  return {.caption = "Norms & more",
          .columns = {{"layer", TableContent::code}, {"norm"}, {"verdict", TableContent::words}},
          .rows = {{"a", "12.5", TableCell("fine", Tone::good)},
                   {"encoder.½", "3", TableCell("<bad>", Tone::bad)}}};
}

TEST_CASE("table: columns of a terminal line up, numbers at the right, no blanks at the end of lines") {
  CHECK(to_string(example()) ==
        "layer      norm  verdict\n"
        "────────────────────────\n"
        "a          12.5  fine\n"
        "encoder.½     3  <bad>\n");
  CHECK(to_string(Table{.columns = {{"only"}}}) == "only\n────\n");
}

TEST_CASE("table: control characters do not reach the terminal, wide characters count twice") {
  CHECK(to_string(
            Table{.columns = {{"", TableContent::words}, {"n"}}, .rows = {{"\x1b[1m", "1"}, {"漢", "22"}}}) ==
        "       n\n────────\n␛[1m   1\n漢    22\n");
}

TEST_CASE("table: of a page it is well-formed, with the texts escaped and tones marked") {
  const std::string html = to_html(example());
  CHECK(markup_fault(html) == "");
  CHECK(markup_fault(html_page({.title = "t", .body = html})) == "");
  CHECK(count_of(html, "<tr>") == 3);
  CHECK(count_of(html, "<strong class=\"bad\">&lt;bad&gt;</strong>") == 1);
  CHECK(count_of(html, "<td class=\"number\">") == 2);
  CHECK(count_of(html, "Norms &amp; more") == 2);  // caption and label
}

TEST_CASE("page: a text stands in the script as a string that ends neither it nor what is around it") {
  CHECK(script_string("a\"b</script>&\n") == "\"a\\\"b\\u003c/script\\u003e\\u0026\\u000a\"");
}

TEST_CASE("table: a row of another length is refused") {
  Table ragged = example();
  ragged.rows[1].pop_back();
  CHECK_THROWS_AS(to_string(ragged), ShapeError);
  CHECK_THROWS_AS(to_html(ragged), ShapeError);
}

}  // namespace
}  // namespace heed::tests
