#include "autograd/ops/arrange.h"

#include "autograd/backward.h"
#include "core/error.h"

namespace heed {
namespace {

Var repeated(const Var& x, int axis, std::int64_t times, bool interleaved, const SourceLocation& at) {
  const auto [apart, expanded, together] = repeating_shapes(x.shape(), axis, times, interleaved);
  return reshape(expand(reshape(x, apart, at), expanded, at), together, at);
}

}  // namespace

Var tile(const Var& x, std::span<const std::int64_t> times, SourceLocation at) {
  const std::vector<std::int64_t> all = times_of_axes(x.rank(), times);
  Var y = reshape(x, with_leading_ones(x.shape(), static_cast<int>(all.size())), at);
  for (int axis = 0; axis < y.rank(); ++axis)
    if (const std::int64_t n = all[static_cast<std::size_t>(axis)]; n != 1) y = repeated(y, axis, n, false, at);
  return y;
}

Var repeat_interleave(const Var& x, int axis, std::int64_t times, SourceLocation at) {
  return repeated(x, axis, times, true, at);
}

std::vector<Var> split(const Var& x, int axis, std::span<const std::int64_t> sizes, SourceLocation at) {
  require_sizes(x.shape(), axis, sizes);
  std::vector<Var> parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(slice(x, axis, begin, begin + size, 1, at));
    begin += size;
  }
  return parts;
}

std::vector<Var> meshgrid(std::span<const Var> vectors, SourceLocation at) {
  Shape shape;
  for (const Var& vector : vectors) {
    if (vector.rank() != 1)
      throw ShapeError({.what = text("meshgrid: vector ", shape.rank(), " is ", vector.shape()),
                        .expected = "rank 1",
                        .operands = vector.value().origin()});
    shape = shape.inserted(shape.rank(), vector.extent(0));
  }
  std::vector<Var> grid;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Var& vector = vectors[static_cast<std::size_t>(axis)];
    Shape column{vector.extent(0)};
    while (column.rank() < shape.rank() - axis) column = column.inserted(column.rank(), 1);
    grid.push_back(expand(reshape(vector, column, at), shape, at));
  }
  return grid;
}

}  // namespace heed
