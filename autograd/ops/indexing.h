// Parts of a Var: x[{…}], elements by their positions, and what a mask lets through.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "autograd/record.h"
#include "core/elementwise.h"
#include "core/index.h"
#include "core/truth.h"

namespace heed {

Var unpart(const Var& y, const Shape& shape, std::span<const Index> where);

/// x[{…}]: the part that the indices name (Tensor::operator[]).   dx = dy there, 0 elsewhere
/// Throws IndexError for a position or a slice outside its axis, and for too many of them.
inline Var part(const Var& x, std::span<const Index> where, SourceLocation at = {}) {
  return record({"part", at}, x.value()[Indices(where)],
                wrt(x, [shape = x.shape(), where = std::vector(where.begin(), where.end())](const Var& dy) {
                  return unpart(dy, shape, where);
                }));
}

/// Zeros of `shape` with y as the part that the indices name: the gradient of x[{…}].   dy = that part
inline Var unpart(const Var& y, const Shape& shape, std::span<const Index> where) {
  Tensor whole = Tensor::zeros(shape, y.dtype());
  whole[Indices(where)].copy_from(y.value());
  return record(
      "unpart", std::move(whole),
      wrt(y, [where = std::vector(where.begin(), where.end())](const Var& dx) { return part(dx, where); }));
}

Var ungather(const Var& y, const Shape& shape, int axis, const Tensor& positions);

/// Elements of x by their positions (i32) along an axis.
///
///   positions of x's rank, other extents than the axis's at most x's   ->   y like positions
///   y[i][j] = x[i][positions[i][j]] for axis 1 of two
///   dx = dy added up in the places that were read
///
/// Throws IndexError naming the first position outside the axis, ShapeError when the extents do not fit.
inline Var gather(const Var& x, int axis, const Tensor& positions, SourceLocation at = {}) {
  return record({"gather", at}, gather(x.value(), axis, positions),
                wrt(x, [shape = x.shape(), axis, positions](const Var& dy) {
                  return ungather(dy, shape, axis, unchanged(positions));
                }));
}

/// Zeros of `shape` with y added up in the places that gather() would read: its gradient.   dy = gather
inline Var ungather(const Var& y, const Shape& shape, int axis, const Tensor& positions) {
  Tensor whole = Tensor::zeros(shape, y.dtype());
  add_at(whole, axis, positions, y.value());
  return record("ungather", std::move(whole),
                wrt(y, [axis, positions](const Var& dx) { return gather(dx, axis, unchanged(positions)); }));
}

/// x with the elements of `source`, which is like positions, added in the places that gather() would read.
///   dx = dy   dsource = dy gathered
/// Throws as gather, and ShapeError unless source and positions have one shape.
inline Var scatter_add(const Var& x, int axis, const Tensor& positions, const Var& source,
                       SourceLocation at = {}) {
  Tensor y = x.value().clone();
  add_at(y, axis, positions, source.value());
  return record(
      {"scatter_add", at}, std::move(y), wrt(x, [](const Var& dy) { return dy; }),
      wrt(source, [axis, positions](const Var& dy) { return gather(dy, axis, unchanged(positions)); }));
}

/// x with the elements of `source` in place of those that gather() would read; of several for one place the
/// last in row-major order stays.
///   dx = dy, but 0 in those places   dsource = dy gathered, but 0 for those that did not stay
/// Throws as scatter_add.
Var scatter(const Var& x, int axis, const Tensor& positions, const Var& source, SourceLocation at = {});

/// Positions [K] (i32) of any axis: y[…, k, …] = x[…, positions[k], …].   dx = dy added up by position
/// Throws IndexError naming the first position outside the axis.
inline Var index_select(const Var& x, int axis, const Tensor& positions, SourceLocation at = {}) {
  return gather(x, axis, positions_along(x.shape(), axis, positions), at);
}

/// gather() where x and positions broadcast off the axis, as with the positions of argmax().
///   dx = dy added up in the places that were read
/// Throws as gather, and ShapeError when they do not broadcast.
Var take_along_axis(const Var& x, int axis, const Tensor& positions, SourceLocation at = {});

Var masked_unselect(const Var& y, const Tensor& mask);

/// The elements of x where `mask` (boolean) is true, in row-major order: [K]; the two broadcast.
///   dx = dy where they came from, 0 elsewhere
/// Throws ShapeError when they do not broadcast, DTypeError unless the mask is boolean.
inline Var masked_select(const Var& x, const Tensor& mask, SourceLocation at = {}) {
  return record({"masked_select", at}, masked_select(x.value(), mask),
                wrt(x, [mask, shape = x.shape()](const Var& dy) {
                  return masked_unselect(dy, unchanged(mask).expand(*common_shape(shape, mask.shape())));
                }));
}

/// Zeros in the shape of `mask` with the elements of y [K] where it is true: the gradient of masked_select.
///   dy = those elements
inline Var masked_unselect(const Var& y, const Tensor& mask) {
  return record("masked_unselect", masked_unselect(y.value(), mask),
                wrt(y, [mask](const Var& dx) { return masked_select(dx, unchanged(mask)); }));
}

}  // namespace heed
