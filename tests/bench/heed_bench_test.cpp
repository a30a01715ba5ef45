// heed_bench as a person runs it: that every workload gives finite numbers, never how fast.
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "core/file.h"
#include "tests/catch.h"
#include "tests/folder.h"

namespace heed {
namespace {

using tests::ContainsSubstring;

struct Outcome {
  int exit_code = -1;
  std::string out;  // both streams
};

Outcome run_bench(const std::string& arguments) {
  FILE* const pipe = popen((HEED_PROGRAMS "/heed_bench " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.out.append(buffer, n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

// The number behind a name in the output; not a number when there is none.
double number_behind(const std::string& name, const std::string& out) {
  std::istringstream words(out);
  std::string word, value;
  while (words >> word)
    if (word == name && words >> value) {
      char* end = nullptr;
      const double number = std::strtod(value.c_str(), &end);
      return *end == '\0' ? number : NAN;
    }
  return NAN;
}

// Arguments, and words that stand in front of numbers in the output.
struct Smoke {
  const char* arguments;
  std::vector<const char*> names;
};

}  // namespace

TEST_CASE("heed_bench: every workload prints finite numbers behind the names that the peers print") {
  const std::vector<Smoke> all{
      {"date-seq2seq --hidden=4 --batch=2 --steps=1",
       {"examples_per_s", "step_ms", "min_ms", "loss", "rss_mb"}},
      {"date-transformer --d=4 --heads=2 --layers=1 --ff=4 --batch=2 --steps=1",
       {"examples_per_s", "step_ms", "min_ms", "loss", "rss_mb"}},
      {"decode-seq2seq --hidden=4 --runs=1", {"decode_ms_per_example"}},
      {"lstm 2 3 4 5 --runs=1 --threads=2", {"fwd_ms", "fwd_gflops", "bwd_ms", "bwd_gflops"}},
      {"gru 2 3 4 5 --runs=1", {"fwd_ms", "fwd_gflops", "bwd_ms", "bwd_gflops"}},
      {"gru 2 3 4 5 --runs=1 --before", {"fwd_ms", "bwd_ms"}},
      {"rnn 2 3 4 5 --runs=1", {"fwd_ms", "fwd_gflops", "bwd_ms", "bwd_gflops"}},
      {"gemm 5 6 7 --runs=1 --peak", {"peak_gflops", "7"}},
      {"scalar-chain --runs=1", {"nodes", "us_per_node"}},
      {"matmul-chain --runs=1", {"nodes", "us_per_node"}},
      {"mlp-step --runs=1", {"us"}},
      {"softmax --runs=1", {"us", "min_us"}},
      {"layer-norm --runs=1", {"us"}},
      {"attention --runs=1", {"us"}},
      {"growth --runs=1 --points=2", {"ms", "mb", "time_exponent", "memory_exponent"}}};
  for (const Smoke& smoke : all) {
    const Outcome outcome = run_bench(smoke.arguments);
    INFO(smoke.arguments << "\n" << outcome.out);
    CHECK(outcome.exit_code == 0);
    for (const char* const name : smoke.names) {
      INFO(name);
      CHECK(std::isfinite(number_behind(name, outcome.out)));
    }
  }
}

TEST_CASE("heed_bench: pairs of a file are trained on as whole padded rows, and saved for a peer") {
  const tests::Folder folder;
  const std::string data = folder.at("pairs.txt"), saved = folder.at("saved.tsv");
  write_file(data, "1/2/93   _1993-01-02\nMay 3, 94_1994-05-03\n");
  const Outcome outcome =
      run_bench("date-seq2seq --hidden=4 --batch=2 --steps=1 --data=" + data + " --save=" + saved);
  INFO(outcome.out);
  CHECK(outcome.exit_code == 0);
  CHECK(read_file(saved) == "1/2/93   \t1993-01-02\nMay 3, 94\t1994-05-03\n");
}

TEST_CASE("heed_bench: alone and with --help it lists the workloads") {
  for (const char* const arguments : {"", "--help"}) {
    const Outcome outcome = run_bench(arguments);
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, ContainsSubstring("date-seq2seq") && ContainsSubstring("growth"));
  }
  CHECK_THAT(run_bench("lstm --help").out, ContainsSubstring("--runs") && ContainsSubstring("[T B D H]"));
}

TEST_CASE("heed_bench: a wrong command line is an error that helps") {
  const auto fails = [](const std::string& arguments, const char* message) {
    const Outcome outcome = run_bench(arguments);
    INFO(arguments);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.out, ContainsSubstring(message));
  };
  fails("gem", "unknown workload \"gem\"");
  fails("softmax --run=1", "did you mean --runs?");
  fails("softmax --runs=-1", "at least 0");
  fails("softmax 5", "unexpected argument");
  fails("gemm 1 2", "takes 3 extents, got 2");
  fails("gemm 1 2 x", "got \"x\"");
  fails("lstm 1 0 1 1", "got \"0\"");
  fails("date-seq2seq --data=/none/at/all", "No such file");
  fails("date-seq2seq --batch=60000", "needs as many rows, got 50000");
}

}  // namespace heed
