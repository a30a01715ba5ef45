// What stands between the brackets of x[{…}]: positions, slices, new axes, and what stands for all the others.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "core/source_location.h"

namespace heed {

/// Positions begin, begin + step, … before `end`; negative ones count from the end of the axis, and those left
/// open reach to its ends. With a negative step from `begin` down to the one after `end`.
struct Slice {
  std::optional<std::int64_t> begin{}, end{};
  std::int64_t step = 1;
};

/// `slice(1, 4)` is 1, 2, 3; `slice(2, {})` all from 2 on; `slice({}, {}, -1)` the axis backwards.
inline constexpr Slice slice(std::optional<std::int64_t> begin, std::optional<std::int64_t> end,
                             std::int64_t step = 1) {
  return {begin, end, step};
}
/// The whole axis.
inline constexpr Slice all() { return {}; }

/// A new axis of extent 1.
struct NewAxis {};
inline constexpr NewAxis newaxis{};
/// All axes that are not spoken of; at the end it is understood.
struct Ellipsis {};
inline constexpr Ellipsis ellipsis{};

/// "slice(1, 4)", "slice({}, {}, -1)".
void append(std::string& out, const Slice& slice);

/// What is said of one axis. A position makes the axis disappear.
class Index {
 public:
  template <std::integral T>
  requires(!std::same_as<T, bool>) Index(T position) : what_(static_cast<std::int64_t>(position)) {}
  Index(Slice slice) : what_(slice) {}
  Index(NewAxis axis) : what_(axis) {}
  Index(Ellipsis rest) : what_(rest) {}

  const std::variant<std::int64_t, Slice, NewAxis, Ellipsis>& what() const { return what_; }

 private:
  std::variant<std::int64_t, Slice, NewAxis, Ellipsis> what_;
};

/// What is said of the axes, from the first, and the line that says it: `x[0]`, `x[{0, slice(1, 4)}]`. Lives to
/// the end of the full expression.
class Indices {
 public:
  Indices(std::initializer_list<Index> parts, SourceLocation at = {})
      : parts_(parts.begin(), parts.size()), at_(at) {}
  explicit Indices(std::span<const Index> parts, SourceLocation at = {}) : parts_(parts), at_(at) {}
  template <std::convertible_to<Index> T>
  Indices(const T& one, SourceLocation at = {}) : one_(one), parts_(&one_, 1), at_(at) {}
  Indices(const Indices&) = delete;
  Indices& operator=(const Indices&) = delete;

  std::span<const Index> parts() const { return parts_; }
  const SourceLocation& at() const { return at_; }

 private:
  Index one_{0};
  std::span<const Index> parts_;
  SourceLocation at_;
};

}  // namespace heed
