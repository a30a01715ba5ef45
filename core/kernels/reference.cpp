// The kernels in their plainest form: what the other variants are held against, and the last resort.
#include <cmath>
#include <cstdint>

#include "core/kernels/variants.h"

namespace heed::kernels {
namespace {

#include "core/kernels/reference_loops.inc"

#include "core/kernels/reference_attention.inc"

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const MatrixView<const T>& a,
          const MatrixView<const T>& b, const MatrixView<T>& c, bool accumulate) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t kk = 0; kk < k; ++kk)
        sum += static_cast<double>(a.data[i * a.row_stride + kk * a.column_stride]) *
               static_cast<double>(b.data[kk * b.row_stride + j * b.column_stride]);
      T& to = c.data[i * c.row_stride + j];
      to = static_cast<T>(accumulate ? static_cast<double>(to) + sum : sum);
    }
}

std::int64_t gemm_packed_size(std::int64_t k, std::int64_t n) { return k * n; }

template <class T>
void gemm_pack(std::int64_t k, std::int64_t n, const MatrixView<const T>& b, T* packed) {
  for (std::int64_t kk = 0; kk < k; ++kk)
    for (std::int64_t j = 0; j < n; ++j) packed[kk * n + j] = b.data[kk * b.row_stride + j * b.column_stride];
}

template <class T>
void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, const MatrixView<const T>& a, const T* packed,
                 const MatrixView<T>& c, Start<T> start) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      c.data[i * c.row_stride + j] = start.data == nullptr ? T(0) : start.data[i * start.stride + j];
  gemm<T>(m, n, k, a, {packed, n, 1}, c, true);
}

template <class T>
constexpr Loops<T> make_loops() {
  Loops<T> loops{};
  fill_reference_loops(loops);
  loops.gemm = gemm<T>;
  loops.gemm_packed_size = gemm_packed_size;
  loops.gemm_pack = gemm_pack<T>;
  loops.gemm_packed = gemm_packed<T>;
  fill_reference_attention(loops);
  return loops;
}

}  // namespace

constinit const Table kReferenceTable = {"reference", make_loops<float>(), make_loops<double>()};

}  // namespace heed::kernels
