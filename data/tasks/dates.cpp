#include "data/tasks/dates.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/tasks/distinct.h"

namespace heed::tasks {
namespace {

using Date = std::chrono::year_month_day;

enum class Style {
  kMonthDayYear,
  kShortMonthDayYear,
  kWeekdayMonthDayYear,
  kSlashes,
  kDayMonthYear,
  kDayShortMonthYear,
  kOrdinalDayMonth,
  kOrdinalMonthDay,
  kYearSlashes,
  kDots,
};

enum class Letters { kTitle, kLower, kUpper };

// One way to write any date, and how often it is taken.
struct Form {
  Style style{};
  Letters letters = Letters::kTitle;
  bool dot = false;         // after an abbreviated month
  bool short_year = false;  // two digits where that is unambiguous
  double weight = 0;
};

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

int year_of(const Date& date) { return static_cast<int>(date.year()); }
int month_of(const Date& date) { return static_cast<int>(static_cast<unsigned>(date.month())); }
int day_of(const Date& date) { return static_cast<int>(static_cast<unsigned>(date.day())); }

bool has_short_year(int year) { return year >= 1969 && year <= 2068; }

std::string two_digits(int value) { return text(value / 10 % 10, value % 10); }

std::string_view long_month(const Date& date) { return kMonths[static_cast<std::size_t>(month_of(date) - 1)]; }

std::string short_month(const Date& date, bool dot) {
  const std::string_view name = long_month(date);
  return text(name.substr(0, 3), dot && name.size() > 3 ? "." : "");
}

std::string_view weekday_name(const Date& date) {
  return kWeekdays[std::chrono::weekday(std::chrono::sys_days(date)).c_encoding()];
}

std::string ordinal(int day) {
  const bool teen = day >= 11 && day <= 13;
  const char* const suffix = teen            ? "th"
                             : day % 10 == 1 ? "st"
                             : day % 10 == 2 ? "nd"
                             : day % 10 == 3 ? "rd"
                                             : "th";
  return text(day, suffix);
}

std::string in_title_case(const Date& date, const Form& form) {
  const int year = year_of(date), month = month_of(date), day = day_of(date);
  const auto slashed_year = [&] {
    return form.short_year && has_short_year(year) ? two_digits(year) : std::to_string(year);
  };
  switch (form.style) {
    case Style::kMonthDayYear:
      return text(long_month(date), " ", day, ", ", year);
    case Style::kShortMonthDayYear:
      return text(short_month(date, form.dot), " ", day, ", ", year);
    case Style::kWeekdayMonthDayYear:
      return text(weekday_name(date), ", ", long_month(date), " ", day, ", ", year);
    case Style::kSlashes:
      return text(month, "/", day, "/", slashed_year());
    case Style::kDayMonthYear:
      return text(day, " ", long_month(date), " ", year);
    case Style::kDayShortMonthYear:
      return text(day, " ", short_month(date, form.dot), " ", year);
    case Style::kOrdinalDayMonth:
      return text(ordinal(day), " of ", long_month(date), " ", year);
    case Style::kOrdinalMonthDay:
      return text(long_month(date), " ", ordinal(day), ", ", year);
    case Style::kYearSlashes:
      return text(year, "/", month, "/", day);
    case Style::kDots:
      return text(day, ".", month, ".", year);
  }
  return {};
}

Pair write(const Date& date, const Form& form) {
  std::string source = in_title_case(date, form);
  // By hand: what std::toupper makes of a letter depends on the locale of the program.
  for (char& c : source) {
    if (form.letters == Letters::kLower && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (form.letters == Letters::kUpper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return {std::move(source),
          text(year_of(date), "-", two_digits(month_of(date)), "-", two_digits(day_of(date)))};
}

// All forms of positive weight.
std::vector<Form> forms_of(const DateOptions& options) {
  std::vector<Form> forms;
  const auto add = [&](const Form& form) {
    if (form.weight > 0) forms.push_back(form);
  };
  const auto words = [&](Style style, double weight, bool dot = false) {
    add({.style = style, .letters = Letters::kTitle, .dot = dot, .weight = weight * 0.5});
    add({.style = style, .letters = Letters::kLower, .dot = dot, .weight = weight * 0.25});
    add({.style = style, .letters = Letters::kUpper, .dot = dot, .weight = weight * 0.25});
  };
  const auto abbreviated = [&](Style style, double weight) {
    words(style, weight * (1 - options.abbreviation_dot), false);
    words(style, weight * options.abbreviation_dot, true);
  };
  words(Style::kMonthDayYear, options.month_day_year);
  abbreviated(Style::kShortMonthDayYear, options.short_month_day_year);
  words(Style::kWeekdayMonthDayYear, options.weekday_month_day_year);
  add({.style = Style::kSlashes, .short_year = true, .weight = options.slashes * options.two_digit_year});
  add({.style = Style::kSlashes, .weight = options.slashes * (1 - options.two_digit_year)});
  words(Style::kDayMonthYear, options.day_month_year);
  abbreviated(Style::kDayShortMonthYear, options.day_short_month_year);
  words(Style::kOrdinalDayMonth, options.ordinal_day_month);
  words(Style::kOrdinalMonthDay, options.ordinal_month_day);
  add({.style = Style::kYearSlashes, .weight = options.year_slashes});
  add({.style = Style::kDots, .weight = options.dots});
  return forms;
}

void check(std::int64_t count, const DateOptions& options) {
  if (count < 1)
    throw ConfigError({.what = text("dates: ", count, " examples asked for"), .expected = "count >= 1"});
  if (options.first_year < 1583 || options.last_year > 9999 || options.first_year > options.last_year)
    throw ConfigError({.what = text("dates: the years ", options.first_year, " ... ", options.last_year),
                       .expected = "1583 <= first_year <= last_year <= 9999"});
  for (const double weight :
       {options.month_day_year, options.short_month_day_year, options.weekday_month_day_year, options.slashes,
        options.day_month_year, options.day_short_month_year, options.ordinal_day_month,
        options.ordinal_month_day, options.year_slashes, options.dots}) {
    if (!(weight >= 0) || !std::isfinite(weight))
      throw ConfigError(
          {.what = text("dates: a form has the weight ", weight), .expected = "weights finite and >= 0"});
  }
  for (const double probability : {options.abbreviation_dot, options.two_digit_year})
    if (!(probability >= 0 && probability <= 1))
      throw ConfigError({.what = text("dates: a probability is ", probability),
                         .expected = "abbreviation_dot and two_digit_year in [0, 1]"});
}

// How many sources exist. Which forms of a day coincide depends only on its month (May has no abbreviation) and
// on whether the year has a short form, so one day of each kind stands for all.
std::int64_t existing(const std::vector<Form>& forms, const DateOptions& options) {
  const auto spellings = [&](int year, unsigned month) {
    std::set<std::string> sources;
    const Date day{std::chrono::year(year), std::chrono::month(month), std::chrono::day(1)};
    for (const Form& form : forms) sources.insert(write(day, form).source);
    return static_cast<std::int64_t>(sources.size());
  };
  std::int64_t total = 0;
  for (unsigned month = 1; month <= 12; ++month) {
    const std::int64_t with_short_year = spellings(2000, month), without = spellings(1900, month);
    for (int year = options.first_year; year <= options.last_year; ++year) {
      const std::chrono::year_month_day_last last{std::chrono::year(year),
                                                  std::chrono::month_day_last(std::chrono::month(month))};
      const std::int64_t days = static_cast<std::int64_t>(static_cast<unsigned>(last.day()));
      total += days * (has_short_year(year) ? with_short_year : without);
    }
  }
  return total;
}

struct SourceHash {
  std::size_t operator()(const Pair& pair) const { return std::hash<std::string>{}(pair.source); }
};

}  // namespace

DateOptions book_dates() {
  return {.first_year = 1970,
          .last_year = 2017,
          .distinct = false,
          .month_day_year = 23,
          .short_month_day_year = 27,
          .weekday_month_day_year = 25,
          .slashes = 25,
          .day_month_year = 0,
          .day_short_month_year = 0,
          .ordinal_day_month = 0,
          .ordinal_month_day = 0,
          .year_slashes = 0,
          .dots = 0,
          .abbreviation_dot = 0,
          .two_digit_year = 1};
}

Pairs dates(std::int64_t count, Rng& rng, const DateOptions& options) {
  using namespace std::chrono;
  check(count, options);
  const std::vector<Form> forms = forms_of(options);
  const auto first = sys_days(year(options.first_year) / January / 1).time_since_epoch().count();
  const auto last = sys_days(year(options.last_year) / December / 31).time_since_epoch().count();
  double total = 0;
  for (const Form& form : forms) total += form.weight;
  if (!(total > 0) || !std::isfinite(total))
    throw ConfigError({.what = text("dates: the weights of the forms add up to ", total),
                       .expected = "a sum that is finite and > 0"});

  const auto draw_form = [&]() -> const Form& {
    double rest = rng.uniform(0, total);
    for (const Form& form : forms)
      if ((rest -= form.weight) < 0) return form;
    return forms.back();
  };
  const auto write_day = [](std::int64_t number, const Form& form) {
    return write(Date(sys_days(days(static_cast<days::rep>(number)))), form);
  };

  if (!options.distinct) {
    Pairs pairs;
    for (std::int64_t i = 0; i < count; ++i) {
      const Form& form = draw_form();
      pairs.push_back(write_day(rng.between(first, last), form));
    }
    return pairs;
  }

  const std::int64_t limit = existing(forms, options);
  if (count > limit)
    throw ConfigError({.what = text("dates: ", count, " distinct sources asked for, but for the years ",
                                    options.first_year, " ... ", options.last_year, " only ", limit, " exist"),
                       .expected = text("count <= ", limit, ", got ", count)});
  // A rejected form is kept for a while and only its date drawn again: forms with few spellings would else lose
  // to those with many, and the weights would not hold.
  constexpr std::int64_t kTries = 64;
  const Form* form = nullptr;
  const auto propose = [&](std::int64_t rejected) {
    if (rejected % kTries == 0) form = &draw_form();
    return write_day(rng.between(first, last), *form);
  };
  const auto every = [&] {
    Pairs pairs;
    for (auto day = first; day <= last; ++day)
      for (const Form& each : forms) pairs.push_back(write_day(day, each));
    return pairs;
  };
  return draw_distinct<Pair, SourceHash>(count, rng, propose, every);
}

}  // namespace heed::tasks
