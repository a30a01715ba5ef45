#include "core/arrange.h"

#include <algorithm>
#include <numeric>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"

namespace heed {

Tensor pad(const Tensor& x, std::span<const Padding> around, double value) {
  if (static_cast<int>(around.size()) != x.rank())
    throw ShapeError({.what = text("pad: ", around.size(), " paddings for ", x.shape()),
                      .expected = text("one for each of ", x.rank(), " axes")});
  Shape shape = x.shape();
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = around[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0)
      throw ShapeError(
          {.what = text("pad: ", before, " before and ", after, " after axis ", axis, " of ", x.shape()),
           .expected = "numbers >= 0"});
    shape = shape.with(axis, Shape{before}[0] + x.extent(axis) + Shape{after}[0]);  // no sum can overflow
  }
  Tensor y = Tensor::full(shape, value, x.dtype());
  Tensor inside = y;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const std::int64_t before = around[static_cast<std::size_t>(axis)].before;
    inside = inside.slice(axis, before, before + x.extent(axis));
  }
  inside.copy_from(x);
  return y;
}

Tensor roll(const Tensor& x, int axis, std::int64_t by) {
  const std::int64_t n = x.extent(axis);
  if (n == 0) return x;
  const std::int64_t last = (by % n + n) % n;  // of them come first
  return concat({x.slice(axis, n - last, n), x.slice(axis, 0, n - last)}, axis);
}

std::array<Shape, 3> repeating_shapes(const Shape& shape, int axis, std::int64_t times, bool interleaved) {
  const int at = shape.resolve(axis);
  if (times < 0)
    throw ShapeError(
        {.what = text("repeat: ", times, " times axis ", axis, " of ", shape), .expected = "times >= 0"});
  std::int64_t before = 1, after = 1;  // of what is repeated
  for (int i = 0; i < shape.rank(); ++i) (i < at || (i == at && interleaved) ? before : after) *= shape[i];
  const std::int64_t extent = Shape{times, shape[at]}.count();  // which checks for overflow
  return {Shape{before, 1, after}, Shape{before, times, after}, shape.with(at, extent)};
}

std::vector<std::int64_t> times_of_axes(int rank, std::span<const std::int64_t> times) {
  const std::size_t axes = std::max(static_cast<std::size_t>(rank), times.size());
  std::vector<std::int64_t> all(axes - times.size(), 1);
  all.insert(all.end(), times.begin(), times.end());
  return all;
}

Shape with_leading_ones(const Shape& shape, int rank) {
  Shape result = shape;
  while (result.rank() < rank) result = result.inserted(0, 1);
  return result;
}

namespace {

Tensor repeated(const Tensor& x, int axis, std::int64_t times, bool interleaved) {
  const auto [apart, expanded, together] = repeating_shapes(x.shape(), axis, times, interleaved);
  return x.reshape(apart).expand(expanded).reshape(together);
}

}  // namespace

Tensor tile(const Tensor& x, std::span<const std::int64_t> times) {
  const std::vector<std::int64_t> all = times_of_axes(x.rank(), times);
  Tensor y = x.reshape(with_leading_ones(x.shape(), static_cast<int>(all.size())));
  for (int axis = 0; axis < y.rank(); ++axis)
    if (const std::int64_t n = all[static_cast<std::size_t>(axis)]; n != 1) y = repeated(y, axis, n, false);
  return y;
}

Tensor repeat_interleave(const Tensor& x, int axis, std::int64_t times) {
  return repeated(x, axis, times, true);
}

std::vector<std::int64_t> split_sizes(const Shape& shape, int axis, std::int64_t parts) {
  if (parts < 1 || shape[axis] % parts != 0)
    throw ShapeError({.what = text("split: axis ", axis, " of ", shape, " has no ", parts, " equal parts"),
                      .expected = text(shape[axis], " to be divisible by the number of parts")});
  return std::vector<std::int64_t>(static_cast<std::size_t>(parts), shape[axis] / parts);
}

