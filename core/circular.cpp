#include "core/circular.h"

#include <algorithm>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"

namespace heed {
namespace {

// Products that one thread should have at least before another is worth waking.
constexpr std::int64_t kCircularGrain = 1 << 16;

void require_fit(const Tensor& x, const Tensor& s, const char* operation) {
  if (x.rank() == 0 || s.rank() == 0 || x.shape().without(-1) != s.shape().without(-1) || s.extent(-1) % 2 == 0)
    throw ShapeError({.what = text(operation, ": x is ", x.shape(), ", s is ", s.shape()),
                      .expected = "x [..., N] and s [..., 2k + 1] with the same leading axes",
                      .operands = text("x: ", x.origin(), "    s: ", s.origin())});
  if (x.dtype() != s.dtype()) throw_dtypes_differ(x, s, operation);
}

// visit(p, to, from, length): where the parts of a row of n elements stand that a move by p - k brings from
// position `from` on to position `to` on, for p = 0 … 2k.
template <class Visit>
void for_each_move(std::int64_t n, std::int64_t k, Visit visit) {
  for (std::int64_t p = 0; p <= 2 * k; ++p) {
    const std::int64_t by = ((p - k) % n + n) % n;
    visit(p, by, std::int64_t{0}, n - by);
    if (by > 0) visit(p, std::int64_t{0}, n - by, by);
  }
}

// Calls row(T{}, r) for each of the rows, on several threads when there is much to do.
template <class Row>
void for_each_row(const Tensor& x, std::int64_t taps, const char* operation, Row row) {
  const std::int64_t n = x.extent(-1), rows = n == 0 ? 0 : x.count() / n;
  for_floating(x.dtype(), operation, [&](auto zero) {
    parallel_for(rows, even_pieces(rows, kCircularGrain / std::max<std::int64_t>(1, n * taps)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) row(zero, r);
                 });
  });
}

// x moved by each j, or by -j when `backwards`, weighted by s_j and added up.
Tensor moved(const Tensor& x, const Tensor& s, bool backwards, const char* operation) {
  require_fit(x, s, operation);
  const Tensor from = x.contiguous_copy_if_needed(), factors = s.contiguous_copy_if_needed();
  Tensor y = Tensor::zeros(x.shape(), x.dtype());
  const std::int64_t n = x.extent(-1), taps = s.extent(-1);
  for_each_row(x, taps, operation, [&](auto zero, std::int64_t r) {
    using T = decltype(zero);
    const T* const x_row = from.data<T>() + r * n;
    const T* const s_row = factors.data<T>() + r * taps;
    T* const y_row = y.fresh_data<T>() + r * n;
    for_each_move(n, taps / 2, [&](std::int64_t p, std::int64_t to, std::int64_t at, std::int64_t length) {
      if (backwards) std::swap(to, at);
      kernels::loops<T>().axpy(length, s_row[p], x_row + at, 1, y_row + to, 1);
    });
  });
  return y;
}

}  // namespace

Tensor circular_convolution(const Tensor& x, const Tensor& s) {
  return moved(x, s, false, "circular_convolution");
}

Tensor circular_correlation(const Tensor& x, const Tensor& s) {
  return moved(x, s, true, "circular_correlation");
}

Tensor circular_taps(const Tensor& a, const Tensor& b, std::int64_t k) {
  if (a.rank() == 0 || a.shape() != b.shape())
    throw ShapeError({.what = text("circular_taps: a is ", a.shape(), ", b is ", b.shape()),
                      .expected = "a.shape == b.shape, at least one axis",
                      .operands = text("a: ", a.origin(), "    b: ", b.origin())});
  if (a.dtype() != b.dtype()) throw_dtypes_differ(a, b, "circular_taps");
  if (k < 0) throw ConfigError({.what = text("circular_taps: k is ", k), .expected = "k >= 0"});
  const Tensor left = a.contiguous_copy_if_needed(), right = b.contiguous_copy_if_needed();
  const std::int64_t n = a.extent(-1), taps = 2 * k + 1;
  Tensor s = Tensor::zeros(a.shape().with(-1, taps), a.dtype());
  for_each_row(a, taps, "circular_taps", [&](auto zero, std::int64_t r) {
    using T = decltype(zero);
    T* const s_row = s.fresh_data<T>() + r * taps;
    for_each_move(n, k, [&](std::int64_t p, std::int64_t to, std::int64_t from, std::int64_t length) {
      s_row[p] +=
          kernels::loops<T>().dot(length, left.data<T>() + r * n + to, 1, right.data<T>() + r * n + from, 1);
    });
  });
  return s;
}

}  // namespace heed
