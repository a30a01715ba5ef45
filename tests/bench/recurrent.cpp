// One LSTM over a whole batch of sequences, as training needs it.
#include <cstdio>

#include "core/lstm.h"
#include "core/random.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {

void run_lstm(const Workload& self, const Call& call) {
  std::vector<std::int64_t> extents{29, 128, 16, 256};
  std::int64_t runs = 25;
  programs::Flags flags = flags_of(self);
  flags.add("runs", &runs, "runs under the clock", programs::at_least(1));
  if (!parse(flags, call, &extents)) return;
  const std::int64_t T = extents[0], B = extents[1], D = extents[2], H = extents[3];
  Rng rng(1);
  const auto small = [&](const Shape& shape) { return Tensor::normal(shape, 0, 0.05, rng); };
  const LstmInput input{.x = small({B, T, D}),
                        .h0 = Tensor::zeros({B, H}),
                        .c0 = Tensor::zeros({B, H}),
                        .wx = small({D, 4 * H}),
                        .wh = small({H, 4 * H}),
                        .bias = small({4 * H}),
                        .lengths = {}};
  const Tensor dhs = small({B, T, H}), dh = small({B, H}), dc = small({B, H});
  const LstmResult result = lstm_forward(input);
  const Times forward = measure(3, runs, [&] { lstm_forward(input); });
  const Times backward = measure(3, runs, [&] { lstm_backward(input, result, dhs, dh, dc); });
  const double flops = 2.0 * static_cast<double>(T * B * (D + H) * 4 * H);
  std::printf(
      "lstm T %lld B %lld D %lld H %lld fwd_ms %.3f fwd_gflops %.1f bwd_ms %.3f bwd_gflops %.1f "
      "min_fwd_ms %.3f min_bwd_ms %.3f\n",
      static_cast<long long>(T), static_cast<long long>(B), static_cast<long long>(D),
      static_cast<long long>(H), forward.median * 1e3, flops / forward.median / 1e9, backward.median * 1e3,
      2 * flops / backward.median / 1e9, forward.least * 1e3, backward.least * 1e3);
}

}  // namespace heed::bench
