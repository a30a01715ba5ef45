// One loop over the elements of tensors, for functions that have no kernel of their own.
#pragma once

#include <array>
#include <cstdint>

#include "core/parallel.h"
#include "core/strided.h"

namespace heed {

/// Elements that one thread should have at least before another is worth waking.
inline constexpr std::int64_t kElementsPerThread = 1 << 16;

/// Calls row(n, offsets) for each row of the walk, cut into pieces of about kElementsPerThread elements.
template <std::size_t N, class Row>
void walk_in_parallel(const StridedWalk<N>& walk, Row row) {
  if (walk.rows * walk.inner <= kElementsPerThread) {
    for (std::int64_t r = 0; r < walk.rows; ++r) row(walk.inner, walk.offsets(r));
  } else if (walk.rows == 1) {
    parallel_for(walk.inner, even_pieces(walk.inner, kElementsPerThread),
                 [&](std::int64_t begin, std::int64_t end) {
                   std::array<std::int64_t, N> offsets{};
                   for (std::size_t k = 0; k < N; ++k) offsets[k] = begin * walk.inner_stride[k];
                   row(end - begin, offsets);
                 });
  } else {
    parallel_for(walk.rows, even_pieces(walk.rows, kElementsPerThread / walk.inner),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) row(walk.inner, walk.offsets(r));
                 });
  }
}

/// f(v) of each element of x, whose elements are of type T, as a tensor of the type that f returns.
template <class T, class F>
Tensor map(const Tensor& x, F f) {
  using R = decltype(f(T{}));
  Tensor y = Tensor::empty(x.shape(), dtype_of<R>());
  if (y.count() == 0) return y;
  const StridedWalk<2> walk(x.shape(), {&x, &y});
  const T* const from = x.data<T>();
  R* const to = y.fresh_data<R>();
  walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 2> at) {
    const auto [sx, sy] = walk.inner_stride;
    const T* const px = from + at[0];
    R* const py = to + at[1];
    if (sx == 1 && sy == 1) {  // by itself, so that the compiler may make vectors of it
      for (std::int64_t i = 0; i < n; ++i) py[i] = f(px[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) py[i * sy] = f(px[i * sx]);
    }
  });
  return y;
}

/// f(v, w) of each pair of elements of a and b, both of type T, after broadcasting. Throws ShapeError in the
/// name of `operation` when they do not broadcast.
template <class T, class F>
Tensor map(const Tensor& a, const Tensor& b, const char* operation, F f) {
  using R = decltype(f(T{}, T{}));
  Tensor y = Tensor::empty(broadcast(a, b, operation), dtype_of<R>());
  if (y.count() == 0) return y;
  const StridedWalk<3> walk(y.shape(), {&a, &b, &y});
  const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
  R* const to = y.fresh_data<R>();
  walk_in_parallel(walk, [&](std::int64_t n, std::array<std::int64_t, 3> at) {
    const auto [sa, sb, sy] = walk.inner_stride;
    const T *const pa = from_a + at[0], *const pb = from_b + at[1];
    for (std::int64_t i = 0; i < n; ++i) to[at[2] + i * sy] = f(pa[i * sa], pb[i * sb]);
  });
  return y;
}

}  // namespace heed
