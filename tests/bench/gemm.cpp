// Matrix products over the shapes of the workloads.
#include <algorithm>
#include <array>
#include <cstdio>

#include "core/kernels/cpu.h"
#include "core/matmul.h"
#include "tests/bench/peak.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

constexpr std::array<std::array<std::int64_t, 3>, 15> kShapes{{
    {16, 16, 16},
    {32, 32, 32},
    {64, 64, 64},
    {128, 128, 128},
    {256, 256, 256},
    {512, 512, 512},
    {1024, 1024, 1024},  // squares
    {128, 1024, 256},
    {128, 256, 1024},
    {3712, 1024, 16},
    {256, 1024, 3712},  // of an LSTM
    {3712, 512, 128},
    {29, 29, 16},
    {1, 1024, 256},
    {1280, 59, 512},  // of transformer and decoder
}};

// Floating-point operations of one timed run: many small products, or one large.
constexpr double kRunFlops = 2e8;

void print_product(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t runs, double peak) {
  const Tensor a = Tensor::full({m, k}, 0.1), b = Tensor::full({k, n}, 0.2);
  const double flops = 2.0 * static_cast<double>(m * n * k);
  const std::int64_t repeats = std::max<std::int64_t>(1, static_cast<std::int64_t>(kRunFlops / flops));
  const Times times = measure(1, runs, [&] {
    for (std::int64_t i = 0; i < repeats; ++i) matmul(a, b);
  });
  const double seconds = times.median / static_cast<double>(repeats), rate = flops / seconds / 1e9;
  std::printf("%5lld x %5lld x %5lld  %8.1f GF/s  %10.2f us", static_cast<long long>(m),
              static_cast<long long>(n), static_cast<long long>(k), rate, seconds * 1e6);
  if (peak > 0) std::printf("  %5.1f %% of peak", 100 * rate / peak);
  std::printf("\n");
}

}  // namespace

void run_gemm(const Workload& self, const Call& call) {
  std::vector<std::int64_t> extents(3, 0);
  std::int64_t runs = 9;
  bool with_peak = false;
  programs::Flags flags = flags_of(self);
  flags.add("runs", &runs, "runs under the clock", programs::at_least(1));
  flags.add("peak", &with_peak, "measure the most that one core can do");
  if (!parse(flags, call, &extents)) return;
  std::printf("kernel %s\n", kernels::table().name);
  const double peak = with_peak ? peak_gflops() : 0;
  if (with_peak) std::printf("peak_gflops %.1f\n", peak);
  if (extents[0] > 0) return print_product(extents[0], extents[1], extents[2], runs, peak);
  for (const auto& [m, n, k] : kShapes) print_product(m, n, k, runs, peak);
}

}  // namespace heed::bench
