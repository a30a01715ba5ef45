// attention_viewer as a person runs it.
#include "tests/end_to_end/program_testing.h"

namespace heed {
namespace {

using tests::ContainsSubstring;
using tests::Outcome;

Outcome view(const tests::Folder& folder, std::vector<std::string> arguments) {
  return tests::run_program("attention_viewer", folder, std::move(arguments));
}

// Leaves a checkpoint of a small date_conversion; returns its folder.
std::string trained(const tests::Folder& folder, const std::string& model) {
  const std::string data = folder.at("pairs.tsv"), out = folder.at("out");
  std::string lines;
  for (int i = 10; i < 60; ++i) lines += std::to_string(i) + "\t" + std::to_string(i + 1) + "\n";
  write_file(data, lines);
  const Outcome run = tests::run_program("date_conversion", folder,
                                         {"--data=" + data, "--out=" + out, "--hidden=8", "--batch=16",
                                          "--threads=1", "--epochs=1", "--model=" + model});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  return out;
}

}  // namespace

TEST_CASE("attention_viewer: looks into a checkpoint of date_conversion, of any model") {
  for (const std::string model : {"seq2seq", "attention", "gnmt", "transformer"}) {
    const tests::Folder folder;
    const std::string out = trained(folder, model);
    const Outcome seen = view(folder, {"--checkpoint=" + out, "--text=12|345"});
    INFO(seen.err);
    REQUIRE(seen.exit_code == 0);
    CHECK_THAT(seen.out, ContainsSubstring("\n12 → ") && ContainsSubstring("\n345 → ") &&
                             ContainsSubstring(out + "/attention.html\n"));
    const std::string page = read_file(out + "/attention.html");
    if (model == "seq2seq") {
      CHECK_THAT(page, ContainsSubstring("No attention has run."));
    } else {
      const std::string path = model == "transformer" ? "decoder.1.cross_attention" : "decoder.attention";
      CHECK_THAT(seen.out, ContainsSubstring("  " + path) && ContainsSubstring(" bits  "));
      CHECK_THAT(page, ContainsSubstring(path) && ContainsSubstring("class=\"pick\">345 → "));
    }
  }
}

TEST_CASE("attention_viewer: without a checkpoint it trains a model on dates first, and shows some of them") {
  const tests::Folder folder;
  const Outcome seen = view(folder, {"--dates=60", "--epochs=1", "--model=attention", "--hidden=8",
                                     "--threads=1", "--out=" + folder.at("out")});
  INFO(seen.err);
  REQUIRE(seen.exit_code == 0);
  CHECK_THAT(seen.out, ContainsSubstring("of 3 unseen dates are written exactly") && ContainsSubstring(" → "));
  CHECK_THAT(read_file(folder.at("out") + "/attention.html"), ContainsSubstring("class=\"thumb\""));
}

TEST_CASE("attention_viewer: what a checkpoint lacks, and what does not fit it, is said") {
  const tests::Folder folder;
  const std::string out = trained(folder, "attention");
  const auto error = [&](std::vector<std::string> arguments) {
    const Outcome failed = view(folder, std::move(arguments));
    CHECK(failed.exit_code == 1);
    return failed.err;
  };
  CHECK_THAT(error({"--checkpoint=" + out}), ContainsSubstring("--checkpoint without --text"));
  CHECK_THAT(
      error({"--checkpoint=" + out, "--text=1", "--model=gnmt"}),
      ContainsSubstring("--model=gnmt: the checkpoint ") && ContainsSubstring("was made with attention"));
  CHECK_THAT(error({"--checkpoint=" + folder.at("none"), "--text=1"}),
             ContainsSubstring("none/checkpoint.safetensors"));
}

}  // namespace heed
