// How time and memory grow: a training step against the length of its sequences, its batch and its width, and a
// chain of scalars against its number of nodes. The exponent of a power law is fitted to each.
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>

#include "autograd/ops.h"
#include "core/allocator.h"
#include "core/error.h"
#include "layers/seq2seq.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

using programs::at_least;

constexpr std::int64_t kVocabulary = 59;

struct Point {
  double size, seconds, bytes;
};

// The slope of a straight line through (log size, log value), by least squares.
double exponent(const std::vector<Point>& points, double Point::*value) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const Point& point : points) {
    const double x = std::log(point.size), y = std::log(point.*value);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

// Time of `work`, and the most memory that it had beyond what was there before.
Point measure_point(std::int64_t size, std::int64_t runs, const std::function<void()>& work) {
  const Times times = measure(2, runs, work);
  const std::int64_t before = pool::statistics().bytes_in_use;
  pool::reset_peak();
  work();
  const std::int64_t peak = pool::statistics().peak_bytes;
  return {static_cast<double>(size), times.median, static_cast<double>(peak - before)};
}

struct Sizes {
  std::int64_t length = 32, batch = 32, width = 64;
};

Point training_step(const Sizes& sizes, std::int64_t size, std::int64_t runs) {
  Rng rng(1);
  const AttentionSeq2seq model({.vocabulary = kVocabulary, .embedding = 16, .hidden = sizes.width}, rng);
  const Shape shape{sizes.batch, sizes.length};
  const auto ids = [&] { return Tensor::uniform(shape, 0, kVocabulary, rng).to(DType::i32); };
  const Tokens source{ids(), {}}, target_in{ids(), {}};
  const Tensor target_out = ids();
  std::vector<Var> parameters = model.parameters();
  return measure_point(size, runs, [&] {
    cross_entropy(model(source, target_in), target_out).backward();
    for (Var& parameter : parameters) parameter.zero_grad();
  });
}

Point scalar_chain(std::int64_t nodes, std::int64_t runs) {
  Var w = Var::parameter(Tensor::scalar(0.999));
  return measure_point(nodes, runs, [&] {
    Var y = w;
    for (std::int64_t i = 0; i < nodes; ++i) y = y * w;
    y.backward();
    w.zero_grad();
  });
}

struct Axis {
  const char* name;
  std::int64_t first;  // size, doubled from point to point
  Point (*point)(std::int64_t size, std::int64_t runs);
};

constexpr Axis kAxes[] = {
    {"length", 16, [](std::int64_t n, std::int64_t runs) { return training_step({.length = n}, n, runs); }},
    {"batch", 16, [](std::int64_t n, std::int64_t runs) { return training_step({.batch = n}, n, runs); }},
    {"width", 32, [](std::int64_t n, std::int64_t runs) { return training_step({.width = n}, n, runs); }},
    {"graph", 8192, scalar_chain},
};

}  // namespace

void run_growth(const Workload& self, const Call& call) {
  std::int64_t runs = 9, points = 5;
  programs::Flags flags = flags_of(self);
  flags.add("runs", &runs, "runs under the clock, of each size", at_least(1));
  flags.add("points", &points, "sizes, each twice the one before", programs::between(2, 10));
  if (!parse(flags, call)) return;
  for (const Axis& axis : kAxes) {
    std::vector<Point> measured;
    for (std::int64_t i = 0; i < points; ++i) {
      const std::int64_t size = axis.first << i;
      measured.push_back(axis.point(size, runs));
      std::printf("growth_%s size %lld ms %.3f mb %.3f\n", axis.name, static_cast<long long>(size),
                  measured.back().seconds * 1e3, measured.back().bytes / 1048576);
      std::fflush(stdout);
    }
    std::printf("growth_%s_fit time_exponent %.3f memory_exponent %.3f\n", axis.name,
                exponent(measured, &Point::seconds), exponent(measured, &Point::bytes));
  }
}

}  // namespace heed::bench
