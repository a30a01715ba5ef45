#include "core/kernels/subnormals.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "core/elementwise.h"
#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"
#include "tests/core/kernel_testing.h"

namespace heed::tests {
namespace {

constexpr double kSmallestNormal = std::numeric_limits<float>::min();

// Elements of `count` quotients that are not 0, each smaller than any normal number.
double subnormal_quotients(std::int64_t count) {
  const Tensor tiny = Tensor::full({count}, kSmallestNormal) / 8.0;
  double kept = 0;
  for (std::int64_t i = 0; i < count; ++i) kept += tiny.data<float>()[i] == 0 ? 0 : 1;
  return kept;
}

// Whether this machine can flush at all.
bool can_flush() {
  const Flushing on(true);
  return flushes_subnormals();
}

TEST_CASE("subnormals: a thread flushes them from its first tensor on") {
  if (!can_flush()) return;
  bool before = true, after = false;
  double kept = -1;
  std::thread([&] {
    flush_subnormals(false);  // a new thread has the mode of the one that started it
    before = flushes_subnormals();
    const Tensor first = Tensor::ones({3});
    after = flushes_subnormals();
    kept = subnormal_quotients(3);
  }).join();
  CHECK_FALSE(before);
  CHECK(after);
  CHECK(kept == 0);
}

TEST_CASE("subnormals: whoever wants them keeps them, in f32 and f64") {
  const Flushing off(false);
  CHECK_FALSE(flushes_subnormals());
  CHECK(subnormal_quotients(5) == 5);
  const double least = std::numeric_limits<double>::min();
  CHECK((Tensor::full({2}, least, DType::f64) / 8.0).at({0}) == least / 8);
}

TEST_CASE("subnormals: the threads that share the work do as their caller does") {
  const Threads four(4);
  const std::int64_t count = 1 << 20;
  {
    const Flushing off(false);
    CHECK(subnormal_quotients(count) == static_cast<double>(count));
  }
  if (!can_flush()) return;
  const Flushing on(true);
  CHECK(subnormal_quotients(count) == 0);
}

TEST_CASE("subnormals: a worker that makes its first tensor in a job keeps to the job's mode") {
  { const Threads none(1); }  // ends the workers of earlier tests
  const Threads four(4);
  const Flushing off(false);
  std::vector<double> kept(64);
  parallel_for(64, 1, [&](std::int64_t piece, std::int64_t) {
    kept[static_cast<std::size_t>(piece)] = subnormal_quotients(1000);
    std::this_thread::yield();
  });
  CHECK(kept == std::vector<double>(64, 1000.0));
}

TEST_CASE("subnormals: flushing leaves what lies in memory alone") {
  const Flushing on(true);
  const float least = std::numeric_limits<float>::denorm_min();
  Tensor x = Tensor::zeros({2});
  x.fresh_data<float>()[1] = least;
  const Tensor copy = x.clone();
  std::uint32_t bits = 0;
  std::memcpy(&bits, copy.data<float>() + 1, sizeof bits);
  CHECK(bits == 1);
}

}  // namespace
}  // namespace heed::tests
