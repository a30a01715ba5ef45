// Picking and joining parts of tensors; every position is checked.
#pragma once

#include <span>
#include <utility>

#include "core/tensor.h"

namespace heed {

/// Rows of a table: table [V, E], ids [...] (i32) -> [..., E].
/// Throws IndexError naming the first id outside [0, V), DTypeError unless ids are i32, ShapeError unless
/// rank 2.
Tensor take_rows(const Tensor& table, const Tensor& ids);
/// table[id] += row for each id, in the order of ids, in place: table [V, E], ids [...], rows [..., E].
void add_rows(Tensor& table, const Tensor& ids, const Tensor& rows, SourceLocation at = {});

/// Elements of x by their positions (i32) along an axis; of any type.
///
///   positions of x's rank, other extents than the axis's at most x's   ->   y like positions
///   y[i][j] = x[i][positions[i][j]] for axis 1 of two
///
/// Throws IndexError naming the first position outside the axis, ShapeError when the extents do not fit,
/// DTypeError unless positions are i32.
Tensor gather(const Tensor& x, int axis, const Tensor& positions);
/// x with elements of `source`, which is like positions, in the places that gather() would read; of those for
/// one place the last in row-major order stays. Throws as gather, and DTypeError when the types differ.
Tensor scatter(const Tensor& x, int axis, const Tensor& positions, const Tensor& source);
/// Which elements of `source` stay in the result of scatter(), for an x of that shape: booleans like positions.
Tensor scatter_stays(const Shape& shape, int axis, const Tensor& positions);
/// y += source in the places that gather() would read, in place, in row-major order; f32, f64. Throws as
/// scatter, and ShapeError when y is expanded.
void add_at(Tensor& y, int axis, const Tensor& positions, const Tensor& source, SourceLocation at = {});

/// Positions [K] (i32) of one axis as gather() takes them: y[…, k, …] = x[…, positions[k], …] for an x of that
/// shape. A view. Throws ShapeError for positions of another rank.
Tensor positions_along(const Shape& shape, int axis, const Tensor& positions);
/// x and positions, whose extents other than the axis's broadcast, made to fit each other for gather().
/// Throws ShapeError when they do not broadcast.
std::pair<Tensor, Tensor> aligned_along(const Tensor& x, int axis, const Tensor& positions);
/// The part of x at positions [K] (i32) of an axis, or at positions of x's rank that broadcast.
inline Tensor index_select(const Tensor& x, int axis, const Tensor& positions) {
  return gather(x, axis, positions_along(x.shape(), axis, positions));
}
inline Tensor take_along_axis(const Tensor& x, int axis, const Tensor& positions) {
  const auto [from, at] = aligned_along(x, axis, positions);
  return gather(from, axis, at);
}

/// 1 where a class is the id, else 0: ids [...] (i32) -> [..., classes]. Throws IndexError naming the first id
/// outside [0, classes), DTypeError unless ids are i32.
Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype = DType::f32);

/// Tensors side by side along an axis. Throws ShapeError unless the other extents agree, DTypeError unless the
/// types do.
Tensor concat(std::span<const Tensor> parts, int axis);
inline Tensor concat(std::initializer_list<Tensor> parts, int axis) {
  return concat(std::span(parts.begin(), parts.size()), axis);
}

}  // namespace heed
