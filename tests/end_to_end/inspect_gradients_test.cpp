// inspect_gradients as a person runs it.
#include "tests/end_to_end/program_testing.h"
#include "tests/markup.h"

namespace heed {
namespace {

using tests::ContainsSubstring;
using tests::Folder;
using tests::last_line;
using tests::Outcome;
using tests::run_program;

}  // namespace

TEST_CASE("inspect_gradients: finds what is planted, says so in one line, and writes a page") {
  const Folder folder;
  const Outcome outcome = run_program("inspect_gradients", folder, {"--out", folder.at("out")});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(last_line(outcome.out),
             ContainsSubstring("result rnn=vanishing") && ContainsSubstring(" lstm=fine lstm_exact=1.0000 ") &&
                 ContainsSubstring(" sigmoid=vanishing dead=8 forward=log backward=sqrt"));
  CHECK_THAT(outcome.out, ContainsSubstring("AnomalyError: log: its output [3, 4] is −∞ at [") &&
                              ContainsSubstring("in: FaultyModel / head / measure (Measure)") &&
                              ContainsSubstring("AnomalyError: sqrt: the gradient of operand 0 [3] is ∞ at ["));
  const std::string page = read_file(folder.at("out") + "/inspect_gradients.html");
  CHECK(tests::markup_fault(page) == "");
  CHECK(tests::count_of(page, "<svg") == 2);
}

TEST_CASE("inspect_gradients: runs with other sizes, and a wrong flag is an error that helps") {
  const Folder folder;
  const Outcome small =
      run_program("inspect_gradients", folder,
                  {"--out", folder.at("out"), "--steps=1", "--length=2", "--hidden=2", "--seed=9"});
  INFO(small.err);
  CHECK(small.exit_code == 0);
  const Outcome wrong = run_program("inspect_gradients", folder, {"--step=3"});
  CHECK(wrong.exit_code == 1);
  CHECK_THAT(wrong.err, ContainsSubstring("did you mean --steps?"));
}

}  // namespace heed
