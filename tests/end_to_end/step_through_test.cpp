#include "examples/common/translation.h"
#include "tests/end_to_end/program_testing.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

TEST_CASE("step_through: obeys its commands forward and backward, and writes a page of all steps") {
  const Folder folder;
  const Outcome outcome =
      run_program("step_through", folder,
                  {"--commands=step 2; b module decoder.attention; c; p x; c; where; b nan; d 1; c",
                   "--replay=" + folder.at("replay.html")});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  for (const char* const part :
       {"step 1, forward: #1 embedding", "in encoder.embed, layers/embedding.cpp:", "(heed) step 2\n",
        "breakpoint 1: module decoder.attention\nstep 5, forward: #5 matmul_transposed",
        "breakpoint 1: module decoder.attention\nstep 18, backward: #7 matmul", "#9 linear",
        "loss before this step "})
    CHECK_THAT(outcome.out, ContainsSubstring(part));
  const std::string page = read_file(folder.at("replay.html"));
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, "<strong class=\"held\">1: module decoder.attention</strong>") == 2);
}

TEST_CASE("step_through: what is debugged is the training step as it is without") {
  const Folder folder;
  const std::string one = run_program("step_through", folder, {"--commands=leave"}).out,
                    other = run_program("step_through", folder,
                                        {"--commands=b nan; b norm > 0; s 5; c; c; p; c; d all; n; finish; c"})
                                .out;
  CHECK(last_line(one) == last_line(other));
  CHECK_THAT(last_line(one), ContainsSubstring("loss before this step "));
}

TEST_CASE("step_through: the NaN in a spoilt parameter is found where it is first used") {
  const Folder folder;
  const Outcome outcome = run_program(
      "step_through", folder, {"--spoil=decoder.lstm.wh", "--commands=break nan; continue; print Wh[0, 0]"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("(heed) continue\nbreakpoint 1: nan\nstep 4, forward: #4 lstm"));
  CHECK_THAT(outcome.out, ContainsSubstring("parameter \"decoder.lstm.wh\" [0, 0] []: not a number"));
  const Outcome wrong = run_program("step_through", folder, {"--spoil=decoder.lstm.w"});
  CHECK(wrong.exit_code == 1);
  CHECK_THAT(wrong.err, ContainsSubstring("there is no parameter decoder.lstm.w; did you mean decoder.lstm.w"));
}

TEST_CASE("step_through: goes through every model; quit ends the run, with the page of what ran") {
  for (const std::string& model : programs::model_names()) {
    const Folder folder;
    const Outcome outcome =
        run_program("step_through", folder,
                    {"--model=" + model, "--commands=finish; n; s 3; b backward; c; info; map; quit",
                     "--replay=" + folder.at("replay.html")});
    INFO(model << ": " << outcome.err);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.err.empty());
    CHECK_THAT(outcome.out, ContainsSubstring("breakpoint 1: backward"));
    CHECK_THAT(last_line(outcome.out), ContainsSubstring("Written: "));
    CHECK(markup_fault(read_file(folder.at("replay.html"))) == "");
  }
}

}  // namespace
}  // namespace heed::tests
