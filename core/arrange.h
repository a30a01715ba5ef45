// The same elements in another arrangement: padded, moved round, repeated, taken apart, cut to a triangle.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace heed {

/// How many positions are put before and after those of an axis.
struct Padding {
  std::int64_t before = 0, after = 0;
};

/// x with `value` put around it, one Padding for each axis. Throws ShapeError for another number of them, and
/// when one is negative.
Tensor pad(const Tensor& x, std::span<const Padding> around, double value = 0);
inline Tensor pad(const Tensor& x, std::initializer_list<Padding> around, double value = 0) {
  return pad(x, std::span(around.begin(), around.size()), value);
}

/// Every element moved on by so many positions of an axis; what leaves at its end comes in at its beginning.
Tensor roll(const Tensor& x, int axis, std::int64_t by);

/// x side by side with itself, times[i] times along axis i. Where there are more times than axes, x gets
/// leading axes of extent 1; where fewer, they are those of the last axes. Throws ShapeError for negative
/// times.
Tensor tile(const Tensor& x, std::span<const std::int64_t> times);
inline Tensor tile(const Tensor& x, std::initializer_list<std::int64_t> times) {
  return tile(x, std::span(times.begin(), times.size()));
}
/// Each position of an axis so many times before the next. Throws ShapeError for negative times.
Tensor repeat_interleave(const Tensor& x, int axis, std::int64_t times);

/// Shapes to reshape to, to expand to, and to reshape to again, which repeat an axis: each position by itself
/// when `interleaved`, else the axis as a whole. Throws ShapeError for negative times.
std::array<Shape, 3> repeating_shapes(const Shape& shape, int axis, std::int64_t times, bool interleaved);
/// The times of tile() for each axis, of at least `rank`.
std::vector<std::int64_t> times_of_axes(int rank, std::span<const std::int64_t> times);
/// The shape with leading axes of extent 1 up to `rank`.
Shape with_leading_ones(const Shape& shape, int rank);

/// Parts of these sizes, one after the other along an axis; views. Throws ShapeError unless the sizes are those
/// of the whole axis.
std::vector<Tensor> split(const Tensor& x, int axis, std::span<const std::int64_t> sizes);
inline std::vector<Tensor> split(const Tensor& x, int axis, std::initializer_list<std::int64_t> sizes) {
  return split(x, axis, std::span(sizes.begin(), sizes.size()));
}
/// So many equal parts. Throws ShapeError unless the extent is divisible by their number.
std::vector<Tensor> split(const Tensor& x, int axis, std::int64_t parts);
/// At most so many parts, all as long as the extent divided by their number and rounded up, but for the last.
/// Throws ShapeError unless `parts` >= 1.
std::vector<Tensor> chunk(const Tensor& x, int axis, std::int64_t parts);
/// The sizes of the parts that split() and chunk() make. Throw as those.
std::vector<std::int64_t> split_sizes(const Shape& shape, int axis, std::int64_t parts);
std::vector<std::int64_t> chunk_sizes(const Shape& shape, int axis, std::int64_t parts);
void require_sizes(const Shape& shape, int axis, std::span<const std::int64_t> sizes);

/// Matrices [..., m, n] with zeros above (below) the diagonal that lies `offset` to the right of the main one:
/// what stays is column <= row + offset (column >= row + offset). Throws ShapeError unless the rank is >= 2.
Tensor tril(const Tensor& x, std::int64_t offset = 0);
Tensor triu(const Tensor& x, std::int64_t offset = 0);

/// Zeros of `shape` with y on the diagonal that Tensor::diagonal() gives with the same arguments.
Tensor undiagonal(const Tensor& y, const Shape& shape, std::int64_t offset, int axis_a, int axis_b);
/// Square matrices with the last axis on their diagonal: [..., n] -> [..., m, m] with m = n + |offset|.
Tensor diag_embed(const Tensor& x, std::int64_t offset = 0);
/// The shape of diag_embed(). Throws IndexError for a scalar.
Shape diag_embed_shape(const Shape& shape, std::int64_t offset);

}  // namespace heed
