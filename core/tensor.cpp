#include "core/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/strided.h"

namespace heed {
namespace {

// static_cast, but for values that an integer cannot hold: the language leaves those undefined.
template <class To, class From>
To converted(From value) {
  if constexpr (std::is_same_v<To, std::int32_t> && std::is_floating_point_v<From>) {
    using Limits = std::numeric_limits<std::int32_t>;
    if (std::isnan(value)) return 0;
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    if (value >= static_cast<From>(Limits::max())) return Limits::max();
  }
  return static_cast<To>(value);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  return Tensor(Storage::create(static_cast<std::size_t>(shape.count()) * size_of(dtype)), shape, dtype);
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  for_any(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(tensor.fresh_data<T>(), shape.count(), converted<T>(value));
  });
  return tensor;
}

Tensor Tensor::arange(std::int64_t n, DType dtype) {
  Tensor tensor = empty({n}, dtype);
  for_any(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < n; ++i) tensor.fresh_data<T>()[i] = static_cast<T>(i);
  });
  return tensor;
}

namespace {

void require_count(std::size_t values, const Shape& shape) {
  if (static_cast<std::int64_t>(values) != shape.count())
    throw ShapeError({.what = text("tensor: ", values, " values do not fill shape ", shape),
                      .expected = text(shape.count(), " values")});
}

template <class Draw>
Tensor drawn(const Shape& shape, DType dtype, const char* operation, Draw draw) {
  Tensor tensor = Tensor::empty(shape, dtype);
  for_floating(dtype, operation, [&](auto zero) {
    using T = decltype(zero);
    T* const data = tensor.fresh_data<T>();
    for (std::int64_t i = 0; i < shape.count(); ++i) data[i] = static_cast<T>(draw());
  });
  return tensor;
}

}  // namespace

Tensor Tensor::of(std::span<const double> values, const Shape& shape, DType dtype) {
  require_count(values.size(), shape);
  Tensor tensor = empty(shape, dtype);
  for_any(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::transform(values.begin(), values.end(), tensor.fresh_data<T>(), converted<T, double>);
  });
  return tensor;
}

Tensor Tensor::of(std::initializer_list<double> values, const Shape& shape, DType dtype) {
  return of(std::span(values.begin(), values.size()), shape, dtype);
}

Tensor Tensor::of(std::span<const std::int32_t> values, const Shape& shape) {
  require_count(values.size(), shape);
  Tensor tensor = empty(shape, DType::i32);
  std::copy(values.begin(), values.end(), tensor.fresh_data<std::int32_t>());
  return tensor;
}

Tensor Tensor::matrix(std::initializer_list<std::initializer_list<double>> rows, DType dtype) {
  std::vector<double> values;
  const std::size_t columns = rows.size() == 0 ? 0 : rows.begin()->size();
  for (const auto& row : rows) {
    if (row.size() != columns)
      throw ShapeError(
          {.what = text("tensor: rows of ", columns, " and ", row.size(), " values do not make a matrix")});
    values.insert(values.end(), row.begin(), row.end());
  }
  return of(values, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)}, dtype);
}

Tensor Tensor::uniform(const Shape& shape, double low, double high, Rng& rng, DType dtype) {
  return drawn(shape, dtype, "uniform", [&] { return rng.uniform(low, high); });
}

Tensor Tensor::normal(const Shape& shape, double mean, double deviation, Rng& rng, DType dtype) {
  return drawn(shape, dtype, "normal", [&] { return mean + deviation * rng.normal(); });
}

Tensor dropout_factors(const Shape& shape, double probability, Rng& rng, DType dtype) {
  if (!(probability >= 0 && probability < 1))
    throw ConfigError({.what = text("dropout: probability ", probability, " makes no sense"),
                       .expected = "0 <= probability < 1"});
  const double kept = 1.0 / (1.0 - probability);
  const auto limit = static_cast<std::uint32_t>(probability * 4294967296.0);
  return drawn(shape, dtype, "dropout", [&] { return rng.bits32() < limit ? 0.0 : kept; });
}

void Tensor::throw_dtype(DType asked) const {
  if (!defined()) throw DTypeError({.what = "tensor: an undefined tensor has no elements"});
  throw DTypeError({.what = text("tensor: elements are ", dtype_, ", asked for as ", asked)});
}

