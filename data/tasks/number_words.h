// Numbers written out in English, French and German, as a translation task.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "data/pairs.h"

namespace heed::tasks {

enum class Language { english, french, german };

/// A number in words, all in lower case.
///
/// - English, American without "and": "two hundred one", "forty-two thousand";
/// - French of France in the traditional spelling, hyphens only below a hundred and not beside "et": "vingt et
///   un", "soixante et onze", "quatre-vingt-un"; "quatre-vingts" and "deux cents" lose their s before another
///   numeral, also before "mille": "deux cent un", "quatre-vingt mille"; "mille" never changes;
/// - German as one word with every "ein" written: "einhunderteins", "einundzwanzigtausenddreihundert".
///
/// Throws ConfigError unless 0 <= number <= 999,999.
std::string number_words(std::int64_t number, Language language);

/// `count` different numbers of at most `max_digits` digits, 1 ... 6. How many digits a number has is uniform
/// and so are the numbers of that many digits: short numbers come more often than among uniform numbers, until
/// they run out. Throws ConfigError when `count` is not positive or exceeds 10^max_digits, or `max_digits` is
/// outside 1 ... 6.
std::vector<std::int64_t> draw_numbers(std::int64_t count, Rng& rng, int max_digits = 6);

/// `count` numbers as `draw_numbers` draws them: "eighty-one" -> "quatre-vingt-un". Each number occurs once, so
/// no split can leak the answer. Throws ConfigError as `draw_numbers`, and when both languages are the same.
Pairs number_words(std::int64_t count, Language from, Language to, Rng& rng);

/// Each number in all six directions, for one model that translates them all. The source begins with what is
/// asked for, "2en", "2fr" or "2de" (as in Johnson et al. 2017, "Google's multilingual neural machine
/// translation system"): "2fr eighty-one" -> "quatre-vingt-un". "six" is English and French, and so makes the
/// same German pair twice.
///
/// To keep training and unseen examples apart, part the numbers before:
///
///   std::vector<std::int64_t> numbers = draw_numbers(11'000, rng);
///   Pairs train = all_directions(std::span(numbers).first(10'000));
///   Pairs unseen = all_directions(std::span(numbers).subspan(10'000));
Pairs all_directions(std::span<const std::int64_t> numbers);

}  // namespace heed::tasks
