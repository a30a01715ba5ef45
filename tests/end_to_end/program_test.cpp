// The programs as a person runs them, the date converter above all: flags, files, Ctrl-C, and what it says when
// something is wrong.
#include <utility>

#include "core/error.h"
#include "core/serialize.h"
#include "tests/end_to_end/program_testing.h"
#include "tests/markup.h"

namespace heed {
namespace {

using tests::ContainsSubstring;
using tests::last_line;
using tests::Outcome;

Outcome run_program(const tests::Folder& folder, std::vector<std::string> arguments,
                    const std::string& interrupt_at = {}, rlim_t file_limit = RLIM_INFINITY) {
  return tests::run_program("date_conversion", folder, std::move(arguments), interrupt_at, file_limit);
}

// A small set of pairs, and flags that train on it in a moment.
struct Small {
  tests::Folder folder;
  std::string data = folder.at("pairs.tsv"), out = folder.at("out");

  Small() {
    std::string lines;
    for (int i = 10; i < 60; ++i) lines += std::to_string(i) + "\t" + std::to_string(i + 1) + "\n";
    write_file(data, lines);
  }
  std::vector<std::string> flags(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"--data=" + data, "--out", out, "--hidden=8", "--batch=16", "--threads=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Outcome run(std::vector<std::string> more = {}, const std::string& interrupt_at = {},
              rlim_t limit = RLIM_INFINITY) const {
    return run_program(folder, flags(std::move(more)), interrupt_at, limit);
  }
};

}  // namespace

TEST_CASE("date_conversion: trains every model, ends with the result line, leaves a report and a checkpoint") {
  for (const char* const model :
       {"seq2seq", "peeky", "attention", "input-feeding", "attention-between", "bidirectional", "deep-residual",
        "gnmt", "coverage", "copy", "transformer"}) {
    const Small small;
    const Outcome trained = small.run({"--epochs=1", std::string("--model=") + model});
    INFO(trained.err);
    REQUIRE(trained.exit_code == 0);
    CHECK_THAT(last_line(trained.out),
               ContainsSubstring("result exact=") && ContainsSubstring(" unseen=5 epochs=1 seconds="));
    CHECK_THAT(read_file(small.out + "/report.html"), ContainsSubstring("<html"));
    const Outcome converted = run_program(small.folder, {"--convert", "12", "--out=" + small.out});
    INFO(converted.err);
    CHECK(converted.exit_code == 0);
    CHECK(converted.out.ends_with('\n'));
  }
}

TEST_CASE(
    "date_conversion: recurrent models take cell, score, window, layers and dropout, and keep them when "
    "resumed") {
  const Small small;
  const Outcome trained = small.run({"--epochs=1", "--model=gnmt", "--cell=gru", "--score=general",
                                     "--window=2", "--layers=3", "--dropout=0.2"});
  INFO(trained.err);
  REQUIRE(trained.exit_code == 0);
  CHECK_THAT(trained.out, ContainsSubstring("upper: RecurrentStack 8 -> 8, 2 layers, context 8, residual") &&
                              ContainsSubstring("GRU") &&
                              ContainsSubstring("ScoredAttention, general, window 2"));
  const Outcome more = run_program(small.folder, {"--resume", "--out=" + small.out, "--epochs=2"});
  INFO(more.err);
  CHECK(more.exit_code == 0);
  CHECK_THAT(last_line(more.out), ContainsSubstring(" epochs=2 "));
  CHECK_THAT(small.run({"--model=attention-between", "--layers=1"}).err,
             ContainsSubstring("attention between the layers of a decoder of 1 layer"));
  CHECK_THAT(small.run({"--model=coverage", "--score=dot"}).err,
             ContainsSubstring("an inner product of states 8 and 16 wide"));
  CHECK_THAT(small.run({"--cell=lstms"}).err, ContainsSubstring("did you mean lstm?"));
}

TEST_CASE("date_conversion: Ctrl-C saves, says how to resume and exits with 130; the resumed run goes on") {
  const Small small;
  const Outcome stopped = small.run({"--epochs=100000"}, "epoch 1 ");
  INFO(stopped.err);
  REQUIRE(stopped.exit_code == 130);
  CHECK_THAT(stopped.out, ContainsSubstring("go on with --resume --out=" + small.out));
  const Outcome more = run_program(small.folder, {"--resume", "--out=" + small.out, "--epochs=1"});
  INFO(more.err);
  CHECK(more.exit_code == 0);
  CHECK_THAT(last_line(more.out), ContainsSubstring("result exact="));
}

TEST_CASE("date_conversion: --profile says where the time of some steps went and changes nothing else") {
  const Small small;
  const auto trained = [&](std::vector<std::string> more) {
    more.push_back("--epochs=2");
    const Outcome outcome = small.run(std::move(more));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return outcome.out;
  };
  const auto saved = [&] { return read_safetensors(small.out + "/checkpoint.safetensors"); };
  const std::string page = small.out + "/profile.html";
  CHECK_THAT(trained({}), !ContainsSubstring("profile"));
  const TensorFile plain = saved();
  CHECK_THROWS_AS(read_file(page), IoError);
  CHECK_THAT(trained({"--profile=1"}), ContainsSubstring("mean of 1 step, without the ") &&
                                           ContainsSubstring("\nOperation") && ContainsSubstring("\nlstm ") &&
                                           ContainsSubstring("\nall ") &&
                                           ContainsSubstring("profile: " + page));
  CHECK(tests::markup_fault(read_file(page)) == "");
  // An epoch has three steps, the first of which is not measured.
  CHECK_THAT(trained({"--profile=100"}), ContainsSubstring("mean of 2 steps, "));
  const TensorFile profiled = saved();
  REQUIRE(profiled.tensors.size() == plain.tensors.size());
  for (const auto& [name, value] : plain.tensors)
    if (name.starts_with("model.")) CHECK(profiled.tensor(name).to_vector() == value.to_vector());
}

TEST_CASE("date_conversion: a wrong command line is an error that helps") {
  const tests::Folder folder;
  const Outcome unknown = run_program(folder, {"--epoch=3"});
  CHECK(unknown.exit_code == 1);
  CHECK_THAT(unknown.err, ContainsSubstring("--epoch; did you mean --epochs?"));
  CHECK(run_program(folder, {"--epochs=none"}).exit_code == 1);
  CHECK(run_program(folder, {"--model=transformers"}).exit_code == 1);
  const Outcome help = run_program(folder, {"--help"});
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, ContainsSubstring("--convert"));
}