std::int64_t Tensor::offset_of(std::span<const std::int64_t> position) const {
  if (static_cast<int>(position.size()) != rank())
    throw ShapeError({.what = text("tensor: ", position.size(), " positions given for shape ", shape_)});
  std::int64_t offset = 0;
  for (int axis = 0; axis < rank(); ++axis) {
    const std::int64_t index = position[static_cast<std::size_t>(axis)];
    if (index < 0 || index >= shape_[axis])
      throw IndexError(
          {.what = text("tensor: position ", index, " is outside axis ", axis, " of shape ", shape_),
           .expected = text("0 <= position < ", shape_[axis])});
    offset += index * strides_[static_cast<std::size_t>(axis)];
  }
  return offset;
}

double Tensor::item() const {
  if (!defined()) throw_dtype(dtype_);
  if (count() != 1)
    throw ShapeError({.what = text("item: a tensor of shape ", shape_, " has ", count(), " elements"),
                      .expected = "exactly one element"});
  return for_any(dtype_, [&](auto zero) { return static_cast<double>(*data<decltype(zero)>()); });
}

double Tensor::at(std::initializer_list<std::int64_t> position) const {
  const std::int64_t offset = offset_of(std::span(position.begin(), position.size()));
  return for_any(dtype_, [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[offset]); });
}

void Tensor::set(std::initializer_list<std::int64_t> position, double value, SourceLocation at) {
  const std::int64_t offset = offset_of(std::span(position.begin(), position.size()));
  for_any(dtype_,
          [&](auto zero) { mutable_data<decltype(zero)>(at)[offset] = converted<decltype(zero)>(value); });
}

std::vector<double> Tensor::to_vector() const {
  const Tensor wide = to(DType::f64).contiguous_copy_if_needed();
  return {wide.data<double>(), wide.data<double>() + count()};
}

Tensor Tensor::transpose(int axis_a, int axis_b) const {
  const std::size_t a = static_cast<std::size_t>(shape_.resolve(axis_a));
  const std::size_t b = static_cast<std::size_t>(shape_.resolve(axis_b));
  Strides strides = strides_;
  std::swap(strides[a], strides[b]);
  return view(shape_.swapped(axis_a, axis_b), strides, 0);
}

Tensor Tensor::permute(std::span<const int> order) const {
  std::array<std::int64_t, kMaxRank> extents{};
  Strides strides{};
  unsigned seen = 0;
  if (static_cast<int>(order.size()) == rank()) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int axis = shape_.resolve(order[i]);
      seen |= 1u << axis;
      extents[i] = shape_[axis];
      strides[i] = strides_[static_cast<std::size_t>(axis)];
    }
  }
  if (static_cast<int>(order.size()) != rank() || seen != (1u << rank()) - 1)
    throw ShapeError({.what = text("permute: the order does not name each axis of ", shape_, " once")});
  return view(Shape(std::span(extents.data(), order.size())), strides, 0);
}

namespace {

// The extents with a -1 replaced by what is left of the count.
Shape resolved_reshape(const Shape& from, std::span<const std::int64_t> extents) {
  const auto open = std::find(extents.begin(), extents.end(), -1);
  Shape shape(std::span(extents.begin(), open));
  if (open != extents.end()) {
    shape = shape.inserted(shape.rank(), 1);
    for (auto extent = open + 1; extent != extents.end(); ++extent)
      shape = shape.inserted(shape.rank(), *extent);
    if (shape.count() == 0)
      throw ShapeError({.what = text("reshape: beside an extent of 0, the one of -1 can be anything: ", from)});
    shape = shape.with(static_cast<int>(open - extents.begin()), from.count() / shape.count());
  }
  if (shape.count() != from.count())
    throw ShapeError(
        {.what = text("reshape: ", from, " does not have the elements of ", shape),
         .expected = text("the same number of elements, got ", from.count(), " and ", shape.count())});
  return shape;
}

}  // namespace

Tensor Tensor::reshape(std::span<const std::int64_t> extents) const {
  const Shape shape = resolved_reshape(shape_, extents);
  if (contiguous()) return view(shape, contiguous_strides(shape), 0);
  // A view is possible when each group of new axes covers a group of old axes that is itself evenly strided.
  Strides strides{};
  int old_axis = rank() - 1, new_axis = shape.rank() - 1;
  while (new_axis >= 0) {
    while (old_axis >= 0 && shape_[old_axis] == 1) --old_axis;
    if (old_axis < 0) {  // only extents of 1 are left
      strides[static_cast<std::size_t>(new_axis--)] = 1;
      continue;
    }
    std::int64_t chunk = shape_[old_axis], step = strides_[static_cast<std::size_t>(old_axis)];
    std::int64_t reach = chunk * step;
    --old_axis;
    while (old_axis >= 0 && (shape_[old_axis] == 1 || strides_[static_cast<std::size_t>(old_axis)] == reach)) {
      chunk *= shape_[old_axis];
      reach = chunk * step;
      --old_axis;
    }
    while (new_axis >= 0 && chunk % shape[new_axis] == 0 && (chunk > 1 || shape[new_axis] == 1)) {
      strides[static_cast<std::size_t>(new_axis)] = step;
      step *= shape[new_axis];
      chunk /= shape[new_axis--];
    }
    if (chunk != 1) return clone().reshape(extents);
  }
  return view(shape, strides, 0);
}

