// How far texts that a model wrote are from those expected. Characters are Unicode code points.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// The share of texts that are exactly as expected, in [0, 1].
/// Throws ShapeError when the two numbers of texts differ, ConfigError when there are none.
double exact_share(std::span<const std::string> expected, std::span<const std::string> got);

/// The sum of the edit distances over the sum of the lengths expected; above 1 when much too much was written.
/// Throws as `exact_share`, IoError for malformed UTF-8, and ConfigError when all expected texts are empty.
double character_error_rate(std::span<const std::string> expected, std::span<const std::string> got);

/// What went wrong at one position of the target.
struct PositionErrors {
  std::int64_t position = 0;
  std::int64_t expected = 0;       ///< texts that have this position; the end of a text is its last one
  std::int64_t wrong = 0;          ///< of these, the ones with something else there
  std::string most_expected{};     ///< the most frequent confusion: this was expected ...
  std::string most_got{};          ///< ... and this was got, a character or "<end>"
  std::int64_t most_frequent = 0;  ///< so many times; 0 when nothing is wrong
};

/// The errors by position from 0. Each text is followed by an end, as a model has to write it, so a text cut
/// short and one that goes on too long are wrong where the ends differ. Nothing is realigned: one character too
/// many makes all that follow it wrong (`edit_distance` does not). Of equally frequent confusions the first in
/// code-point order stands. Throws as `exact_share`, and IoError for malformed UTF-8.
std::vector<PositionErrors> errors_by_position(std::span<const std::string> expected,
                                               std::span<const std::string> got);

/// The table as lines of text, with a heading.
std::string to_string(std::span<const PositionErrors> table);

/// "28.10 %"; "-" when `whole` is 0.
std::string percent(std::int64_t part, std::int64_t whole);

}  // namespace heed
