#include "core/index.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/kernels/cpu.h"

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
