#include "core/source_location.h"

#include "core/error.h"

namespace heed {

void append(std::string& out, const SourceLocation& at) {
  append(out, at.known() ? text(at.file(), ":", at.line()) : "an unknown line");
}

namespace source_locations {

std::uint32_t find_or_add(std::uint64_t packed) noexcept {
  constexpr std::uint32_t kMostProbes = 64;
  for (std::uint32_t probe = 0; probe < kMostProbes; ++probe) {
    const std::uint32_t number = (first_slot(packed) + probe) % kSlots;
    if (number == 0) continue;
    std::uint64_t there = 0;
    if (slots[number].compare_exchange_strong(there, packed, std::memory_order_relaxed) || there == packed)
      return number;
  }
  return 0;
}

}  // namespace source_locations

}  // namespace heed
