#include "core/index.h"

#include <algorithm>
#include <cstring>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/strided.h"

namespace heed {
namespace {

void require_ids(const Tensor& table, const Tensor& ids, const char* operation) {
  if (ids.dtype() != DType::i32)
    throw DTypeError({.what = text(operation, ": ids are ", ids.dtype()), .expected = "i32"});
  if (table.rank() != 2)
    throw ShapeError(
        {.what = text(operation, ": the table is ", table.shape()), .expected = "a matrix [rows, width]"});
  const std::int32_t* const id = ids.data<std::int32_t>();
  for (std::int64_t i = 0; i < ids.count(); ++i)
    if (id[i] < 0 || id[i] >= table.extent(0))
      throw IndexError({.what = text(operation, ": id ", id[i], " at position ", i, " of ids ", ids.shape(),
                                     " is outside the table ", table.shape()),
                        .expected = text("0 <= id < ", table.extent(0)),
                        .operands = text("table: ", table.origin())});
}

}  // namespace

Tensor take_rows(const Tensor& table, const Tensor& ids) {
  const Tensor from = table.contiguous_copy_if_needed(), at = ids.contiguous_copy_if_needed();
  require_ids(from, at, "take_rows");
  const std::int64_t width = table.extent(1);
  Tensor rows = Tensor::empty(ids.shape().inserted(ids.rank(), width), table.dtype());
  const std::size_t row_bytes = static_cast<std::size_t>(width) * size_of(table.dtype());
  const std::int32_t* const id = at.data<std::int32_t>();
  const std::byte* const source = from.bytes();
  for (std::int64_t i = 0; i < ids.count(); ++i)
    std::memcpy(rows.fresh_bytes() + static_cast<std::size_t>(i) * row_bytes,
                source + static_cast<std::size_t>(id[i]) * row_bytes, row_bytes);
  return rows;
}

void add_rows(Tensor& table, const Tensor& ids, const Tensor& rows, SourceLocation at) {
  const Tensor chosen = ids.contiguous_copy_if_needed(), from = rows.contiguous_copy_if_needed();
  require_ids(table, chosen, "add_rows");
  if (rows.shape() != ids.shape().inserted(ids.rank(), table.extent(1)) || !table.contiguous())
    throw ShapeError(
        {.what = text("add_rows: table ", table.shape(), ", ids ", ids.shape(), ", rows ", rows.shape()),
         .expected = "a contiguous table [V, E], ids [...], rows [..., E]"});
  if (rows.dtype() != table.dtype()) throw_dtypes_differ(table, rows, "add_rows");
  for_floating(table.dtype(), "add_rows", [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t width = table.extent(1);
    if (width == 0) return;
    T* const to = table.mutable_data<T>(at);
    const T* const added = from.data<T>();
    const std::int32_t* const id = chosen.data<std::int32_t>();
    const auto add = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::add)];
    for (std::int64_t i = 0; i < ids.count(); ++i) {
      T* const row = to + id[i] * width;
      add(width, row, 1, added + i * width, 1, row, 1);
    }
  });
}

namespace {

// The positions without what an expanded tensor repeats.
Tensor distinct(Tensor positions) {
  for (int axis = 0; axis < positions.rank(); ++axis)
    if (positions.stride(axis) == 0 && positions.extent(axis) > 1) positions = positions.slice(axis, 0, 1);
  return positions.contiguous_copy_if_needed();
}

void require_i32(const Tensor& positions, const char* operation) {
  if (positions.dtype() != DType::i32)
    throw DTypeError({.what = text(operation, ": positions are ", positions.dtype()), .expected = "i32"});
}

// Throws for the first position outside axis `axis` of `shape`.
void require_within(const Shape& shape, int axis, const Tensor& positions, const char* operation) {
  const Tensor at = distinct(positions);
  const std::int32_t* const p = at.data<std::int32_t>();
  const auto outside = std::find_if(p, p + at.count(), [n = shape[axis]](auto i) { return i < 0 || i >= n; });
  if (outside == p + at.count()) return;
  Shape where = at.shape();
  std::int64_t rest = outside - p;
  for (int i = at.rank() - 1; i >= 0; --i) {
    where = where.with(i, rest % at.extent(i));
    rest /= at.extent(i);
  }
  throw IndexError({.what = text(operation, ": position ", *outside, " at ", where, " of positions ",
                                 positions.shape(), " is outside axis ", axis, " of ", shape),
                    .expected = text("0 <= position < ", shape[axis])});
}

void require_positions(const Tensor& x, int axis, const Tensor& positions, const char* operation) {
  require_i32(positions, operation);
  bool fit = positions.rank() == x.rank();
  for (int other = 0; fit && other < x.rank(); ++other)
    fit = other == axis || positions.extent(other) <= x.extent(other);
  if (!fit)
    throw ShapeError({.what = text(operation, ": positions are ", positions.shape(), " along axis ", axis,
                                   " of ", x.shape()),
                      .expected = "positions of the same rank, no larger off the axis",
                      .operands = text("x: ", x.origin(), "    positions: ", positions.origin())});
  require_within(x.shape(), axis, positions, operation);
}

void require_source(const Tensor& x, const Tensor& positions, const Tensor& source, const char* operation) {
  if (source.shape() != positions.shape())
    throw ShapeError(
        {.what = text(operation, ": the source is ", source.shape(), ", positions are ", positions.shape()),
         .expected = "source.shape == positions.shape",
         .operands = text("source: ", source.origin(), "    positions: ", positions.origin())});
  if (source.dtype() != x.dtype()) throw_dtypes_differ(x, source, operation);
}

// A row of positions with the elements of x that they name and those of another tensor beside them.
template <class X, class Other>
struct PositionRow {
  std::int64_t n;
  const std::int32_t* positions;
  std::int64_t position_stride;
  X* x;  // at position 0
  std::int64_t x_stride, axis_stride;
  Other* other;
  std::int64_t other_stride;

