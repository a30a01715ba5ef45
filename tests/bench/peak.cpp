#include "tests/bench/peak.h"

#include <cstdint>
#include <string_view>

#include "core/kernels/cpu.h"
#include "tests/bench/timing.h"

namespace heed::bench {
namespace {

// A vector of the compiler's own, as in core/kernels/simd.inc: no kernel is measured here but the processor.
template <int Bytes>
struct Lanes {
  typedef float Vector [[gnu::vector_size(Bytes)]];
};

constexpr std::int64_t kRounds = 2'000'000;
// Enough that no multiply-add waits for the one before it, few enough for 16 registers.
constexpr int kChains = 12;
volatile float start = 1, shrink = 0.999f, rise = 0.001f, result;

// Independent chains of y = y a + b, each from a start that the compiler does not know.
template <int Bytes>
[[gnu::always_inline]] inline void run_chains() {
  using Vector = typename Lanes<Bytes>::Vector;
  const Vector zero{}, a = shrink - zero, b = rise - zero;
  Vector y0 = start - zero, y1 = start - zero, y2 = start - zero, y3 = start - zero;
  Vector y4 = start - zero, y5 = start - zero, y6 = start - zero, y7 = start - zero;
  Vector y8 = start - zero, y9 = start - zero, y10 = start - zero, y11 = start - zero;
  for (std::int64_t i = 0; i < kRounds; ++i) {
    y0 = y0 * a + b, y1 = y1 * a + b, y2 = y2 * a + b, y3 = y3 * a + b;
    y4 = y4 * a + b, y5 = y5 * a + b, y6 = y6 * a + b, y7 = y7 * a + b;
    y8 = y8 * a + b, y9 = y9 * a + b, y10 = y10 * a + b, y11 = y11 * a + b;
  }
  const Vector sum = y0 + y1 + y2 + y3 + y4 + y5 + y6 + y7 + y8 + y9 + y10 + y11;
  result = sum[0];
}

struct Width {
  double bytes;
  void (*run)();
};

void run_portable() { run_chains<16>(); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void run_avx2() { run_chains<32>(); }
[[gnu::target("avx512f,fma")]] void run_avx512() { run_chains<64>(); }

Width widest() {
  for (const char* const* name = kernels::table_names(); *name != nullptr; ++name) {
    if (std::string_view(*name) == "avx512") return {64, run_avx512};
    if (std::string_view(*name) == "avx2") return {32, run_avx2};
  }
  return {16, run_portable};
}
#else
Width widest() { return {16, run_portable}; }
#endif

}  // namespace

double peak_gflops() {
  const Width width = widest();
  const double operations = 2 * kChains * static_cast<double>(kRounds) * width.bytes / sizeof(float);
  return operations / measure(1, 20, width.run).least / 1e9;
}

}  // namespace heed::bench
