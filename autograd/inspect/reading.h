// Reading what a person wrote to a debugger.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace heed::debugging {

/// The text without spaces at its ends.
inline std::string_view trimmed(std::string_view written) {
  const std::size_t first = written.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return written.substr(first, written.find_last_not_of(" \t\r") + 1 - first);
}

/// The number that the whole text is; none when it is none.
template <class Number>
std::optional<Number> number_in(std::string_view written) {
  Number number{};
  const char* const end = written.data() + written.size();
  const auto [rest, error] = std::from_chars(written.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

}  // namespace heed::debugging
