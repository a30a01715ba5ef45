// Where in the source a call stands.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace heed {

/// As the default of a last parameter, `SourceLocation at = {}`, it is the line of the caller: of the outermost
/// call that left it out. One register wide, since every operation is given one.
class SourceLocation {
 public:
  // std::source_location is not to be had from clang 14 with the standard library of g++.
  SourceLocation(const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : packed_(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(file)) << kLineBits |
                static_cast<std::uint64_t>(line < kLines ? line : 0)) {}
  /// No place.
  static SourceLocation unknown() { return unpacked(0); }
  bool known() const { return packed_ != 0; }
  /// The file's name, as the compiler was given it; of no place null.
  const char* file() const {
    return reinterpret_cast<const char*>(static_cast<std::uintptr_t>(packed_ >> kLineBits));
  }
  /// From 1; 0 of no place, and of lines beyond 65,535.
  int line() const { return static_cast<int>(packed_ & (kLines - 1)); }

  /// Address of the file's name, of which the uppermost bits are free, and line.
  std::uint64_t packed() const { return packed_; }
  static SourceLocation unpacked(std::uint64_t packed) {
    SourceLocation at(nullptr, 0);
    at.packed_ = packed;
    return at;
  }

 private:
  static constexpr int kLineBits = 16, kLines = 1 << kLineBits;
  std::uint64_t packed_;
};

/// "examples/date_conversion.cpp:42".
void append(std::string& out, const SourceLocation& at);

/// Places as small numbers, for what is made in great numbers. A place keeps its number; 0 is that of no place
/// and of places beyond the first sixteen thousand or so.
namespace source_locations {

inline constexpr std::uint32_t kSlots = 16'384;
/// Of each number the place, packed; the first is that of no place.
inline constinit std::atomic<std::uint64_t> slots[kSlots]{};

inline std::uint32_t first_slot(std::uint64_t packed) {
  return static_cast<std::uint32_t>(packed * 0x9e3779b97f4a7c15 >> 50);  // 14 bits
}
std::uint32_t find_or_add(std::uint64_t packed) noexcept;

inline std::uint32_t number_of(const SourceLocation& at) {
  const std::uint32_t likely = first_slot(at.packed());
  return slots[likely].load(std::memory_order_relaxed) == at.packed() ? likely : find_or_add(at.packed());
}
inline SourceLocation at_number(std::uint32_t number) {
  return SourceLocation::unpacked(slots[number].load(std::memory_order_relaxed));
}

}  // namespace source_locations

}  // namespace heed
