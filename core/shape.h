// Extents of tensors and the rules by which they combine.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace heed {

/// The largest number of axes a tensor may have.
inline constexpr int kMaxRank = 8;

/// Extents of the axes, outermost first; a scalar has none. Trivially copyable.
class Shape {
 public:
  constexpr Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  /// Throws ShapeError when an extent is negative, there are more than kMaxRank, or the elements are more than
  /// memory can be addressed for.
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  /// Extent of an axis; a negative axis counts from the end. Throws IndexError outside [-rank, rank).
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(resolve(axis))]; }
  /// Number of elements: 1 for a scalar.
  std::int64_t count() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= extents_[static_cast<std::size_t>(i)];
    return n;
  }
  /// The axis as a number in [0, rank). Throws IndexError outside [-rank, rank).
  int resolve(int axis) const {
    if (axis < -rank_ || axis >= rank_) throw_axis_outside(axis);
    return axis < 0 ? axis + rank_ : axis;
  }
  const std::int64_t* begin() const { return extents_.data(); }
  const std::int64_t* end() const { return extents_.data() + rank_; }
  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (extents_[static_cast<std::size_t>(i)] != other.extents_[static_cast<std::size_t>(i)]) return false;
    return true;
  }

  /// The shape with one extent replaced, two swapped, an axis inserted before `axis`, or an axis left out.
  Shape with(int axis, std::int64_t extent) const;
  Shape swapped(int axis_a, int axis_b) const;
  Shape inserted(int axis, std::int64_t extent) const;
  Shape without(int axis) const;

 private:
  [[noreturn]] void throw_axis_outside(int axis) const;
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// Axes that an operation goes over: all of them, one, or several in braces; negative ones count from the end,
/// and one that is named twice counts once.
class Axes {
 public:
  /// All axes.
  Axes() = default;
  Axes(int axis) : Axes(std::span<const int>(&axis, 1)) {}
  Axes(std::initializer_list<int> axes) : Axes(std::span(axes.begin(), axes.size())) {}
  template <class Range>
  requires std::convertible_to<const Range&, std::span<const int>> Axes(const Range& axes)
      : Axes(std::span<const int>(axes)) {}
  /// Throws ShapeError for more than kMaxRank axes.
  Axes(std::span<const int> axes);

  /// The axes as bits, bit i for axis i of such a shape. Throws IndexError for an axis outside it.
  unsigned bits(const Shape& shape) const;
  /// The shape with these axes left out, or with extents of 1 in their place. Throws IndexError as bits().
  Shape reduced(const Shape& shape, bool keep_axes) const;
  /// The product of their extents. Throws IndexError as bits().
  std::int64_t count(const Shape& shape) const;

 private:
  std::array<int, kMaxRank> axes_{};
  int count_ = -1;  // all axes
};

/// The common shape of two operands: aligned at the last axis, extents equal or one of them 1 (NumPy's rule);
/// none when they do not broadcast.
std::optional<Shape> common_shape(const Shape& a, const Shape& b);
/// Whether `from` can be expanded to `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

/// The shape with the axes from `first` to `last` folded into one; [1] for a scalar. Throws ShapeError when the
/// first comes after the last.
Shape flattened(const Shape& shape, int first, int last);
/// The shape with an axis taken apart into `extents`, one of which may be -1: what is left of the axis.
/// Throws ShapeError unless their product is its extent.
Shape unflattened(const Shape& shape, int axis, std::span<const std::int64_t> extents);

/// "[32, 9, 256]"; "[]" for a scalar.
void append(std::string& out, const Shape& shape);
std::string to_string(const Shape& shape);

}  // namespace heed
