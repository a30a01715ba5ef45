// One recurrent layer over a whole batch of sequences, as training needs it.
#include <cstdio>

#include "core/gru.h"
#include "core/lstm.h"
#include "core/random.h"
#include "core/rnn.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

// Extents, small random operands for `gates` gates, and what comes back to the outputs.
struct Setting {
  std::int64_t T, B, D, H, gates, runs;
  Rng rng{1};
  Tensor x = small({B, T, D}), h0 = Tensor::zeros({B, H}), wx = small({D, gates*H}), wh = small({H, gates*H}),
         bias = small({gates * H}), dhs = small({B, T, H}), dh = small({B, H});

  Tensor small(const Shape& shape) { return Tensor::normal(shape, 0, 0.05, rng); }
};

// forward() and backward(its result) under the clock.
template <class Forward, class Backward>
void measure_both(const Workload& self, const Setting& s, Forward forward, Backward backward) {
  const auto result = forward();
  const Times there = measure(3, s.runs, [&] { forward(); });
  const Times back = measure(3, s.runs, [&] { backward(result); });
  const double flops = 2.0 * static_cast<double>(s.T * s.B * (s.D + s.H) * s.gates * s.H);
  std::printf(
      "%s T %lld B %lld D %lld H %lld fwd_ms %.3f fwd_gflops %.1f bwd_ms %.3f bwd_gflops %.1f "
      "min_fwd_ms %.3f min_bwd_ms %.3f\n",
      self.name, static_cast<long long>(s.T), static_cast<long long>(s.B), static_cast<long long>(s.D),
      static_cast<long long>(s.H), there.median * 1e3, flops / there.median / 1e9, back.median * 1e3,
      2 * flops / back.median / 1e9, there.least * 1e3, back.least * 1e3);
}

// run(setting) with what the command line says; nothing when it asks for help.
template <class Run>
void with_setting(const Call& call, std::int64_t gates, programs::Flags& flags, Run run) {
  std::vector<std::int64_t> extents{29, 128, 16, 256};
  std::int64_t runs = 25;
  flags.add("runs", &runs, "runs under the clock", programs::at_least(1));
  if (!parse(flags, call, &extents)) return;
  run(Setting{extents[0], extents[1], extents[2], extents[3], gates, runs});
}

}  // namespace

void run_lstm(const Workload& self, const Call& call) {
  programs::Flags flags = flags_of(self);
  with_setting(call, 4, flags, [&](const Setting& s) {
    const LstmInput input{s.x, s.h0, Tensor::zeros({s.B, s.H}), s.wx, s.wh, s.bias, {}};
    const Tensor dc = s.dh;
    measure_both(
        self, s, [&] { return lstm_forward(input); },
        [&](const LstmResult& result) { lstm_backward(input, result, s.dhs, s.dh, dc); });
  });
}

void run_gru(const Workload& self, const Call& call) {
  bool before = false;
  programs::Flags flags = flags_of(self);
  flags.add("before", &before, "the gate resets before the product, as Cho et al. have it");
  with_setting(call, 3, flags, [&](const Setting& s) {
    const GruInput input{s.x,    s.h0,
                         s.wx,   s.wh,
                         s.bias, before ? Tensor() : Tensor::zeros({s.H}),
                         {},     {before ? ResetGate::before_product : ResetGate::after_product}};
    measure_both(
        self, s, [&] { return gru_forward(input); },
        [&](const GruResult& result) { gru_backward(input, result, s.dhs, s.dh); });
  });
}

void run_rnn(const Workload& self, const Call& call) {
  programs::Flags flags = flags_of(self);
  with_setting(call, 1, flags, [&](const Setting& s) {
    const RnnInput input{s.x, s.h0, s.wx, s.wh, s.bias, {}};
    measure_both(
        self, s, [&] { return rnn_forward(input); },
        [&](const RnnResult& result) { rnn_backward(input, result, s.dhs, s.dh); });
  });
}

}  // namespace heed::bench
