// The workloads of heed_bench and what their command lines have in common.
//
// Each prints `name value` pairs, one line a case, with the names that the peer programs print, so that
// `compare` can hold them side by side.
#pragma once

#include <cstdint>
#include <vector>

#include "examples/common/flags.h"

namespace heed::bench {

/// The arguments of one workload; argv[0] is its name.
struct Call {
  int argc;
  char** argv;
};

struct Workload {
  const char* name;
  const char* extents;  ///< what may stand between name and flags; empty: nothing
  const char* summary;
  void (*run)(const Workload& self, const Call& call);
};

/// The flags of a workload, to which each adds its own.
programs::Flags flags_of(const Workload& workload);
/// Reads the command line and sets the number of threads. Returns false when --help was printed. The numbers in
/// front of the flags, if any, replace all of `extents`. Throws ConfigError as Flags::parse, and unless the
/// numbers are as many as `extents` and at least 1.
bool parse(programs::Flags& flags, const Call& call, std::vector<std::int64_t>* extents = nullptr);

void train_seq2seq(const Workload& self, const Call& call);
void train_transformer(const Workload& self, const Call& call);
void decode_seq2seq(const Workload& self, const Call& call);
void decode_transformer(const Workload& self, const Call& call);
void run_lstm(const Workload& self, const Call& call);
void run_gru(const Workload& self, const Call& call);
void run_rnn(const Workload& self, const Call& call);
void run_gemm(const Workload& self, const Call& call);
void run_scalar_chain(const Workload& self, const Call& call);
void run_matmul_chain(const Workload& self, const Call& call);
void run_mlp_step(const Workload& self, const Call& call);
void run_softmax(const Workload& self, const Call& call);
void run_layer_norm(const Workload& self, const Call& call);
void run_attention(const Workload& self, const Call& call);
void run_growth(const Workload& self, const Call& call);

}  // namespace heed::bench
