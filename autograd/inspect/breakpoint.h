// Where a debugger stops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace heed {

/// Extents that a shape may have, as in "[2, *, 8]" or "[..., 8]".
struct ShapePattern {
  static constexpr std::int64_t kAny = -1;   ///< *: any extent
  static constexpr std::int64_t kRest = -2;  ///< ...: any number of axes, none too; once at most
  std::vector<std::int64_t> extents{};

  bool matches(const Shape& shape) const;
};

/// What is to hold where a debugger stops: all that is set. One that has nothing set holds everywhere.
struct Breakpoint {
  /// Of the operation ("tanh"), of its output or of the leaf ("decoder.out.weight"), or what `module` says. *
  /// stands for any characters.
  std::string name{};
  /// Path of a module: holds where that begins to run and, backwards, where the gradient comes into it. *
  /// stands for any characters, dots too.
  std::string module{};
  std::optional<ShapePattern> shape{};   ///< of an output or the leaf
  std::optional<std::int64_t> extent{};  ///< of any of their axes
  /// A NaN arises: in a value computed from values that have none (leaves apart), or backwards in what a rule
  /// makes of a gradient that has none.
  bool nan = false;
  bool infinite = false;                  ///< the same of ∞ or −∞
  std::optional<double> gradient_norm{};  ///< the norm of a gradient that arrived is beyond this
  std::string file{};                     ///< the line that called the operation: the end of its path …
  int line = 0;                           ///< … and the number
  bool forward = true, backward = true;   ///< the passes in which it holds
};

/// Reads a breakpoint as a person writes it, what is to hold joined by "and":
///
///   tanh            module decoder.*    [2, *, 8]    extent 256    nan    inf    norm > 5    seq2seq.cpp:120
///   every           tanh and [4, 8] and backward
///
/// Throws ConfigError for what is none.
Breakpoint parse_breakpoint(std::string_view written);
/// The same back: parse_breakpoint() reads it.
std::string to_string(const Breakpoint& breakpoint);

/// Whether the whole text is as the pattern, in which * stands for any characters.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// Whether a module's path is that of another or of a part of it; all are in the empty path.
bool is_within(std::string_view path, std::string_view outer);

}  // namespace heed
