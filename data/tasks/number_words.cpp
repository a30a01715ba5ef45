#include "data/tasks/number_words.h"

#include <array>
#include <numeric>
#include <string_view>

#include "core/error.h"
#include "data/tasks/distinct.h"

namespace heed::tasks {
namespace {

constexpr std::int64_t kNumbers = 1'000'000;
constexpr int kMaxDigits = 6;

template <std::size_t N>
std::string_view name(const std::array<std::string_view, N>& names, std::int64_t i) {
  return names[static_cast<std::size_t>(i)];
}

// ---- English

std::string english_below_hundred(std::int64_t n) {
  static constexpr std::array<std::string_view, 20> kSmall = {
      "zero",     "one",     "two",     "three",     "four",     "five",    "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                             "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (n < 20) return std::string(name(kSmall, n));
  return n % 10 == 0 ? std::string(name(kTens, n / 10)) : text(name(kTens, n / 10), "-", name(kSmall, n % 10));
}

std::string english(std::int64_t n) {
  if (n >= 1000) return english(n / 1000) + " thousand" + (n % 1000 == 0 ? "" : " " + english(n % 1000));
  if (n < 100) return english_below_hundred(n);
  return english_below_hundred(n / 100) + " hundred" + (n % 100 == 0 ? "" : " " + english(n % 100));
}

// ---- French: `last` says that no numeral follows, so that "vingts" and "cents" keep their s.

std::string french_below_hundred(std::int64_t n, bool last) {
  static constexpr std::array<std::string_view, 17> kSmall = {
      "zéro", "un",  "deux", "trois", "quatre", "cinq",     "six",    "sept", "huit",
      "neuf", "dix", "onze", "douze", "treize", "quatorze", "quinze", "seize"};
  static constexpr std::array<std::string_view, 10> kTens = {
      "",          "dix",      "vingt",    "trente",       "quarante",
      "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"};
  if (n < 17) return std::string(name(kSmall, n));
  if (n == 80 && last) return "quatre-vingts";
  const std::int64_t tens = n / 10, rest = n % 10 + (tens == 7 || tens == 9 ? 10 : 0);  // 70 is sixty and ten
  if (rest == 0) return std::string(name(kTens, tens));
  const bool joined_by_et = (rest == 1 || rest == 11) && tens < 8;
  return text(name(kTens, tens), joined_by_et ? " et " : "-", french_below_hundred(rest, last));
}

std::string french(std::int64_t n, bool last = true) {
  if (n >= 1000)
    return (n < 2000 ? "" : french(n / 1000, false) + " ") + "mille" +
           (n % 1000 == 0 ? "" : " " + french(n % 1000));
  if (n < 100) return french_below_hundred(n, last);
  const std::string hundreds = n < 200 ? "cent" : french_below_hundred(n / 100, false) + " cent";
  if (n % 100 == 0) return hundreds + (n > 100 && last ? "s" : "");
  return hundreds + " " + french_below_hundred(n % 100, last);
}

// ---- German: `last` says that nothing follows, so that one is "eins".

std::string german(std::int64_t n, bool last = true) {
  static constexpr std::array<std::string_view, 20> kSmall = {
      "null",     "ein",      "zwei",     "drei",     "vier",     "fünf",    "sechs",
      "sieben",   "acht",     "neun",     "zehn",     "elf",      "zwölf",   "dreizehn",
      "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"};
  static constexpr std::array<std::string_view, 10> kTens = {
      "", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"};
  const auto rest = [&](std::int64_t r) { return r == 0 ? std::string() : german(r, last); };
  if (n >= 1000) return german(n / 1000, false) + "tausend" + rest(n % 1000);
  if (n >= 100) return german(n / 100, false) + "hundert" + rest(n % 100);
  if (n < 20) return text(name(kSmall, n), n == 1 && last ? "s" : "");
  return (n % 10 == 0 ? "" : german(n % 10, false) + "und") + std::string(name(kTens, n / 10));
}

}  // namespace

std::string number_words(std::int64_t number, Language language) {
  if (number < 0 || number >= kNumbers)
    throw ConfigError({.what = text("number_words: the number ", number),
                       .expected = text("0 <= number <= 999999, got ", number)});
  if (language == Language::english) return english(number);
  return language == Language::french ? french(number) : german(number);
}

std::vector<std::int64_t> draw_numbers(std::int64_t count, Rng& rng, int max_digits) {
  if (max_digits < 1 || max_digits > kMaxDigits)
    throw ConfigError({.what = text("draw_numbers: max_digits is ", max_digits),
                       .expected = text("1 <= max_digits <= ", kMaxDigits, ", got ", max_digits)});
  std::array<std::int64_t, kMaxDigits + 1> power{1};
  for (std::size_t i = 1; i < power.size(); ++i) power[i] = power[i - 1] * 10;
  const std::int64_t existing = power[static_cast<std::size_t>(max_digits)];
  if (count < 1 || count > existing)
    throw ConfigError(
        {.what = text("draw_numbers: ", count, " numbers of at most ", max_digits, " digits asked for"),
         .expected = text("1 <= count <= ", existing, ", got ", count)});
  const auto propose = [&](std::int64_t) {
    const auto digits = static_cast<std::size_t>(rng.between(1, max_digits));
    return rng.between(digits == 1 ? 0 : power[digits - 1], power[digits] - 1);
  };
  const auto every = [&] {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(existing));
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    return numbers;
  };
  return draw_distinct<std::int64_t>(count, rng, propose, every);
}

Pairs number_words(std::int64_t count, Language from, Language to, Rng& rng) {
  if (from == to) throw ConfigError({.what = "number_words: source and target are in the same language"});
  Pairs pairs;
  for (const std::int64_t number : draw_numbers(count, rng))
    pairs.push_back({number_words(number, from), number_words(number, to)});
  return pairs;
}

Pairs all_directions(std::span<const std::int64_t> numbers) {
  static constexpr std::array<std::string_view, 3> kTags = {"2en ", "2fr ", "2de "};
  Pairs pairs;
  for (const std::int64_t number : numbers) {
    const std::array<std::string, 3> words = {number_words(number, Language::english),
                                              number_words(number, Language::french),
                                              number_words(number, Language::german)};
    for (std::size_t from = 0; from < words.size(); ++from)
      for (std::size_t to = 0; to < words.size(); ++to)
        if (from != to) pairs.push_back({std::string(kTags[to]) + words[from], words[to]});
  }
  return pairs;
}

}  // namespace heed::tasks
