#include "autograd/inspect/graph_drawing.h"

#include <string>

#include "core/error.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/inspect/graph_testing.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

// The part of a text from `begin` to the next `end`.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  return text.substr(from, text.find(end, from) - from);
}

std::string script_of(const std::string& page) { return between(page, "<script>", "</script>"); }

TEST_CASE("graph page: it is well-formed, needs nothing else, and has nothing that could end the script") {
  for (const auto& trace : {traced_seq2seq(), traced_transformer(), traced_loop(30)}) {
    const std::string page = graph_page(*trace);
    CHECK(markup_fault(page) == "");
    CHECK(count_of(page, "<script>") == 1);
    CHECK(count_of(page, "]]>") == 1);
    CHECK(page.find("src=") == std::string::npos);
    CHECK(page.find("@import") == std::string::npos);
    CHECK(count_of(page, "http") == count_of(page, "http://www.w3.org/2000/svg"));
  }
}

TEST_CASE("graph page: without a script the closed modules are drawn, and those inside them are not shown") {
  const auto trace = traced_seq2seq();
  const std::string page = graph_page(*trace);
  const std::string picture = between(page, "<svg", "</svg>");
  CHECK(count_of(picture, "class=\"room\" display=\"none\"") == count_of(picture, "class=\"room\""));
  CHECK(picture.find(">encoder</text>") != std::string::npos);
  CHECK(picture.find(">cross_entropy</text>") != std::string::npos);
  // Five boxes of the top have their places, and what is in modules has none yet.
  CHECK(count_of(picture, "transform=\"translate(") == 5);
  CHECK(page.find("<div class=\"tools\" hidden=\"\">") != std::string::npos);
}

TEST_CASE(
    "graph page: every operation is described, with its formula, line, values, gradients and neighbours") {
  const Var w = leaf({0.25, -3}, "layer.w");
  Trace trace;
  const Var y = tanh(w);
  const int line = __LINE__ - 1;
  sum(y).backward();
  const std::string script = script_of(graph_page(trace, {.title = "One line"}));
  for (const std::string& part :
       {std::string("\"y = tanh(x)\""), std::string("\"dx = dy * (1 - y^2)\""),
        text("graph_drawing_test.cpp:", line), std::string("\"[2] f64, 16 bytes\""),
        std::string("\"[0.2449, −0.9951]\""), std::string("\"norm 1.41, 1 to 1, mean 1\""),
        std::string("\"\\\"layer.w\\\" [2]\""), std::string("sent back 1.41")}) {
    INFO(part);
    CHECK(script.find(part) != std::string::npos);
  }
}

TEST_CASE("graph page: names that look like markup or code are text") {
  struct Odd : Module {
    Odd() : Module("Odd") { register_module("<b>&\"'", part); }
    struct Part : Module {
      Part() : Module("Part") { w = register_parameter("]]></script>", Tensor::ones({2})); }
      Var operator()() const {
        const ErrorFrame frame = enter();
        return tanh(w);
      }
      Var w;
    } part;
  } odd;
  Trace trace;
  sum(odd.part()).backward();
  const std::string page = graph_page(trace, {.title = "<i>\"'&]]></script>", .open = 2});
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, "]]>") == 1);
  CHECK(count_of(page, "</script>") == 1);
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(page.find("<i>") == std::string::npos);
  CHECK(markup_fault(graph_svg(trace, {.title = "<i>&\"", .open = 3})) == "");
}

TEST_CASE("graph page: what it has no room for stays closed and is counted") {
  const auto trace = traced_loop(2000);
  const std::string page = graph_page(*trace, {.drawn = 600, .details = 4});
  CHECK(markup_fault(page) == "");
  CHECK(page.size() < 600'000);
  CHECK(page.find(" operations are in boxes without a plus") != std::string::npos);
  CHECK(page.find(" operations and leaves are left out") != std::string::npos);
  const std::string all = graph_page(*traced_loop(3));
  CHECK(all.find("without a plus") == std::string::npos);
  CHECK(all.find("left out") == all.rfind("left out"));  // in the script only
}

TEST_CASE("graph page: the table adds up what operations of one name cost") {
  const auto trace = traced_loop(30);
  const std::string page = graph_page(*trace);
  CHECK(page.find("<th scope=\"row\">matmul</th><td class=\"number\">60</td>") != std::string::npos);
  CHECK(page.find("<th scope=\"row\">tanh</th><td class=\"number\">30</td>") != std::string::npos);
}

TEST_CASE("graph svg: a drawing of its own, with nothing hidden and nothing to press") {
  const auto trace = traced_seq2seq();
  const std::string svg = graph_svg(*trace, {.title = "Seq2seq", .open = 9});
  CHECK(markup_fault(svg) == "");
  CHECK(svg.find("display=\"none\"") == std::string::npos);
  CHECK(svg.find("role=\"button\"") == std::string::npos);
  CHECK(svg.find("aria-label=\"Seq2seq\"") != std::string::npos);
  for (const char* const name : {">embed<", ">lstm<", ">attention<", ">softmax<", ">weight [16, 12]<"}) {
    INFO(name);
    CHECK(svg.find(name) != std::string::npos);
  }
  CHECK(graph_svg(*trace).find(">softmax<") == std::string::npos);
}

TEST_CASE("graph dot: open modules are clusters, closed ones boxes; what goes between two is one arrow") {
  const auto trace = traced_seq2seq();
  const std::string closed = graph_dot(*trace, {.title = "A \"graph\"", .open = 0});
  CHECK(closed.starts_with("digraph {\n  graph [label=\"A \\\"graph\\\"\""));
  CHECK(closed.ends_with("}\n"));
  CHECK(count_of(closed, " -> ") == 4);
  CHECK(count_of(closed, "subgraph") == 0);
  CHECK(closed.find("[label=\"encoder\\n2 operations\", fillcolor") != std::string::npos);
  const std::string open = graph_dot(*trace);
  CHECK(count_of(open, "subgraph cluster_") == 8);
  CHECK(count_of(open, "{") == count_of(open, "}"));
  CHECK(count_of(open, "shape=ellipse") == 10);
  CHECK(count_of(open, " -> ") == 24);  // one for each operand
}

TEST_CASE("graph dot: backslashes, quotes and line ends of names are text") {
  const Var w = leaf({1, 2}, "a\\\"b\nc");
  Trace trace;
  sum(w * w);
  const std::string dot = graph_dot(trace);
  CHECK(dot.find("label=\"a\\\\\\\"b␊c [2]\"") != std::string::npos);
}

TEST_CASE("graph drawing: a trace without operations is an error that says what to do") {
  const Trace trace;
  for (const auto& draw : {graph_page, graph_svg, graph_dot})
    CHECK(first_line<GraphError>([&] { draw(trace, {}); }) ==
          "GraphError: graph: there is no operation in the trace");
}

}  // namespace
}  // namespace heed::tests
