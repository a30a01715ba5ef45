#include "core/shape.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace heed {

// Keeps every product of extents, and the bytes of that many elements, within 63 bits. Extents of 0 do not
// count: the partial products of the others are taken too.
Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank)
    throw ShapeError(
        {.what = text("shape: ", extents.size(), " axes are more than the ", kMaxRank, " a tensor may have")});
  constexpr std::int64_t kMost = std::int64_t{1} << 59;
  std::int64_t product = 1;
  bool countable = true;
  for (const std::int64_t extent : extents) {
    if (extent < 0) throw ShapeError({.what = text("shape: extent ", extent, " is negative")});
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    countable = countable && !__builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product) &&
                product <= kMost;
  }
  if (!countable) throw ShapeError({.what = text("shape: ", *this, " has more elements than memory can hold")});
}

Shape Shape::with(int axis, std::int64_t extent) const {
  Shape result = *this;
  std::int64_t& replaced = result.extents_[static_cast<std::size_t>(resolve(axis))];
  const bool smaller = extent >= 0 && extent <= replaced;
  replaced = extent;
  return smaller ? result : Shape(std::span(result.begin(), result.end()));  // checks the new extent
}

Shape Shape::inserted(int axis, std::int64_t extent) const {
  const int position = axis < 0 ? axis + rank_ + 1 : axis;
  if (position < 0 || position > rank_)
    throw IndexError({.what = text("no axis can be inserted at ", axis, " of a tensor of shape ", *this),
                      .expected = text(-rank_ - 1, " <= axis <= ", rank_)});
  std::array<std::int64_t, kMaxRank + 1> extents{};
  std::copy(begin(), begin() + position, extents.begin());
  extents[static_cast<std::size_t>(position)] = extent;
  std::copy(begin() + position, end(), extents.begin() + position + 1);
  return Shape(std::span(extents.data(), static_cast<std::size_t>(rank_ + 1)));
}

Shape Shape::swapped(int axis_a, int axis_b) const {
  Shape result = *this;
  std::swap(result.extents_[static_cast<std::size_t>(resolve(axis_a))],
            result.extents_[static_cast<std::size_t>(resolve(axis_b))]);
  return result;
}

Shape Shape::without(int axis) const {
  const int position = resolve(axis);
  Shape result = *this;
  std::copy(begin() + position + 1, end(), result.extents_.begin() + position);
  --result.rank_;
  return result;
}

void Shape::throw_axis_outside(int axis) const {
  throw IndexError({.what = text("axis ", axis, " is outside a tensor of shape ", *this),
                    .expected = text(-rank_, " <= axis < ", rank_)});
}

Axes::Axes(std::span<const int> axes) : count_(static_cast<int>(axes.size())) {
  if (axes.size() > kMaxRank)
    throw ShapeError({.what = text("axes: ", axes.size(), " are named, and a tensor has at most ", kMaxRank)});
  std::copy(axes.begin(), axes.end(), axes_.begin());
}

unsigned Axes::bits(const Shape& shape) const {
  if (count_ < 0) return (1u << shape.rank()) - 1;
  unsigned bits = 0;
  for (int i = 0; i < count_; ++i) bits |= 1u << shape.resolve(axes_[static_cast<std::size_t>(i)]);
  return bits;
}

Shape Axes::reduced(const Shape& shape, bool keep_axes) const {
  const unsigned reduced = bits(shape);
  std::array<std::int64_t, kMaxRank> extents{};
  std::size_t rank = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool stays = !(reduced >> axis & 1);
    if (stays || keep_axes) extents[rank++] = stays ? shape[axis] : 1;
  }
  return Shape(std::span(extents.data(), rank));
}

std::int64_t Axes::count(const Shape& shape) const {
  const unsigned counted = bits(shape);
  std::int64_t n = 1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (counted >> axis & 1) n *= shape[axis];
  return n;
}

std::optional<Shape> common_shape(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<std::int64_t, kMaxRank> extents{};
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t from_a = i <= a.rank() ? a[-i] : 1;
    const std::int64_t from_b = i <= b.rank() ? b[-i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) return std::nullopt;
    extents[static_cast<std::size_t>(rank - i)] = from_a == 1 ? from_b : from_a;
  }
  return Shape(std::span(extents.data(), static_cast<std::size_t>(rank)));
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i)
    if (from[-i] != to[-i] && from[-i] != 1) return false;
  return true;
}

Shape flattened(const Shape& shape, int first, int last) {
  if (shape.rank() == 0) return {1};
  const int begin = shape.resolve(first), end = shape.resolve(last);
  if (begin > end)
    throw ShapeError({.what = text("flatten: axes ", first, " to ", last, " of ", shape),
                      .expected = "the first not after the last"});
  Shape result = shape;
  for (int axis = end; axis > begin; --axis)
    result = result.with(begin, result[begin] * shape[axis]).without(begin + 1);
  return result;
}

Shape unflattened(const Shape& shape, int axis, std::span<const std::int64_t> extents) {
  const int at = shape.resolve(axis);
  const auto open = std::find(extents.begin(), extents.end(), -1);
  std::int64_t product = 1;
  Shape parts;
  for (auto extent = extents.begin(); extent != extents.end(); ++extent) {
    parts = parts.inserted(parts.rank(), extent == open ? 1 : *extent);  // checks it
    product = parts.count();
  }
  if (open != extents.end()) {
    const std::int64_t left = product == 0 ? -1 : shape[at] / product;  // beside a 0 it could be anything
    parts = parts.with(static_cast<int>(open - extents.begin()), std::max<std::int64_t>(left, 0));
    product = left < 0 ? -1 : parts.count();
  }
  if (product != shape[at])
    throw ShapeError({.what = text("unflatten: axis ", axis, " of ", shape, " is not the product of ", parts),
                      .expected = text("extents whose product is ", shape[at])});
  Shape result = shape.without(at);
  for (int i = 0; i < parts.rank(); ++i) result = result.inserted(at + i, parts[i]);
  return result;
}

void append(std::string& out, const Shape& shape) {
  out.push_back('[');
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) out.append(", ");
    out.append(std::to_string(shape[i]));
  }
  out.push_back(']');
}

std::string to_string(const Shape& shape) {
  std::string out;
  append(out, shape);
  return out;
}

}  // namespace heed
