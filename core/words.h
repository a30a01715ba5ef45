// How far words are from each other, and which one was meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// The least number of characters to insert, delete or replace that turns `a` into `b` (Levenshtein 1966).
/// Time |a| |b|, memory |b|. Throws IoError for malformed UTF-8.
std::int64_t edit_distance(std::string_view a, std::string_view b);
std::int64_t edit_distance(std::u32string_view a, std::u32string_view b);

/// The word nearest to what was written, when it is near enough to be what was meant; else empty. A word that
/// begins with two or more characters written is near.
std::string nearest_word(std::string_view written, const std::vector<std::string>& words);

}  // namespace heed
