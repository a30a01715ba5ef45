#include "autograd/inspect/replay.h"

#include <functional>
#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

template <class Run>
Replay replayed(Run run, ReplayOptions options = {}, const char* breakpoint = "tanh and backward") {
  Replay replay(std::move(options));
  Debugger debugger([](const DebugStep&, Debugger&) { return Go::run_on; },
                    {.at_once = false, .watch = std::ref(replay)});
  debugger.add(parse_breakpoint(breakpoint));
  run();
  return replay;
}

void small_run() { sum(tanh(leaf({1, -2}, "layer.w") * constant({0.5, 0.25}))).backward(); }

std::string between(const std::string& page, std::string_view begin, std::string_view end) {
  const std::size_t at = page.find(begin);
  REQUIRE(at != std::string::npos);
  return page.substr(at, page.find(end, at) - at);
}

TEST_CASE("replay: the page has every step, its formula, values, gradients and breakpoints") {
  const std::string page = replayed(small_run, {.title = "A & B", .lead = "Of <two>."}).page();
  CHECK(markup_fault(page) == "");
  CHECK_THAT(page, ContainsSubstring("<title>A &amp; B</title>"));
  CHECK_THAT(page, ContainsSubstring(
                       "Of &lt;two&gt;. 7 steps: 3 operations forward, 3 operations backward, 1 complete "
                       "gradient. The debugger stopped at 1 of them."));
  const std::string table = between(page, "<tbody>", "</tbody>");
  CHECK(count_of(table, "<tr") == 7);
  CHECK_THAT(table, ContainsSubstring("<td><strong class=\"held\">1: tanh and backward</strong></td>"));
  CHECK_THAT(table, ContainsSubstring("tests/autograd/inspect/replay_test.cpp:"));
  const std::string script = between(page, "const VALUES", "const find");
  for (const char* const part :
       {"\"y = tanh(x)\"", "\"dx = dy * (1 - y^2)\"", "\"da = dy * b\"", "\"[0.5, −0.5]\"",
        "\"[0.4621, −0.4621]\"", "[\"1: tanh and backward\"]", "\"parameter \\\"layer.w\\\"\"",
        "\"#1 multiply\"", "[2,\"dy\",\"\",0,", "[3,\"dx\",\"#1 multiply\",6,", "[0,\"x\",\"#1 multiply\",1,"})
    CHECK_THAT(script, ContainsSubstring(part));
}

TEST_CASE("replay: names cannot break out of the page or its script") {
  const std::string name = "</script><b>&\"'\\]]>\n\xFF";
  const std::string page = replayed(
                               [&] {
                                 sum(tanh(leaf({1, 2}, name))).backward();
                               },
                               {.title = name, .lead = name}, name.c_str())
                               .page();
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, "</script>") == 1);
  CHECK(count_of(page, "<b>") == count_of(replayed(small_run).page(), "<b>"));
  CHECK(count_of(page, "]]>") == 1);
}

TEST_CASE(
    "replay: large tensors are thinned out, which the page says, and steps beyond the limit are counted") {
  const Var x = Var::parameter(Tensor::ones({200, 300}, DType::f64), "x");
  const auto run = [&] { sum(tanh(x * 2)).backward(); };
  const std::string page = replayed(run).page();
  CHECK_THAT(page, ContainsSubstring("stand for larger tensors: a cell is a block of elements"));
  CHECK(page.size() < 60'000);
  CHECK_THAT(page, ContainsSubstring("[[200,300],\"f64\","));
  CHECK_THAT(page, ContainsSubstring(",29,30,7,10,"));  // 32 x 32 cells at most, blocks of 7 x 10
  CHECK(replayed(run, {.most_bytes = 500}).page().size() < page.size());
  const std::string cut = replayed(run, {.most_steps = 2}).page();
  CHECK(markup_fault(cut) == "");
  CHECK_THAT(cut, ContainsSubstring("5 more steps followed that this page has no room for."));
}

TEST_CASE("replay: values are those at the time of the step, and no tensor is kept") {
  Replay replay;
  const std::int64_t before = bytes_in_use();
  {
    Var w = leaf({1, 2}, "w");
    Debugger debugger([](const DebugStep&, Debugger&) { return Go::run_on; },
                      {.at_once = false, .watch = std::ref(replay)});
    sum(w * 2).backward();
    w.mutable_value().fill(77);
    sum(w * 2).backward();
  }
  CHECK(bytes_in_use() == before);
  CHECK(count_of(replay.page(), "\"[1, 2]\",\"[1, 2]\"") == 1);
  CHECK(count_of(replay.page(), "\"[77, 77]\",\"[77, 77]\"") == 1);
}

TEST_CASE("replay: of no steps it is a page, too, and NaN and infinities have their codes") {
  CHECK(markup_fault(Replay().page()) == "");
  const std::string page = replayed([] { log(leaf({-1, 0, 1, 2})); }).page();
  CHECK_THAT(page, ContainsSubstring("\"AAABgA"));
  CHECK(markup_fault(page) == "");
}

}  // namespace
}  // namespace heed::tests