Tensor Tensor::slice(int axis, std::int64_t begin, std::int64_t end, std::int64_t step) const {
  const std::int64_t n = extent(axis);
  const std::int64_t from = begin < 0 ? begin + n : begin, to = end < 0 ? end + n : end;
  if (from < 0 || from > to || to > n || step < 1)
    throw IndexError({.what = text("slice: ", begin, " to ", end, " step ", step, " is not within axis ", axis,
                                   " of ", shape_),
                      .expected = text("0 <= begin <= end <= ", n, " and step >= 1")});
  const std::int64_t taken = from == to ? 0 : (to - from - 1) / step + 1;
  Strides strides = strides_;
  std::int64_t& stride = strides[static_cast<std::size_t>(shape_.resolve(axis))];
  const std::int64_t offset = taken == 0 ? 0 : from * stride;
  if (taken > 1) stride *= step;
  return view(shape_.with(axis, taken), strides, offset);
}

Tensor Tensor::select(int axis, std::int64_t position) const {
  const std::int64_t n = extent(axis), index = position < 0 ? position + n : position;
  if (index < 0 || index >= n)
    throw IndexError({.what = text("select: position ", position, " is outside axis ", axis, " of ", shape_),
                      .expected = text("-", n, " <= position < ", n)});
  const int removed = shape_.resolve(axis);
  Strides strides{};
  for (int from = 0, to = 0; from < rank(); ++from)
    if (from != removed) strides[static_cast<std::size_t>(to++)] = strides_[static_cast<std::size_t>(from)];
  return view(shape_.without(axis), strides, index * stride(axis));
}

Tensor Tensor::flip(int axis) const {
  const std::int64_t n = extent(axis);
  Strides strides = strides_;
  std::int64_t& stride = strides[static_cast<std::size_t>(shape_.resolve(axis))];
  const std::int64_t offset = n == 0 ? 0 : (n - 1) * stride;
  stride = -stride;
  return view(shape_, strides, offset);
}

Tensor Tensor::diagonal(std::int64_t offset, int axis_a, int axis_b) const {
  const int a = shape_.resolve(axis_a), b = shape_.resolve(axis_b);
  if (a == b)
    throw ShapeError({.what = text("diagonal: axes ", axis_a, " and ", axis_b, " of ", shape_, " are the same"),
                      .expected = "two axes"});
  const std::int64_t rows = shape_[a], columns = shape_[b];
  if (offset < -rows || offset > columns)
    throw IndexError({.what = text("diagonal: offset ", offset, " is outside axes ", axis_a, " and ", axis_b,
                                   " of ", shape_),
                      .expected = text(-rows, " <= offset <= ", columns)});
  const std::int64_t n = std::max<std::int64_t>(
      0, offset < 0 ? std::min(rows + offset, columns) : std::min(rows, columns - offset));
  Shape shape;
  Strides strides{};
  for (int axis = 0; axis < rank(); ++axis) {
    if (axis == a || axis == b) continue;
    strides[static_cast<std::size_t>(shape.rank())] = stride(axis);
    shape = shape.inserted(shape.rank(), shape_[axis]);
  }
  strides[static_cast<std::size_t>(shape.rank())] = stride(a) + stride(b);
  return view(shape.inserted(shape.rank(), n), strides,
              n == 0       ? 0
              : offset < 0 ? -offset * stride(a)
                           : offset * stride(b));
}

Tensor Tensor::expand(const Shape& shape) const {
  if (!broadcasts_to(shape_, shape))
    throw ShapeError({.what = text("expand: ", shape_, " does not expand to ", shape),
                      .expected = "extents aligned at the last axis, equal or 1"});
  Strides strides{};
  for (int i = 1; i <= rank(); ++i)
    strides[static_cast<std::size_t>(shape.rank() - i)] = shape_[-i] == shape[-i] ? stride(-i) : 0;
  return view(shape, strides, 0);
}