  bool one_position() const { return position_stride == 0; }
  X& named(std::int64_t i) const { return x[i * x_stride + positions[i * position_stride] * axis_stride]; }
  Other& beside(std::int64_t i) const { return other[i * other_stride]; }
};

// Calls visit(row) for all rows of positions, which have been checked, in row-major order.
template <class X, class Other, class Visit>
void walk_positions(const Tensor& x, X* x_data, int axis, const Tensor& positions, const Tensor& other,
                    Other* other_data, Visit visit) {
  if (positions.count() == 0) return;
  Tensor corner = x.slice(axis, 0, 1);  // the part that positions speak of
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) corner = corner.slice(i, 0, positions.extent(i));
  const StridedWalk<3> walk(positions.shape(), {&positions, &corner, &other});
  const auto [p_stride, x_stride, other_stride] = walk.inner_stride;
  for (std::int64_t r = 0; r < walk.rows; ++r) {
    const auto [p_at, x_at, other_at] = walk.offsets(r);
    visit(PositionRow<X, Other>{walk.inner, positions.data<std::int32_t>() + p_at, p_stride, x_data + x_at,
                                x_stride, x.stride(axis), other_data + other_at, other_stride});
  }
}

}  // namespace

Tensor gather(const Tensor& x, int axis, const Tensor& positions) {
  const int along = x.shape().resolve(axis);
  require_positions(x, along, positions, "gather");
  Tensor y = Tensor::empty(positions.shape(), x.dtype());
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    walk_positions(x, x.data<T>(), along, positions, y, y.fresh_data<T>(), [](const auto& row) {
      if (row.one_position() && row.x_stride == 1 && row.other_stride == 1)
        std::copy_n(&row.named(0), row.n, row.other);
      else
        for (std::int64_t i = 0; i < row.n; ++i) row.beside(i) = row.named(i);
    });
  });
  return y;
}

Tensor scatter(const Tensor& x, int axis, const Tensor& positions, const Tensor& source) {
  const int along = x.shape().resolve(axis);
  require_positions(x, along, positions, "scatter");
  require_source(x, positions, source, "scatter");
  Tensor y = x.clone();
  for_any(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    walk_positions(y, y.fresh_data<T>(), along, positions, source, source.data<T>(), [](const auto& row) {
      for (std::int64_t i = 0; i < row.n; ++i) row.named(i) = row.beside(i);
    });
  });
  return y;
}

Tensor scatter_stays(const Shape& shape, int axis, const Tensor& positions) {
  const Tensor numbers = Tensor::arange(positions.count(), DType::i32).reshape(positions.shape());
  const Tensor last = scatter(Tensor::zeros(shape, DType::i32), axis, positions, numbers);
  return equal(gather(last, axis, positions), numbers);
}

