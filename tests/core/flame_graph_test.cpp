#include "core/flame_graph.h"

#include "core/error.h"
#include "core/page.h"
#include "tests/catch.h"
#include "tests/markup.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

FlameBlock example() {
  return {
      .name = "all <&>",
      .value = 8,
      .title = "the whole & its parts",
      .parts = {{.name = "left", .value = 6, .color = 1, .parts = {{.name = "inner", .value = 3, .color = 1}}},
                {.name = "right", .value = 1, .color = 2}}};
}

TEST_CASE("flame graph: blocks are as wide as their values, below the blocks that they are parts of") {
  const std::string svg = svg_flame_graph(example(), {.width = 800});
  CHECK(markup_fault(svg) == "");
  CHECK(count_of(svg, "<rect") == 4);
  // 800 pixels for 8, less the gap of one pixel at the right.
  CHECK(count_of(svg, "class=\"block\" x=\"0\" y=\"0\" width=\"799\"") == 1);
  CHECK(count_of(svg, "class=\"block b1\" x=\"0\" y=\"24\" width=\"599\"") == 1);
  CHECK(count_of(svg, "class=\"block whole b1\" x=\"0\" y=\"48\" width=\"299\"") == 1);
  CHECK(count_of(svg, "class=\"block whole b2\" x=\"600\" y=\"24\" width=\"99\"") == 1);
  CHECK(count_of(svg, "viewBox=\"0 0 800 72\"") == 1);
}

TEST_CASE("flame graph: texts are escaped; a name that does not fit is left out, its title is not") {
  const std::string svg = svg_flame_graph(example(), {.width = 800});
  CHECK(count_of(svg, ">all &lt;&amp;&gt;</text>") == 1);
  CHECK(count_of(svg, "<title>the whole &amp; its parts</title>") == 1);
  const std::string narrow = svg_flame_graph(example(), {.width = 80});
  CHECK(count_of(narrow, ">left</text>") == 1);
  CHECK(count_of(narrow, ">right</text>") == 0);
  CHECK(count_of(narrow, "<title>right</title>") == 1);
}

TEST_CASE("flame graph: blocks too narrow to be seen are left out, a whole of nothing is one block") {
  const FlameBlock block{.name = "a", .value = 1e6, .parts = {{.name = "b", .value = 1}}};
  CHECK(count_of(svg_flame_graph(block), "<rect") == 1);
  const std::string empty = svg_flame_graph({.name = "nothing", .parts = {{.name = "b"}}});
  CHECK(markup_fault(empty) == "");
  CHECK(count_of(empty, "<rect") == 1);
}

TEST_CASE("flame graph: parts that are worth more than the whole are an error") {
  CHECK_THAT(thrown<ShapeError>(
                 [] { svg_flame_graph({.name = "a", .value = 1, .parts = {{.name = "b", .value = 2}}}); }),
             ContainsSubstring("the parts of \"a\" are worth 2\n  requires no more than the block itself, 1"));
}

TEST_CASE("flame graph: it is well-formed in a page and in a file of its own") {
  CHECK(markup_fault(svg_flame_graph(example(), {.standalone = true})) == "");
  CHECK(markup_fault(html_page({.title = "t", .body = svg_flame_graph(example())})) == "");
}

}  // namespace
}  // namespace heed::tests
