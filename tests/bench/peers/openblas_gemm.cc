// OpenBLAS on the shapes of `heed_bench gemm`. Debian: libopenblas-dev. Link with -lopenblas.
#include <cblas.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/bench/timing.h"

namespace {

void print_product(int m, int n, int k) {
  const auto size = [](int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  const std::vector<float> a(size(m, k), 0.1f), b(size(k, n), 0.2f);
  std::vector<float> c(size(m, n));
  const double flops = 2.0 * m * n * k;
  const int repeats = std::max(1, static_cast<int>(2e8 / flops));
  const heed::bench::Times times = heed::bench::measure(1, 9, [&] {
    for (int i = 0; i < repeats; ++i)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(),
                  n);
  });
  const double seconds = times.median / repeats;
  std::printf("%5d x %5d x %5d  %8.1f GF/s  %10.2f us\n", m, n, k, flops / seconds / 1e9, seconds * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4) {
    print_product(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]));
    return 0;
  }
  const int shapes[][3] = {{16, 16, 16},     {32, 32, 32},     {64, 64, 64},       {128, 128, 128},
                           {256, 256, 256},  {512, 512, 512},  {1024, 1024, 1024}, {128, 1024, 256},
                           {128, 256, 1024}, {3712, 1024, 16}, {256, 1024, 3712},  {3712, 512, 128},
                           {29, 29, 16},     {1, 1024, 256},   {1280, 59, 512}};
  for (const auto& shape : shapes) print_product(shape[0], shape[1], shape[2]);
}
