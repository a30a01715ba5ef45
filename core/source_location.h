// Where in the source a call stands.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace heed {

/// As the default of a last parameter, `SourceLocation at = {}`, it is the line of the caller: of the outermost
/// call that left it out.
struct SourceLocation {
  // std::source_location is not to be had from clang 14 with the standard library of g++.
  constexpr SourceLocation(const char* in_file = __builtin_FILE(), int in_line = __builtin_LINE())
      : file(in_file), line(in_line) {}
  /// No place.
  static constexpr SourceLocation unknown() { return {nullptr, 0}; }
  constexpr bool known() const { return file != nullptr; }

  const char* file;
  int line;
};

/// "examples/date_conversion.cpp:42".
void append(std::string& out, const SourceLocation& at);

/// Places as small numbers, for what is made in great numbers. A place keeps its number; 0 is that of no place,
/// of lines beyond 65,535, and of places beyond the first sixteen thousand or so.
namespace source_locations {

inline constexpr std::uint32_t kSlots = 16'384;
/// Of each number the place: the address of the file's name times 65,536, which addresses leave free, and the
/// line.
inline constinit std::atomic<std::uint64_t> slots[kSlots]{};

/// 0 for what does not fit.
inline std::uint64_t packed(const SourceLocation& at) {
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(at.file));
  const bool fits = address >> 48 == 0 && at.line >= 0 && at.line < 65'536;
  return fits ? address << 16 | static_cast<std::uint64_t>(at.line) : 0;
}
inline std::uint32_t first_slot(std::uint64_t place) {
  return static_cast<std::uint32_t>(place * 0x9e3779b97f4a7c15 >> 50);  // 14 bits
}
std::uint32_t find_or_add(std::uint64_t place);

inline std::uint32_t number_of(const SourceLocation& at) {
  const std::uint64_t place = packed(at);
  const std::uint32_t likely = first_slot(place);
  return slots[likely].load(std::memory_order_relaxed) == place && likely != 0 ? likely : find_or_add(place);
}
SourceLocation at_number(std::uint32_t number);

}  // namespace source_locations

}  // namespace heed