std::vector<std::int64_t> chunk_sizes(const Shape& shape, int axis, std::int64_t parts) {
  if (parts < 1)
    throw ShapeError(
        {.what = text("chunk: ", parts, " parts of axis ", axis, " of ", shape), .expected = "parts >= 1"});
  const std::int64_t n = shape[axis], size = n / parts + (n % parts != 0);
  std::vector<std::int64_t> sizes;
  for (std::int64_t left = n; left > 0; left -= size) sizes.push_back(std::min(left, size));
  if (n == 0) sizes.assign(static_cast<std::size_t>(parts), 0);
  return sizes;
}

void require_sizes(const Shape& shape, int axis, std::span<const std::int64_t> sizes) {
  std::int64_t left = shape[axis];
  for (const std::int64_t size : sizes)
    left = size < 0 || size > left ? -1 : left - size;  // -1 stays: no size is below it
  if (left == 0) return;
  std::string all;
  for (const std::int64_t size : sizes) append(all, all.empty() ? text(size) : text(", ", size));
  throw ShapeError({.what = text("split: sizes {", all, "} of axis ", axis, " of ", shape),
                    .expected = text("sizes >= 0 that add up to ", shape[axis])});
}

std::vector<Tensor> split(const Tensor& x, int axis, std::span<const std::int64_t> sizes) {
  require_sizes(x.shape(), axis, sizes);
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(x.slice(axis, begin, begin + size));
    begin += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, int axis, std::int64_t parts) {
  return split(x, axis, split_sizes(x.shape(), axis, parts));
}

std::vector<Tensor> chunk(const Tensor& x, int axis, std::int64_t parts) {
  return split(x, axis, chunk_sizes(x.shape(), axis, parts));
}

namespace {

// x where columns stand to rows as `lower` says, else 0.
Tensor triangle(const Tensor& x, std::int64_t offset, bool lower, const char* operation) {
  if (x.rank() < 2)
    throw ShapeError({.what = text(operation, ": x is ", x.shape()), .expected = "matrices [..., m, n]"});
  const std::int64_t m = x.extent(-2), n = x.extent(-1);
  Tensor stays = Tensor::empty({m, n}, DType::boolean);
  bool* const to = stays.fresh_data<bool>();
  for (std::int64_t row = 0; row < m; ++row)
    for (std::int64_t column = 0; column < n; ++column)
      to[row * n + column] = lower ? column - row <= offset : column - row >= offset;
  return where(stays, x, Tensor::scalar(0, x.dtype()));
}

}  // namespace

Tensor tril(const Tensor& x, std::int64_t offset) { return triangle(x, offset, true, "tril"); }

Tensor triu(const Tensor& x, std::int64_t offset) { return triangle(x, offset, false, "triu"); }

Tensor undiagonal(const Tensor& y, const Shape& shape, std::int64_t offset, int axis_a, int axis_b) {
  Tensor whole = Tensor::zeros(shape, y.dtype());
  Tensor part = whole.diagonal(offset, axis_a, axis_b);
  if (part.shape() != y.shape())
    throw ShapeError(
        {.what = text("undiagonal: y is ", y.shape(), ", the diagonal of ", shape, " is ", part.shape()),
         .operands = text("y: ", y.origin())});
  part.copy_from(y);
  return whole;
}

Shape diag_embed_shape(const Shape& shape, std::int64_t offset) {
  const Shape corner{offset < 0 ? -(offset + 1) : offset, 1};  // checks for what a sum would overflow with
  const std::int64_t m = shape[-1] + corner[0] + (offset < 0);
  return shape.with(-1, m).inserted(shape.rank(), m);
}

Tensor diag_embed(const Tensor& x, std::int64_t offset) {
  return undiagonal(x, diag_embed_shape(x.shape(), offset), offset, -2, -1);
}

}  // namespace heed