Tensor Tensor::unsqueeze(int axis) const {
  const int position = axis < 0 ? axis + rank() + 1 : axis;
  const Shape shape = shape_.inserted(axis, 1);
  Strides strides{};
  for (int to = 0, from = 0; to < shape.rank(); ++to)
    strides[static_cast<std::size_t>(to)] = to == position ? 1 : strides_[static_cast<std::size_t>(from++)];
  return view(shape, strides, 0);
}

Tensor Tensor::squeeze(int axis) const {
  if (extent(axis) != 1)
    throw ShapeError({.what = text("squeeze: axis ", axis, " of ", shape_, " has extent ", extent(axis)),
                      .expected = "extent 1"});
  return select(axis, 0);
}

Tensor Tensor::as_rows() const {
  if (rank() == 2) return *this;
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < rank(); ++axis) rows *= extent(axis);
  return reshape({rows, rank() == 0 ? 1 : extent(-1)});
}

Tensor Tensor::contiguous_copy_if_needed() const { return contiguous() ? *this : clone(); }

Tensor Tensor::clone() const {
  Tensor copy = empty(shape_, dtype_);
  if (contiguous())
    std::memcpy(copy.data_, bytes(), static_cast<std::size_t>(count()) * size_of(dtype_));
  else
    copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result = empty(shape_, dtype);
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& given, SourceLocation at) {
  require_dtype(dtype_);
  if (!broadcasts_to(given.shape_, shape_))
    throw ShapeError({.what = text("copy: ", given.shape_, " does not broadcast to ", shape_)});
  require_own_elements(*this, "copy");
  const Tensor source = overlaps(*this, given) ? given.clone() : given;
  storage_->mark_changed(at);
  if (count() == 0) return;
  const StridedWalk<2> walk(shape_, {this, &source});
  for_any(dtype_, [&](auto to_zero) {
    using To = decltype(to_zero);
    for_any(source.dtype_, [&](auto from_zero) {
      using From = decltype(from_zero);
      To* const to = reinterpret_cast<To*>(data_);
      const From* const from = source.data<From>();
      for (std::int64_t row = 0; row < walk.rows; ++row) {
        const auto [to_offset, from_offset] = walk.offsets(row);
        const auto [to_stride, from_stride] = walk.inner_stride;
        if (std::is_same_v<To, From> && to_stride == 1 && from_stride == 1) {
          std::memmove(to + to_offset, from + from_offset, static_cast<std::size_t>(walk.inner) * sizeof(To));
          continue;
        }
        for (std::int64_t i = 0; i < walk.inner; ++i)
          to[to_offset + i * to_stride] = converted<To>(from[from_offset + i * from_stride]);
      }
    });
  });
}

void Tensor::fill(double value, SourceLocation at) { copy_from(scalar(value, dtype_), at); }

void require_own_elements(const Tensor& y, const char* operation) {
  if (y.count() == 0) return;
  for (int axis = 0; axis < y.rank(); ++axis)
    if (y.extent(axis) > 1 && y.stride(axis) == 0)
      throw ShapeError({.what = text(operation, ": an expanded tensor cannot be changed in place: axis ", axis,
                                     " of ", y.shape(), " repeats one element"),
                        .operands = y.origin()});
}

bool overlaps(const Tensor& y, const Tensor& x) {
  if (!x.defined() || !y.defined() || &x.storage() != &y.storage()) return false;
  return x.bytes() != y.bytes() || x.dtype() != y.dtype() || x.shape() != y.shape() ||
         x.strides() != y.strides();
}

Shape broadcast(const Tensor& a, const Tensor& b, const char* operation) {
  if (a.shape() == b.shape()) return a.shape();
  if (const auto shape = common_shape(a.shape(), b.shape())) return *shape;
  int axis = -1;
  while (a.extent(axis) == b.extent(axis) || a.extent(axis) == 1 || b.extent(axis) == 1) --axis;
  throw ShapeError(
      {.what = text(operation, ": shapes do not broadcast: a is ", a.shape(), ", b is ", b.shape()),
       .expected = text("a.shape[", axis, "] == b.shape[", axis, "] or one of them 1, got ", a.extent(axis),
                        " and ", b.extent(axis)),
       .operands = text("a: ", a.origin(), "    b: ", b.origin())});
}

void throw_not_floating(DType dtype, const char* operation) {
  throw DTypeError({.what = text(operation, ": elements are ", dtype), .expected = "f32 or f64"});
}

void throw_dtypes_differ(const Tensor& a, const Tensor& b, const char* operation) {
  throw DTypeError({.what = text(operation, ": element types differ: a is ", a.dtype(), ", b is ", b.dtype()),
                    .operands = text("a: ", a.origin(), "    b: ", b.origin())});
}

}  // namespace heed
