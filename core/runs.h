// A contiguous tensor seen around one axis, or around a run of neighbouring axes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "core/shape.h"

namespace heed {

/// The extents [outer, n, inner]: those before the axes, of the axes, and after them.
struct AxisRun {
  std::int64_t outer = 1, n = 1, inner = 1;

  /// Elements that one thread should have at least before another is worth waking.
  static constexpr std::int64_t kGrain = 1 << 15;

  static AxisRun around(const Shape& shape, int first, int last) {
    AxisRun run;
    for (int axis = 0; axis < shape.rank(); ++axis)
      (axis < first ? run.outer : axis <= last ? run.n : run.inner) *= shape[axis];
    return run;
  }

  /// body(o, i) for every row along the axes, o of the outer and i of the inner ones.
  template <class Body>
  void for_each_row(Body body) const {
    parallel_for(outer * inner, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, n)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t k = begin; k < end; ++k) body(k / inner, k % inner);
                 });
  }

  /// body(o, column, columns) for pieces of at most `most` neighbouring rows, whose elements at one position
  /// lie side by side. The cut depends on the extents only.
  template <class Body>
  void for_each_block(std::int64_t most, Body body) const {
    const std::int64_t length = std::max<std::int64_t>(1, n);
    const std::int64_t width = std::min({inner, most, std::max<std::int64_t>(256, kGrain / length)});
    if (width == 0) return;
    const std::int64_t pieces = (inner + width - 1) / width;
    parallel_for(outer * pieces, std::max<std::int64_t>(1, kGrain / (width * length)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t piece = begin; piece < end; ++piece) {
                     const std::int64_t column = piece % pieces * width;
                     body(piece / pieces, column, std::min(width, inner - column));
                   }
                 });
  }
};

}  // namespace heed
