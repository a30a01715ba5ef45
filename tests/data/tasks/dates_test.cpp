#include "data/tasks/dates.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using tasks::DateOptions;

const std::vector<std::string> kMonths = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};
const std::vector<std::string> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                            "thursday", "friday", "saturday"};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in(int month, int year) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// 0 for Sunday (Sakamoto 1992), so that nothing here leans on the calendar of the generator.
int weekday_of(int year, int month, int day) {
  static constexpr std::array<int, 12> kShift = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
  const int y = month < 3 ? year - 1 : year;
  return (y + y / 4 - y / 100 + y / 400 + kShift[static_cast<std::size_t>(month - 1)] + day) % 7;
}

int position(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

std::vector<int> numbers_of(const std::string& source, char separator) {
  std::vector<int> numbers;
  std::string digits;
  for (const char c : source + separator) {
    if (c == separator) {
      if (digits.empty()) return {};
      numbers.push_back(std::stoi(digits)), digits.clear();
    } else if (c >= '0' && c <= '9') {
      digits.push_back(c);
    } else {
      return {};
    }
  }
  return numbers;
}

struct Reading {
  std::string form;  // the field of DateOptions that it belongs to
  int year = 0, month = 0, day = 0;
};

std::optional<Reading> read_slashes(const std::string& source) {
  const std::vector<int> n = numbers_of(source, '/');
  if (n.size() != 3) return std::nullopt;
  if (source.find('/') == 4) return Reading{"year_slashes", n[0], n[1], n[2]};
  const bool two_digits = source.size() - source.rfind('/') == 3;
  const int year = !two_digits ? n[2] : n[2] >= 69 ? 1900 + n[2] : 2000 + n[2];
  return Reading{two_digits ? "slashes, two digits" : "slashes", year, n[0], n[1]};
}

// Takes the words of a source apart: lower case, without the commas, each word by what it can be.
std::optional<Reading> read_words(std::string source) {
  std::vector<std::string> words(1);
  std::string shape;
  for (const char c : source) {
    if (c == ' ')
      words.emplace_back();
    else if (c != ',')
      words.back().push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  Reading reading;
  int weekday = -1;
  bool dotted = false, ordinal = false;
  for (std::string& word : words) {
    if (word.ends_with('.')) word.pop_back(), dotted = true;
    if (word == "of") {
      shape += 'o';
    } else if (position(kWeekdays, word) >= 0) {
      weekday = position(kWeekdays, word), shape += 'w';
    } else if (position(kMonths, word) >= 0) {
      reading.month = position(kMonths, word) + 1, shape += 'M';
    } else if (word.size() == 3 && std::isalpha(static_cast<unsigned char>(word[0])) != 0) {
      for (int month = 1; month <= 12; ++month)
        if (kMonths[static_cast<std::size_t>(month - 1)].starts_with(word)) reading.month = month;
      shape += 'm';
    } else if (word.size() == 4 && numbers_of(word, '/').size() == 1) {
      reading.year = std::stoi(word), shape += 'y';
    } else {
      const std::string suffix = word.substr(std::min(word.find_first_not_of("0123456789"), word.size()));
      if (word[0] < '1' || word[0] > '9') return std::nullopt;
      reading.day = std::stoi(word), shape += 'd', ordinal = !suffix.empty();
      static const std::map<int, std::string> kSuffixes = {{1, "st"},  {2, "nd"},  {3, "rd"}, {21, "st"},
                                                           {22, "nd"}, {23, "rd"}, {31, "st"}};
      const auto special = kSuffixes.find(reading.day);
      if (ordinal && suffix != (special == kSuffixes.end() ? "th" : special->second)) return std::nullopt;
    }
  }
  if (weekday >= 0 && weekday != weekday_of(reading.year, reading.month, reading.day)) return std::nullopt;
  if (dotted && shape.find('m') == std::string::npos) return std::nullopt;
  static const std::map<std::string, std::string> kForms = {
      {"Mdy", "month_day_year"}, {"mdy", "short_month_day_year"}, {"wMdy", "weekday_month_day_year"},
      {"dMy", "day_month_year"}, {"dmy", "day_short_month_year"}, {"doMy", "ordinal_day_month"}};
  const auto form = kForms.find(shape);
  if (form == kForms.end() || ordinal != (shape == "doMy" || (shape == "Mdy" && ordinal))) return std::nullopt;
  reading.form = shape == "Mdy" && ordinal ? "ordinal_month_day" : form->second;
  return reading;
}

std::optional<Reading> read(const std::string& source) {
  if (source.find('/') != std::string::npos) return read_slashes(source);
  const std::vector<int> n = numbers_of(source, '.');
  if (n.size() == 3) return Reading{"dots", n[2], n[1], n[0]};
  return read_words(source);
}

std::string iso(const Reading& date) {
  const auto padded = [](int value) { return text(value < 10 ? "0" : "", value); };
  return text(date.year, "-", padded(date.month), "-", padded(date.day));
}

// Every weight 0: a test switches on what it is about.
DateOptions nothing_but(double DateOptions::*form) {
  DateOptions options = tasks::book_dates();
  options.month_day_year = options.short_month_day_year = options.weekday_month_day_year = options.slashes = 0;
  options.*form = 1;
  options.distinct = true;
  return options;
}

std::size_t distinct_sources(const Pairs& pairs) {
  std::set<std::string> sources;
  for (const Pair& pair : pairs) sources.insert(pair.source);
  return sources.size();
}

}  // namespace

TEST_CASE("dates: an independent reader finds the target in every source") {
  Rng rng(1);
  for (const int first_year : {1583, 1890, 1970, 9000}) {
    std::string wrong;
    for (const Pair& pair :
         tasks::dates(20000, rng, {.first_year = first_year, .last_year = first_year + 200})) {
      const auto reading = read(pair.source);
      if (!reading || iso(*reading) != pair.target) wrong = pair.source + " -> " + pair.target;
      if (reading && reading->day > days_in(reading->month, reading->year)) wrong = pair.target;
    }
    CHECK(wrong == "");
  }
}

TEST_CASE("dates: the forms have the shares that their weights say, although sources are distinct") {
  Rng rng(2);
  std::map<std::string, double> share;
  int may = 0;
  const Pairs pairs = tasks::dates(50000, rng);
  for (const Pair& pair : pairs) {
    const auto reading = read(pair.source);
    REQUIRE(reading);
    if (reading->month == 5) {
      ++may;  // "May" may be the long or the short name
      continue;
    }
    share[reading->form] += 1;
  }
  for (auto& [form, value] : share) value /= static_cast<double>(std::ssize(pairs) - may);
  const std::map<std::string, double> expected = {{"month_day_year", 0.20},
                                                  {"short_month_day_year", 0.15},
                                                  {"weekday_month_day_year", 0.15},
                                                  {"slashes, two digits", 0.1125},
                                                  {"slashes", 0.0375},
                                                  {"day_month_year", 0.10},
                                                  {"day_short_month_year", 0.10},
                                                  {"ordinal_day_month", 0.04},
                                                  {"ordinal_month_day", 0.04},
                                                  {"year_slashes", 0.04},
                                                  {"dots", 0.04}};
  CHECK(share.size() == expected.size());
  for (const auto& [form, value] : expected) {
    INFO(form);
    CHECK(std::abs(share[form] - value) < 0.006);
  }
  CHECK(distinct_sources(pairs) == pairs.size());
}

TEST_CASE("dates: letters are title, lower and upper case as 2 : 1 : 1") {
  Rng rng(3);
  std::map<char, int> count;
  DateOptions options = nothing_but(&DateOptions::month_day_year);
  options.distinct = false;
  for (const Pair& pair : tasks::dates(8000, rng, options)) {
    const bool first = pair.source[0] >= 'A' && pair.source[0] <= 'Z';
    const bool second = pair.source[1] >= 'A' && pair.source[1] <= 'Z';
    ++count[first ? second ? 'U' : 'T' : second ? '?' : 'l'];
  }
  CHECK(std::abs(count['T'] - 4000) < 150);
  CHECK(std::abs(count['l'] - 2000) < 150);
  CHECK(std::abs(count['U'] - 2000) < 150);
}

TEST_CASE("dates: weekdays of known days are right") {
  const std::map<std::string, std::string> known = {
      {"1583-01-01", "saturday, january 1, 1583"},  {"1900-01-01", "monday, january 1, 1900"},
      {"1969-07-20", "sunday, july 20, 1969"},      {"1970-01-01", "thursday, january 1, 1970"},
      {"2000-02-29", "tuesday, february 29, 2000"}, {"2024-02-29", "thursday, february 29, 2024"},
      {"9999-12-31", "friday, december 31, 9999"}};
  Rng rng(4);
  for (const auto& [target, source] : known) {
    DateOptions options = nothing_but(&DateOptions::weekday_month_day_year);
    options.first_year = options.last_year = std::stoi(target);
    const Pairs pairs = tasks::dates(3 * (is_leap(options.first_year) ? 366 : 365), rng, options);
    CHECK(std::find(pairs.begin(), pairs.end(), Pair{source, target}) != pairs.end());
  }
}

TEST_CASE("dates: a leap year has its 29th of February and every other day, an ordinary year all but that") {
  Rng rng(5);
  for (const int year : {1900, 1996, 1999, 2000, 2100}) {
    DateOptions options = nothing_but(&DateOptions::dots);
    options.first_year = options.last_year = year;
    std::set<std::string> expected, made;
    for (int month = 1; month <= 12; ++month)
      for (int day = 1; day <= days_in(month, year); ++day) expected.insert(iso({"", year, month, day}));
    for (const Pair& pair : tasks::dates(std::ssize(expected), rng, options)) made.insert(pair.target);
    CHECK(made == expected);
    CHECK((made.count(text(year, "-02-29")) == 1) == is_leap(year));
  }
}

TEST_CASE("dates: two digits are written for 1969 ... 2068 only") {
  Rng rng(6);
  DateOptions options = nothing_but(&DateOptions::slashes);
  for (const auto& [year, written] : std::map<int, std::string>{
           {1968, "1968"}, {1969, "69"}, {1999, "99"}, {2000, "00"}, {2068, "68"}, {2069, "2069"}}) {
    options.first_year = options.last_year = year;
    for (const Pair& pair : tasks::dates(50, rng, options)) {
      CHECK(pair.source.substr(pair.source.rfind('/') + 1) == written);
      CHECK(pair.target.starts_with(std::to_string(year)));
    }
  }
}

TEST_CASE("dates: all sources that exist can be had, and not one more") {
  Rng rng(7);
  const DateOptions options{.first_year = 1996, .last_year = 1996};
  // 31 spellings a day, but 19 in May, whose name has no abbreviation.
  const std::int64_t existing = 335 * 31 + 31 * 19;
  CHECK(static_cast<std::int64_t>(distinct_sources(tasks::dates(existing, rng, options))) == existing);
  CHECK(
      thrown<ConfigError>([&] { tasks::dates(existing + 1, rng, options); }) ==
      "ConfigError: dates: 10975 distinct sources asked for, but for the years 1996 ... 1996 only 10974 exist\n"
      "  requires count <= 10974, got 10975");
  // Outside the years of two digits both ways to write them between slashes are one.
  CHECK_THROWS_AS(tasks::dates(334 * 30 + 31 * 18 + 1, rng, {.first_year = 1950, .last_year = 1950}),
                  ConfigError);
  CHECK(tasks::dates(334 * 30 + 31 * 18, rng, {.first_year = 1950, .last_year = 1950}).size() == 10578);
}

TEST_CASE("dates: a form that runs out gives way to the others") {
  Rng rng(8);
  DateOptions options = nothing_but(&DateOptions::dots);
  options.first_year = options.last_year = 1999;
  options.month_day_year = 0.001;
  const Pairs pairs = tasks::dates(365 + 100, rng, options);
  CHECK(distinct_sources(pairs) == 465);
  // And does not leave the others in a heap at the end.
  const auto is_dots = [](const Pair& pair) { return read(pair.source)->form == "dots"; };
  CHECK(std::count_if(pairs.begin(), pairs.begin() + 232, is_dots) < 220);
}

TEST_CASE("dates: repeats are allowed when asked for, in any number") {
  Rng rng(9);
  const Pairs pairs = tasks::dates(3000, rng, {.first_year = 1999, .last_year = 1999, .distinct = false});
  CHECK(pairs.size() == 3000);
  CHECK(distinct_sources(pairs) < 3000);
}

TEST_CASE("dates: the distribution of the book has its four forms and years") {
  Rng rng(10);
  std::map<std::string, int> count;
  int outside = 0;
  for (const Pair& pair : tasks::dates(10000, rng, tasks::book_dates())) {
    ++count[read(pair.source)->form];
    outside +=
        pair.target < "1970" || pair.target > "2018" || pair.source.find('.') != std::string::npos ? 1 : 0;
  }
  CHECK(outside == 0);
  CHECK(count.size() == 4);
  CHECK(std::abs(count["slashes, two digits"] - 2500) < 150);
  CHECK(std::abs(count["weekday_month_day_year"] - 2500) < 150);
}

TEST_CASE("dates: the same seed gives the same dates on every machine") {
  Rng one(42), two(42), three(43);
  const Pairs pairs = tasks::dates(100, one);
  CHECK(pairs == tasks::dates(100, two));
  CHECK_FALSE(pairs == tasks::dates(100, three));
  CHECK(pairs[0] == Pair{"MONDAY, FEBRUARY 6, 1984", "1984-02-06"});
  CHECK(pairs[99] == Pair{"june 13, 2011", "2011-06-13"});
}

TEST_CASE("dates: settings that make no sense are errors") {
  Rng rng(11);
  const auto complaint = [&](std::int64_t count, const DateOptions& options) {
    return thrown<ConfigError>([&] { tasks::dates(count, rng, options); });
  };
  CHECK(complaint(0, {}) == "ConfigError: dates: 0 examples asked for\n  requires count >= 1");
  CHECK(complaint(1, {.first_year = 2000, .last_year = 1999}) ==
        "ConfigError: dates: the years 2000 ... 1999\n  requires 1583 <= first_year <= last_year <= 9999");
  CHECK(complaint(1, {.first_year = 1582}).starts_with("ConfigError: dates: the years 1582 ... 2029"));
  CHECK(complaint(1, {.last_year = 10000}).starts_with("ConfigError: dates: the years 1970 ... 10000"));
  CHECK(complaint(1, {.dots = -1}) ==
        "ConfigError: dates: a form has the weight -1\n  requires weights finite and >= 0");
  CHECK(complaint(1, {.slashes = std::nan("")}).starts_with("ConfigError: dates: a form has the weight nan"));
  DateOptions none = nothing_but(&DateOptions::dots);
  none.dots = 0;
  CHECK(complaint(1, none) ==
        "ConfigError: dates: the weights of the forms add up to 0\n  requires a sum that is finite and > 0");
  const double huge = std::numeric_limits<double>::max();
  CHECK(complaint(1, {.slashes = huge, .dots = huge})
            .starts_with("ConfigError: dates: the weights of the forms add"));
  CHECK(complaint(1, {.two_digit_year = 1.5}) ==
        "ConfigError: dates: a probability is 1.5\n  requires abbreviation_dot and two_digit_year in [0, 1]");
}

}  // namespace heed::tests
