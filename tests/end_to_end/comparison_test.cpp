// The programs that train several models on the same data, as a person runs them.
#include "examples/common/translation.h"
#include "tests/end_to_end/program_testing.h"
#include "tests/markup.h"

namespace heed {
namespace {

using tests::ContainsSubstring;
using tests::count_of;
using tests::last_line;
using tests::Outcome;

// A run that takes a moment.
struct Small {
  const char* program;
  tests::Folder folder{};
  std::string out = folder.at("out");

  Outcome run(std::vector<std::string> more, const std::string& interrupt_at = {}) const {
    std::vector<std::string> all{"--out=" + out, "--hidden=8", "--d=8",      "--heads=2",
                                 "--layers=2",   "--ff=8",     "--threads=1"};
    all.insert(all.end(), more.begin(), more.end());
    return tests::run_program(program, folder, all, interrupt_at);
  }
  std::string report() const { return read_file(out + "/report.html"); }
};

// The line that says how an epoch of a model went.
std::string line_of(const Outcome& outcome, const std::string& beginning) {
  const std::size_t at = outcome.out.find("\n" + beginning + "  loss ");
  return at == std::string::npos ? "none" : outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
}

}  // namespace

TEST_CASE(
    "seq2seq_tour: trains every model, ends with the table and the result line, and draws all in one picture") {
  const Small small{"seq2seq_tour"};
  const Outcome toured = small.run({"--dates=60", "--epochs=2"});
  INFO(toured.err);
  REQUIRE(toured.exit_code == 0);
  const std::string table = toured.out.substr(toured.out.find("\nmodel "));
  const std::string page = small.report();
  CHECK(tests::markup_fault(page) == "");
  for (const std::string& model : programs::model_names()) {
    INFO(model);
    CHECK_THAT(table, ContainsSubstring("\n" + model + " "));
    CHECK(line_of(toured, model + "  epoch 2") != "none");
    CHECK(count_of(page, ">" + model + "</text>") == 3);  // in the legend of each chart
    CHECK_THAT(page, ContainsSubstring("<th scope=\"row\">" + model + "</th>"));
  }
  CHECK_THAT(page, ContainsSubstring("<strong>attention</strong>"));
  CHECK(count_of(page, "<strong>peeky</strong>") == 0);  // does not attend
  CHECK_THAT(last_line(toured.out),
             ContainsSubstring("result exact=") && ContainsSubstring(" unseen=6 epochs=2 seconds=") &&
                 ContainsSubstring(" models=" + std::to_string(programs::model_names().size()) + " best="));
}

TEST_CASE("seq2seq_tour: what a model does depends neither on the others nor on its place among them") {
  const Small small{"seq2seq_tour"};
  const Outcome first = small.run({"--dates=200", "--epochs=2", "--models=transformer,peeky", "--dropout=0.1"});
  const Outcome second = small.run({"--dates=200", "--epochs=2", "--models=peeky"});
  const std::string line = line_of(second, "peeky  epoch 2");
  CHECK_THAT(line, ContainsSubstring(" of 20 unseen"));
  CHECK(line == line_of(first, "peeky  epoch 2"));
  const Outcome other = small.run({"--dates=200", "--epochs=2", "--models=peeky", "--seed=2"});
  CHECK(line != line_of(other, "peeky  epoch 2"));
}

TEST_CASE("seq2seq_tour: a model that cannot be made is found before any is trained") {
  const Small small{"seq2seq_tour"};
  const Outcome refused = tests::run_program(
      small.program, small.folder,
      {"--out=" + small.out, "--dates=60", "--models=seq2seq,attention-between", "--layers=1"}, {});
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.err, ContainsSubstring("attention between the layers of a decoder of 1 layer"));
  CHECK_THAT(refused.out, !ContainsSubstring("epoch"));
}

TEST_CASE("seq2seq_tour: learns from a file of one's own") {
  const Small small{"seq2seq_tour"};
  std::string lines;
  for (int i = 10; i < 60; ++i) lines += std::to_string(i) + "\t" + std::to_string(i + 1) + "\n";
  write_file(small.folder.at("pairs"), lines);
  const Outcome toured = small.run({"--data=" + small.folder.at("pairs"), "--epochs=1", "--models=attention"});
  INFO(toured.err);
  CHECK(toured.exit_code == 0);
  CHECK_THAT(last_line(toured.out), ContainsSubstring(" unseen=5 ") && ContainsSubstring(" best=attention"));
}

TEST_CASE("seq2seq_tour: Ctrl-C ends it with the table and the report so far, and exit code 130") {
  const Small small{"seq2seq_tour"};
  const Outcome stopped =
      small.run({"--dates=60", "--epochs=100000", "--models=peeky,attention"}, "peeky  epoch 2  loss");
  INFO(stopped.err);
  CHECK(stopped.exit_code == 130);
  CHECK_THAT(stopped.out, ContainsSubstring("\nmodel ") && ContainsSubstring("\npeeky "));
  CHECK(stopped.out.find("attention") == std::string::npos);
  CHECK(stopped.out.find("result ") == std::string::npos);
  CHECK_THAT(small.report(), ContainsSubstring("Of 1 model peeky ended best"));

  const Small sooner{"seq2seq_tour"};
  const Outcome at_once = sooner.run({"--dates=20000", "--batch=1", "--models=peeky"}, "peeky  epoch 1");
  CHECK(at_once.exit_code == 130);
  CHECK(last_line(at_once.out) == "stopped in the first epoch");
}

TEST_CASE("seq2seq_tour: a wrong command line is an error that helps") {
  const Small small{"seq2seq_tour"};
  const auto refused = [&](const std::string& flag, const std::string& message) {
    const Outcome outcome = small.run({flag});
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(message));
  };
  refused("--models=peeky,atention", "got \"atention\", did you mean attention?");
  refused("--models=peeky,peeky", "--models names peeky twice");
  refused("--dates=3", "--dates is 3, must be from 20");
  refused("--resume", "unknown flag --resume");
  const Outcome help = small.run({"--help"});
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, ContainsSubstring("--models=WORD,WORD") && ContainsSubstring("default all"));
}

TEST_CASE("addition: --curves trains the chapter's models, each reversed and not") {
  const Small small{"addition"};
  const std::string data = small.folder.at("sums");
  std::string lines;
  for (int a = 0; a < 10; ++a)
    for (int b = a; b < 10; ++b)
      lines += std::to_string(a) + "+" + std::to_string(b) + "\t" + std::to_string(a + b) + "\n";
  write_file(data, lines);
  const Outcome drawn = small.run({"--curves", "--data=" + data, "--epochs=2"});
  INFO(drawn.err);
  REQUIRE(drawn.exit_code == 0);
  for (const char* const model :
       {"seq2seq", "seq2seq+reverse", "peeky", "peeky+reverse", "attention", "attention+reverse"}) {
    INFO(model);
    CHECK(count_of(small.report(), text(">", model, "</text>")) == 3);
    CHECK(line_of(drawn, text(model, "  epoch 2")) != "none");
  }
  CHECK(line_of(drawn, "peeky  epoch 2").substr(5) != line_of(drawn, "peeky+reverse  epoch 2").substr(13));
  CHECK_THAT(last_line(drawn.out), ContainsSubstring("result exact=") && ContainsSubstring(" models=6 best="));
  REQUIRE(small.run({"--data=" + data, "--epochs=1"}).exit_code == 0);
  const Outcome resumed = small.run({"--curves", "--resume", "--data=" + data});
  CHECK(resumed.exit_code == 1);
  CHECK_THAT(resumed.err, ContainsSubstring("--curves trains models of its own"));
}

}  // namespace heed
