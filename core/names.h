// Names as small numbers, for what is made in great numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heed::names {

/// The number of a name, the same each time; 0 is that of the empty one. Names are kept for ever.
std::uint32_t number_of(std::string_view name);
const std::string& at_number(std::uint32_t number);

}  // namespace heed::names