TEST_CASE("date_conversion: bad data is named, line and all") {
  const Small small;
  const auto fails = [&](const std::string& content, const std::string& message) {
    const std::string path = small.folder.at("bad.txt");
    write_file(path, content);
    const Outcome outcome = run_program(small.folder, {"--data=" + path, "--out=" + small.out});
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(message) && ContainsSubstring(path));
  };
  fails("", "holds no pairs");
  fails("1\t2\n34\n", ":2: no tab");
  fails("1\t2\n3\t4\n\xff\t5\n", ":3: malformed UTF-8");
  const Outcome no_folder = run_program(small.folder, {"--data=" + small.data, "--out=" + small.data + "/x"});
  CHECK(no_folder.exit_code == 1);
  CHECK(no_folder.out.empty());
  CHECK_THAT(no_folder.err, ContainsSubstring("cannot make the folder"));
  const Outcome missing = run_program(small.folder, {"--data=" + small.folder.at("none")});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, ContainsSubstring("No such file"));
}

TEST_CASE("date_conversion: a checkpoint that is missing, cut short, foreign or of other settings is refused") {
  const Small small;
  const std::string checkpoint = small.out + "/checkpoint.safetensors";
  CHECK_THAT(small.run({"--resume"}).err, ContainsSubstring("No such file"));
  REQUIRE(small.run({"--epochs=1"}).exit_code == 0);
  const std::string good = read_file(checkpoint);

  const Outcome other = small.run({"--resume", "--embedding=5"});
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.err, ContainsSubstring("--embedding=5") && ContainsSubstring("was made with 16"));
  const Outcome character = small.run({"--convert=1x"});
  CHECK(character.exit_code == 1);
  CHECK_THAT(character.err, ContainsSubstring("'x'") && ContainsSubstring("not in the vocabulary"));
  const std::string data = read_file(small.data);
  write_file(small.data, data + "x\ty\n");
  CHECK_THAT(small.run({"--resume", "--epochs=2"}).err, ContainsSubstring("the data have another vocabulary"));
  write_file(small.data, data);
  CHECK(read_file(checkpoint) == good);

  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{300}, good.size() - 1}) {
    write_file(checkpoint, good.substr(0, length));
    const Outcome cut = small.run({"--resume"});
    CHECK(cut.exit_code == 1);
    CHECK_THAT(cut.err, ContainsSubstring(checkpoint));
  }
  write_file(checkpoint, "PK this is something else, and long enough to look like a header of a file");
  CHECK(small.run({"--convert=12"}).exit_code == 1);
}

