// Picking and joining parts of tensors; every position is checked.
#pragma once

#include <span>

#include "core/tensor.h"

namespace heed {

/// Rows of a table: table [V, E], ids [...] (i32) -> [..., E].
/// Throws IndexError naming the first id outside [0, V), DTypeError unless ids are i32, ShapeError unless
/// rank 2.
Tensor take_rows(const Tensor& table, const Tensor& ids);
/// table[id] += row for each id, in the order of ids, in place: table [V, E], ids [...], rows [..., E].
void add_rows(Tensor& table, const Tensor& ids, const Tensor& rows, SourceLocation at = {});

/// Tensors side by side along an axis. Throws ShapeError unless the other extents agree, DTypeError unless the
/// types do.
Tensor concat(std::span<const Tensor> parts, int axis);
inline Tensor concat(std::initializer_list<Tensor> parts, int axis) {
  return concat(std::span(parts.begin(), parts.size()), axis);
}

}  // namespace heed
