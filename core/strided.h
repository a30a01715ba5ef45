// Walking several strided arrays of one shape together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"

namespace heed {

/// The axes along which N arrays of one common shape are walked: extents of 1 are dropped, neighbouring axes
/// that all arrays cross evenly are merged, so that most walks are one long inner row.
template <std::size_t N>
struct StridedWalk {
  int rank = 0;                               // of the outer axes
  std::array<std::int64_t, kMaxRank> extent;  // outer axes, outermost first; the first `rank` have a value
  std::array<std::array<std::int64_t, N>, kMaxRank> stride;
  std::int64_t inner = 1;  // length of the inner row
  std::array<std::int64_t, N> inner_stride;
  std::int64_t rows = 1;  // number of inner rows

  /// `tensors` broadcast to `shape`.
  StridedWalk(const Shape& shape, const std::array<const Tensor*, N>& tensors) {
    if (one_row(shape, tensors)) {
      inner = shape.count();
      inner_stride.fill(1);
      return;
    }
    merge_axes(shape, tensors);
    inner_stride.fill(0);
    if (rank > 0) {
      --rank;
      inner = extent[static_cast<std::size_t>(rank)];
      inner_stride = stride[static_cast<std::size_t>(rank)];
    }
    for (int axis = 0; axis < rank; ++axis) rows *= extent[static_cast<std::size_t>(axis)];
  }

  /// Element offsets of each array at the start of an inner row.
  std::array<std::int64_t, N> offsets(std::int64_t row) const {
    std::array<std::int64_t, N> offset{};
    for (int axis = rank - 1; axis >= 0; --axis) {
      const std::size_t a = static_cast<std::size_t>(axis);
      const std::int64_t index = row % extent[a];
      row /= extent[a];
      for (std::size_t k = 0; k < N; ++k) offset[k] += index * stride[a][k];
    }
    return offset;
  }

 private:
  static bool one_row(const Shape& shape, const std::array<const Tensor*, N>& tensors) {
    for (const Tensor* const tensor : tensors)
      if (!(tensor->shape() == shape) || !tensor->contiguous()) return false;
    return true;
  }

  void merge_axes(const Shape& shape, const std::array<const Tensor*, N>& tensors) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const std::int64_t n = shape[axis];
      if (n == 1) continue;
      std::array<std::int64_t, N> step;
      for (std::size_t k = 0; k < N; ++k) {
        const int own = axis - (shape.rank() - tensors[k]->rank());
        step[k] = own < 0 || tensors[k]->extent(own) == 1 ? 0 : tensors[k]->stride(own);
      }
      const std::size_t last = static_cast<std::size_t>(rank - 1);
      bool merges = rank > 0;
      for (std::size_t k = 0; k < N && merges; ++k) merges = stride[last][k] == step[k] * n;
      if (merges) {
        extent[last] *= n;
        stride[last] = step;
      } else {
        extent[static_cast<std::size_t>(rank)] = n;
        stride[static_cast<std::size_t>(rank)] = step;
        ++rank;
      }
    }
  }
};

}  // namespace heed