TEST_CASE("date_conversion: on a full disk the old checkpoint stays as it was") {
  const Small small;
  REQUIRE(small.run({"--epochs=1"}).exit_code == 0);
  const std::string before = read_file(small.out + "/checkpoint.safetensors");
  const Outcome full = small.run({"--epochs=1", "--seed=2"}, {}, 4096);
  CHECK(full.exit_code == 1);
  CHECK_THAT(full.err, ContainsSubstring("checkpoint.safetensors"));
  CHECK(read_file(small.out + "/checkpoint.safetensors") == before);
}

TEST_CASE(
    "programs: each trains in small, ends with the result line, resumes, and does something with what it "
    "learnt") {
  struct Case {
    const char* program;
    std::vector<std::string> training, use;
    const char* said;
    const char* judged = "unseen examples";
  };
  const tests::Folder folder;
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "one two three " + std::to_string(i % 3) + ".\n";
  write_file(folder.at("text"), lines);
  const std::string text = "--data=" + folder.at("text");
  write_file(folder.at("sums"),
             "1+2\t3\n10+2\t12\n3+3\t6\n4+3\t7\n5+1\t6\n6+2\t8\n7+1\t8\n8+1\t9\n9+2\t11\n2+2\t4\n");
  const std::vector<Case> cases{
      {"addition", {"--data=" + folder.at("sums"), "--hidden=8", "--no-reverse"}, {"--convert=1+2"}, "\n"},
      {"addition", {"--data=" + folder.at("sums"), "--hidden=8", "--model=coverage"}, {"--convert=1+2"}, "\n"},
      {"transformer_translate",
       {"--numbers=60", "--merges=20", "--ff=8"},
       {"--convert=2fr one", "--beams=2"},
       "\n"},
      {"transformer_translate",
       {"--numbers=60", "--languages=en-de", "--tokens=words", "--ff=8"},
       {"--convert=one"},
       "\n"},
      {"language_model",
       {text, "--window=8", "--ff=8"},
       {"--prompt=one two", "--length=5"},
       "one two",
       "unseen tokens"},
      {"masked_language_model",
       {text, "--window=8", "--ff=8"},
       {"--fill=one <mask> three"},
       "one [",
       "unseen hidden tokens"},
      {"vit_shapes", {"--count=40", "--patch=14", "--ff=8"}, {"--help"}, "--images", "unseen images"}};
  int number = 0;
  for (const Case& each : cases) {
    const std::string made = folder.at("out" + std::to_string(number++)), out = "--out=" + made;
    std::vector<std::string> flags{"--epochs=1", "--batch=16",  "--d=8", "--heads=2",
                                   "--layers=1", "--threads=1", out};
    flags.insert(flags.end(), each.training.begin(), each.training.end());
    const Outcome trained = tests::run_program(each.program, folder, flags);
    INFO(each.program << ": " << trained.err);
    REQUIRE(trained.exit_code == 0);
    CHECK_THAT(last_line(trained.out),
               ContainsSubstring("result exact=") && ContainsSubstring(" epochs=1 seconds="));
    CHECK_THAT(read_file(made + "/report.html"), ContainsSubstring(each.judged));
    const Outcome more = tests::run_program(each.program, folder, {"--resume", "--epochs=2", out});
    INFO(more.err);
    REQUIRE(more.exit_code == 0);
    CHECK_THAT(last_line(more.out), ContainsSubstring(" epochs=2 "));
    std::vector<std::string> use = each.use;
    use.push_back(out);
    const Outcome used = tests::run_program(each.program, folder, use);
    INFO(used.err);
    CHECK(used.exit_code == 0);
    CHECK_THAT(used.out, ContainsSubstring(each.said));
    const Outcome wrong = tests::run_program(each.program, folder, {"--epoch=1"});
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.err, ContainsSubstring("did you mean --epochs?"));
  }
}

TEST_CASE("custom_operation: shows derivatives, says what is wrong with a rule, and learns through a step") {
  const tests::Folder folder;
  const Outcome run = tests::run_program("custom_operation", folder, {});
  CHECK(run.exit_code == 0);
  CHECK_THAT(run.out,
             ContainsSubstring("dy/dx          [0.0316, 0.7155, 0.3536, 0.0143]") &&
                 ContainsSubstring("GraphError: careless isru: its gradient is not its derivative: at "));
  CHECK(last_line(run.out) == "bits 1 0 1 1 after 25 steps");
}

}  // namespace heed
