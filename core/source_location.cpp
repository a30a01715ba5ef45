#include "core/source_location.h"

#include "core/error.h"

namespace heed {

void append(std::string& out, const SourceLocation& at) {
  append(out, at.known() ? text(at.file, ":", at.line) : "an unknown line");
}

namespace source_locations {

std::uint32_t find_or_add(std::uint64_t place) {
  constexpr std::uint32_t kMostProbes = 64;
  if (place == 0) return 0;
  for (std::uint32_t probe = 0; probe < kMostProbes; ++probe) {
    const std::uint32_t number = (first_slot(place) + probe) % kSlots;
    if (number == 0) continue;
    std::uint64_t there = 0;
    if (slots[number].compare_exchange_strong(there, place, std::memory_order_relaxed) || there == place)
      return number;
  }
  return 0;
}

SourceLocation at_number(std::uint32_t number) {
  const std::uint64_t place = slots[number].load(std::memory_order_relaxed);
  if (place == 0) return SourceLocation::unknown();
  return {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(place >> 16)),
          static_cast<int>(place & 0xffff)};
}

}  // namespace source_locations

}  // namespace heed
