// Other shapes of the same elements, parts, and joins.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "autograd/backward.h"
#include "autograd/record.h"
#include "core/error.h"
#include "core/index.h"

namespace heed {

/// The elements in row-major order in another shape; one extent may be -1.   dx = dy in x's shape
inline Var reshape(const Var& x, std::span<const std::int64_t> extents, SourceLocation at = {}) {
  return record({"reshape", at}, x.value().reshape(extents), wrt(x, [from = x.shape()](const Var& dy) {
                  return reshape(dy, std::span(from.begin(), from.end()));
                }));
}
inline Var reshape(const Var& x, std::initializer_list<std::int64_t> extents, SourceLocation at = {}) {
  return reshape(x, std::span(extents.begin(), extents.size()), at);
}

/// The axes from `first` to `last` folded into one; a scalar becomes [1].   dx = dy in x's shape
inline Var flatten(const Var& x, int first = 0, int last = -1, SourceLocation at = {}) {
  return reshape(x, flattened(x.shape(), first, last), at);
}

/// An axis taken apart: extents that it is the product of, one of which may be -1.   dx = dy in x's shape
/// Throws ShapeError when they do not fit.
inline Var unflatten(const Var& x, int axis, std::span<const std::int64_t> extents, SourceLocation at = {}) {
  return reshape(x, unflattened(x.shape(), axis, extents), at);
}
inline Var unflatten(const Var& x, int axis, std::initializer_list<std::int64_t> extents,
                     SourceLocation at = {}) {
  return unflatten(x, axis, std::span(extents.begin(), extents.size()), at);
}

/// Two axes exchanged.   dx = dy with the same two exchanged
inline Var transpose(const Var& x, int axis_a = -2, int axis_b = -1, SourceLocation at = {}) {
  return record({"transpose", at}, x.value().transpose(axis_a, axis_b),
                wrt(x, [axis_a, axis_b](const Var& dy) { return transpose(dy, axis_a, axis_b); }));
}

/// Axes in a new order.   dx = dy in the opposite order
inline Var permute(const Var& x, std::span<const int> order, SourceLocation at = {}) {
  std::array<int, kMaxRank> inverse{};
  Tensor value = x.value().permute(order);
  for (std::size_t i = 0; i < order.size(); ++i)
    inverse[static_cast<std::size_t>(x.shape().resolve(order[i]))] = static_cast<int>(i);
  return record({"permute", at}, std::move(value), wrt(x, [inverse, rank = order.size()](const Var& dy) {
                  return permute(dy, std::span(inverse.data(), rank));
                }));
}
inline Var permute(const Var& x, std::initializer_list<int> order, SourceLocation at = {}) {
  return permute(x, std::span(order.begin(), order.size()), at);
}

/// An axis put in another place, the others in their order.   dx = dy with it put back
inline Var move_axis(const Var& x, int from, int to, SourceLocation at = {}) {
  std::array<int, kMaxRank> order{};
  const int source = x.shape().resolve(from), target = x.shape().resolve(to);
  for (int i = 0, other = 0; i < x.rank(); ++i) {
    if (other == source) ++other;
    order[static_cast<std::size_t>(i)] = i == target ? source : other++;
  }
  return permute(x, std::span(order.data(), static_cast<std::size_t>(x.rank())), at);
}

/// Axes backwards: `flip(x, 0)`, `flip(x, {0, 1})`.   dx = dy with the same axes backwards
inline Var flip(const Var& x, const Axes& axes, SourceLocation at = {}) {
  Tensor value = x.value();
  for (int axis = 0; axis < x.rank(); ++axis)
    if (axes.bits(x.shape()) >> axis & 1) value = value.flip(axis);
  return record({"flip", at}, std::move(value), wrt(x, [axes](const Var& dy) { return flip(dy, axes); }));
}

Var unslice(const Var& y, const Shape& shape, int axis, std::int64_t begin, std::int64_t step);

/// Positions begin, begin + step, … before end of an axis; negative ones count from the end.
///   dx = dy at those positions, 0 elsewhere
inline Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1,
                 SourceLocation at = {}) {
  const std::int64_t from = begin < 0 ? begin + x.extent(axis) : begin;
  return record({"slice", at}, x.value().slice(axis, begin, end, step),
                wrt(x, [shape = x.shape(), axis, from, step](const Var& dy) {
                  return unslice(dy, shape, axis, from, step);
                }));
}

/// Zeros of `shape` with y at positions begin, begin + step, … of an axis: the gradient of slice.   dy = those
/// positions
inline Var unslice(const Var& y, const Shape& shape, int axis, std::int64_t begin, std::int64_t step) {
  Tensor whole = Tensor::zeros(shape, y.dtype());
  const std::int64_t n = y.extent(axis), end = n == 0 ? begin : begin + (n - 1) * step + 1;
  Tensor part = whole.slice(axis, begin, end, step);
  part.copy_from(y.value());
  return record("unslice", std::move(whole),
                wrt(y, [axis, begin, end, step](const Var& dx) { return slice(dx, axis, begin, end, step); }));
}

/// An axis of extent 1 inserted before `axis` (removed).   dx = dy without it (with it)
inline Var unsqueeze(const Var& x, int axis, SourceLocation at = {}) {
  const Shape shape = x.shape().inserted(axis, 1);
  return reshape(x, std::span(shape.begin(), shape.end()), at);
}
inline Var squeeze(const Var& x, int axis, SourceLocation at = {}) {
  const Shape shape = x.value().squeeze(axis).shape();
  return reshape(x, std::span(shape.begin(), shape.end()), at);
}

/// One position of an axis, which disappears.   dx = dy at that position, 0 elsewhere
inline Var select(const Var& x, int axis, std::int64_t position, SourceLocation at = {}) {
  const std::int64_t from = position < 0 ? position + x.extent(axis) : position;
  if (from < 0 || from >= x.extent(axis)) x.value().select(axis, position);  // throws
  return squeeze(slice(x, axis, from, from + 1, 1, at), axis, at);
}

/// Parts side by side along an axis.   each part's gradient = its slice of dy
inline Var concat(std::span<const Var> parts, int axis, SourceLocation at = {}) {
  std::vector<Tensor> values;
  std::vector<std::int64_t> ends;
  for (const Var& part : parts) {
    values.push_back(part.value());
    ends.push_back((ends.empty() ? 0 : ends.back()) + part.extent(axis));
  }
  return record_joint({"concat", at}, concat(values, axis), parts, [ends, axis](const Var& dy) {
    std::vector<Var> gradients;
    for (std::size_t i = 0; i < ends.size(); ++i)
      gradients.push_back(slice(dy, axis, i == 0 ? 0 : ends[i - 1], ends[i]));
    return gradients;
  });
}
inline Var concat(std::initializer_list<Var> parts, int axis, SourceLocation at = {}) {
  return concat(std::span(parts.begin(), parts.size()), axis, at);
}

/// Parts of one shape stacked along a new axis.   each part's gradient = its position of dy
inline Var stack(std::span<const Var> parts, int axis, SourceLocation at = {}) {
  std::vector<Var> widened;
  for (const Var& part : parts) widened.push_back(unsqueeze(part, axis, at));
  return concat(widened, axis, at);
}

}  // namespace heed
