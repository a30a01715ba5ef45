// The same elements in another arrangement: padded, moved round, repeated, taken apart.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "autograd/ops/indexing.h"
#include "autograd/ops/shape.h"
#include "core/arrange.h"

namespace heed {

/// x with `value` put around it, one Padding for each axis: `pad(x, {{0, 0}, {1, 2}})`.   dx = dy inside
/// Throws ShapeError for another number of paddings, and when one is negative.
inline Var pad(const Var& x, std::span<const Padding> around, double value = 0, SourceLocation at = {}) {
  Tensor padded = pad(x.value(), around, value);
  std::vector<Index> inside;
  for (std::size_t i = 0; i < around.size(); ++i)
    inside.emplace_back(slice(around[i].before, around[i].before + x.extent(static_cast<int>(i))));
  return record({"pad", at}, std::move(padded),
                wrt(x, [inside = std::move(inside)](const Var& dy) { return part(dy, inside); }));
}
inline Var pad(const Var& x, std::initializer_list<Padding> around, double value = 0, SourceLocation at = {}) {
  return pad(x, std::span(around.begin(), around.size()), value, at);
}

/// Every element moved on by so many positions of an axis; what leaves at its end comes in at its beginning.
///   dx = dy moved back
inline Var roll(const Var& x, int axis, std::int64_t by, SourceLocation at = {}) {
  const std::int64_t back = -(by % std::max<std::int64_t>(1, x.extent(axis)));
  return record({"roll", at}, roll(x.value(), axis, by),
                wrt(x, [axis, back](const Var& dy) { return roll(dy, axis, back); }));
}

/// x side by side with itself, times[i] times along axis i: `tile(x, {2, 3})`. Where there are more times than
/// axes, x gets leading axes of extent 1; where fewer, they are those of the last axes.
///   dx = dy summed over the repetitions
Var tile(const Var& x, std::span<const std::int64_t> times, SourceLocation at = {});
inline Var tile(const Var& x, std::initializer_list<std::int64_t> times, SourceLocation at = {}) {
  return tile(x, std::span(times.begin(), times.size()), at);
}

/// Each position of an axis so many times before the next.   dx = dy summed over the repetitions
Var repeat_interleave(const Var& x, int axis, std::int64_t times, SourceLocation at = {});

/// Parts of these sizes, one after the other along an axis: `split(x, 1, {2, 3})`; or so many equal parts:
/// `split(x, 1, 3)`.   dx = the parts' gradients side by side
/// Throws ShapeError unless the sizes are those of the whole axis.
std::vector<Var> split(const Var& x, int axis, std::span<const std::int64_t> sizes, SourceLocation at = {});
inline std::vector<Var> split(const Var& x, int axis, std::initializer_list<std::int64_t> sizes,
                              SourceLocation at = {}) {
  return split(x, axis, std::span(sizes.begin(), sizes.size()), at);
}
inline std::vector<Var> split(const Var& x, int axis, std::int64_t parts, SourceLocation at = {}) {
  return split(x, axis, split_sizes(x.shape(), axis, parts), at);
}

/// At most so many parts, all as long as the extent divided by their number and rounded up, but for the last.
inline std::vector<Var> chunk(const Var& x, int axis, std::int64_t parts, SourceLocation at = {}) {
  return split(x, axis, chunk_sizes(x.shape(), axis, parts), at);
}

/// Vectors [n_0], [n_1], … each repeated along the axes of the others: all of shape [n_0, n_1, …], the i-th
/// changing along axis i.   dx = dy summed over the other axes
/// Throws ShapeError unless all are of rank 1.
std::vector<Var> meshgrid(std::span<const Var> vectors, SourceLocation at = {});
inline std::vector<Var> meshgrid(std::initializer_list<Var> vectors, SourceLocation at = {}) {
  return meshgrid(std::span(vectors.begin(), vectors.size()), at);
}

}  // namespace heed
