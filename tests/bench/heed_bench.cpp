// Measures what heed does on the workloads that the peers in peers/ do too. `compare` beside this file runs
// both.
//
//   build/release/bin/heed_bench                              # lists the workloads
//   build/release/bin/heed_bench date-seq2seq --threads=2
//   build/release/bin/heed_bench lstm 29 128 16 256

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/parallel.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

constexpr std::array kWorkloads{
    Workload{"date-seq2seq", "", "training steps of an attention seq2seq on dates", train_seq2seq},
    Workload{"date-transformer", "", "training steps of a transformer on dates", train_transformer},
    Workload{"decode-seq2seq", "", "greedy decoding of one date at a time", decode_seq2seq},
    Workload{"decode-transformer", "", "greedy decoding of one date at a time, with key-value caches",
             decode_transformer},
    Workload{"lstm", "[T B D H]", "an LSTM over a sequence, forward and backward", run_lstm},
    Workload{"gru", "[T B D H]", "a GRU over a sequence, forward and backward", run_gru},
    Workload{"rnn", "[T B D H]", "a plain RNN over a sequence, forward and backward", run_rnn},
    Workload{"gemm", "[M N K]", "matrix products of many shapes, or of one", run_gemm},
    Workload{"scalar-chain", "", "what a node of a graph of scalars costs", run_scalar_chain},
    Workload{"matmul-chain", "", "what a node costs at 16 x 16", run_matmul_chain},
    Workload{"mlp-step", "", "a training step of a tiny network", run_mlp_step},
    Workload{"softmax", "", "softmax at three widths, forward and backward", run_softmax},
    Workload{"layer-norm", "", "layer normalisation, forward and backward", run_layer_norm},
    Workload{"attention", "", "attention of a decoder over an encoder, forward and backward", run_attention},
    Workload{"growth", "", "time and memory against length, batch, width and graph", run_growth},
};

std::string overview() {
  std::string out =
      "Measures heed; prints medians as \"name value\" pairs, one line a case.\n\n"
      "usage: heed_bench WORKLOAD [--name=value …]\n\n";
  for (const Workload& workload : kWorkloads) {
    std::string call = text(workload.name, *workload.extents == '\0' ? "" : " ", workload.extents);
    call.resize(20, ' ');
    out += text("  ", call, workload.summary, "\n");
  }
  return out + "\nheed_bench WORKLOAD --help lists the flags of one.\n";
}

int run(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h") {
    std::fputs(overview().c_str(), stdout);
    return 0;
  }
  for (const Workload& workload : kWorkloads)
    if (name == workload.name) {
      workload.run(workload, {argc - 1, argv + 1});
      return 0;
    }
  throw ConfigError({.what = text("unknown workload \"", name, "\""), .hint = "heed_bench --help lists them"});
}

std::int64_t read_extent(std::string_view written) {
  std::int64_t extent = 0;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), extent);
  if (error != std::errc{} || end != written.data() + written.size() || extent < 1)
    throw ConfigError({.what = text("an extent is a whole number of at least 1, got \"", written, "\"")});
  return extent;
}

std::int64_t threads_wanted = 1;

}  // namespace

programs::Flags flags_of(const Workload& workload) {
  programs::Flags flags(
      text("heed_bench ", workload.name, *workload.extents == '\0' ? "" : " ", workload.extents),
      text("Measures ", workload.summary, "."));
  flags.add("threads", &threads_wanted, "threads that share an operation", programs::between(1, 1024));
  return flags;
}

bool parse(programs::Flags& flags, const Call& call, std::vector<std::int64_t>* extents) {
  std::vector<char*> rest{call.argv[0]};
  std::vector<std::int64_t> given;
  int next = 1;
  for (; extents != nullptr && next < call.argc && *call.argv[next] != '-'; ++next)
    given.push_back(read_extent(call.argv[next]));
  rest.insert(rest.end(), call.argv + next, call.argv + call.argc);
  if (!flags.parse(static_cast<int>(rest.size()), rest.data())) return false;
  if (!given.empty() && given.size() != extents->size())
    throw ConfigError({.what = text(call.argv[0], " takes ", extents->size(), " extents, got ", given.size())});
  if (!given.empty()) *extents = given;
  set_threads(static_cast<int>(threads_wanted));
  return true;
}

}  // namespace heed::bench

int main(int argc, char** argv) { return heed::programs::run_program(argc, argv, heed::bench::run); }
