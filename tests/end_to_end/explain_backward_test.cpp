#include "tests/end_to_end/program_testing.h"
#include "tests/markup.h"

namespace heed::tests {

TEST_CASE(
    "explain_backward: prints the explanation of the network, checked, and writes pages that are well-formed") {
  const Folder folder;
  const Outcome outcome = run_program("explain_backward", folder, {"--out=" + folder.at("out")});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out.starts_with("# Two layers, backwards\n"));
  CHECK(outcome.out.starts_with(read_file(folder.at("out/explain.md"))));
  CHECK(count_of(outcome.out, "elements as by finite differences") == 3);
  CHECK_THAT(outcome.out, ContainsSubstring("b \\[3\\] was repeated 2 times to \\[2, 3\\]"));
  const std::string attention = read_file(folder.at("out/attention.md"));
  CHECK_THAT(attention, ContainsSubstring("The gradient of `x` is a sum, as `x` was used 3 times"));
  CHECK(count_of(attention, "✓") == 4);
  for (const char* const page : {"explain", "graph", "attention", "attention_graph"})
    CHECK(markup_fault(read_file(folder.at("out/" + std::string(page) + ".html"))) == "");
}

TEST_CASE("explain_backward: explains whole models, too") {
  for (const std::string model : {"seq2seq", "transformer"}) {
    const Folder folder;
    const Outcome outcome =
        run_program("explain_backward", folder, {"--model=" + model, "--out=" + folder.at("out")});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    CHECK(markup_fault(read_file(folder.at("out/explain.html"))) == "");
    CHECK(markup_fault(read_file(folder.at("out/graph.html"))) == "");
  }
}

}  // namespace heed::tests