void add_at(Tensor& y, int axis, const Tensor& positions, const Tensor& source, SourceLocation at) {
  const int along = y.shape().resolve(axis);
  require_positions(y, along, positions, "add_at");
  require_source(y, positions, source, "add_at");
  require_own_elements(y, "add_at");
  const Tensor from = &source.storage() == &y.storage() ? source.clone() : source;
  for_floating(y.dtype(), "add_at", [&](auto zero) {
    using T = decltype(zero);
    const auto add = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::add)];
    walk_positions(y, y.mutable_data<T>(at), along, positions, from, from.data<T>(), [&](const auto& row) {
      if (row.one_position() && row.x_stride != 0)
        add(row.n, &row.named(0), row.x_stride, row.other, row.other_stride, &row.named(0), row.x_stride);
      else
        for (std::int64_t i = 0; i < row.n; ++i) row.named(i) += row.beside(i);
    });
  });
}

Tensor positions_along(const Shape& shape, int axis, const Tensor& positions) {
  const int along = shape.resolve(axis);
  require_i32(positions, "index_select");
  if (positions.rank() != 1)
    throw ShapeError({.what = text("index_select: positions are ", positions.shape()),
                      .expected = "positions [K]",
                      .operands = positions.origin()});
  require_within(shape, along, positions, "index_select");
  Shape column;
  for (int i = 0; i < shape.rank(); ++i) column = column.inserted(i, i == along ? positions.extent(0) : 1);
  return positions.reshape(column).expand(shape.with(along, positions.extent(0)));
}

std::pair<Tensor, Tensor> aligned_along(const Tensor& x, int axis, const Tensor& positions) {
  const int along = x.shape().resolve(axis);
  const auto off_axis = x.rank() == positions.rank()
                            ? common_shape(x.shape().with(along, 1), positions.shape().with(along, 1))
                            : std::nullopt;
  if (!off_axis)
    throw ShapeError({.what = text("take_along_axis: positions are ", positions.shape(), " along axis ", axis,
                                   " of ", x.shape()),
                      .expected = "the same rank, and extents off the axis that broadcast",
                      .operands = text("x: ", x.origin(), "    positions: ", positions.origin())});
  return {x.expand(off_axis->with(along, x.extent(along))),
          positions.expand(off_axis->with(along, positions.extent(along)))};
}

Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype) {
  if (ids.dtype() != DType::i32)
    throw DTypeError({.what = text("one_hot: ids are ", ids.dtype()), .expected = "i32"});
  Tensor y = Tensor::zeros(ids.shape().inserted(ids.rank(), classes), dtype);
  const Tensor from = ids.contiguous_copy_if_needed();
  const std::int32_t* const id = from.data<std::int32_t>();
  for_any(dtype, [&](auto zero) {
    for (std::int64_t i = 0; i < ids.count(); ++i) {
      if (id[i] < 0 || id[i] >= classes)
        throw IndexError({.what = text("one_hot: id ", id[i], " at position ", i, " of ids ", ids.shape(),
                                       " is none of ", classes, " classes"),
                          .expected = text("0 <= id < ", classes)});
      y.fresh_data<decltype(zero)>()[i * classes + id[i]] = 1;
    }
  });
  return y;
}

Tensor concat(std::span<const Tensor> parts, int axis) {
  if (parts.empty()) throw ShapeError({.what = "concat: there is nothing to join"});
  const Shape& first = parts.front().shape();
  const int at = first.resolve(axis);
  std::int64_t extent = 0;
  for (const Tensor& part : parts) {
    if (part.rank() != first.rank() || part.shape().with(at, 0) != first.with(at, 0))
      throw ShapeError(
          {.what = text("concat: shapes differ off axis ", axis, ": ", first, " and ", part.shape()),
           .operands = text(parts.front().origin(), "    ", part.origin())});
    if (part.dtype() != parts.front().dtype()) throw_dtypes_differ(parts.front(), part, "concat");
    extent += part.extent(at);
  }
  Tensor joined = Tensor::empty(first.with(at, extent), parts.front().dtype());
  std::int64_t outer = 1, inner = 1;
  for (int before = 0; before < at; ++before) outer *= first[before];
  for (int after = at + 1; after < first.rank(); ++after) inner *= first[after];
  const std::size_t unit = static_cast<std::size_t>(inner) * size_of(joined.dtype());
  std::byte* to = joined.fresh_bytes();
  std::vector<Tensor> rows;
  for (const Tensor& part : parts) rows.push_back(part.contiguous_copy_if_needed());
  for (std::int64_t o = 0; o < outer; ++o)
    for (const Tensor& part : rows) {
      const std::size_t bytes = static_cast<std::size_t>(part.extent(at)) * unit;
      if (bytes > 0) std::memcpy(to, part.bytes() + static_cast<std::size_t>(o) * bytes, bytes);
      to += bytes;
    }
  return joined;
}

}  // namespace heed
