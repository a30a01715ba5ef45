// Written dates and their ISO form: the task on which attention is easy to see.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "data/pairs.h"

namespace heed::tasks {

/// What is drawn. A weight is relative to the sum of all ten and 0 leaves its form out; within a form all
/// choices are independent. Words are in title, lower or upper case as 2 : 1 : 1 (as in the data of "Deep
/// Learning from Scratch 2").
struct DateOptions {
  int first_year = 1970;  ///< dates are uniform over the days of first_year ...
  int last_year = 2029;   ///< ... to last_year, both in 1583 (the first whole Gregorian year) ... 9999
  bool distinct = true;   ///< no source occurs twice; a form that runs out of new dates gives way to the others

  double month_day_year = 20;          ///< "October 9, 1996"
  double short_month_day_year = 15;    ///< "Oct 9, 1996"
  double weekday_month_day_year = 15;  ///< "Wednesday, October 9, 1996": always the right weekday
  double slashes = 15;                 ///< "10/9/96" or "10/9/1996": month/day/year
  double day_month_year = 10;          ///< "9 October 1996"
  double day_short_month_year = 10;    ///< "9 Oct 1996"
  double ordinal_day_month = 4;        ///< "9th of October 1996"
  double ordinal_month_day = 4;        ///< "October 9th, 1996"
  double year_slashes = 4;             ///< "1996/10/9": year/month/day
  double dots = 4;                     ///< "9.10.1996": day.month.year

  double abbreviation_dot = 0.25;  ///< probability of "Oct." for "Oct"; "May" never has a dot
  double two_digit_year = 0.75;    ///< probability of "10/9/96" for "10/9/1996", where the rule below allows it
};

/// The distribution of the `date.txt` of that book, as measured: four of the ten forms, the years 1970 to 2017,
/// and sources may repeat.
DateOptions book_dates();

/// `count` dates: "Wednesday, October 9, 1996" -> "1996-10-09".
///
/// Each source has one meaning:
/// - between slashes a year of four digits in front makes it year/month/day, otherwise it is month/day/year;
/// - between dots it is day.month.year;
/// - day and month have no zero in front in any form, the two digits of a short year always stand ("2/10/03");
/// - a year of two digits is 69 ... 99 -> 1969 ... 1999 and 00 ... 68 -> 2000 ... 2068 (POSIX), so
///   dates outside 1969 ... 2068 are never written that way.
///
/// By default a day of those years has 31 spellings (19 in May). Throws ConfigError when `count` is not
/// positive or, with `distinct`, exceeds the number of sources that exist; for years outside the range or in
/// the wrong order; for weights that are negative, not finite or all 0; and for probabilities outside [0, 1].
Pairs dates(std::int64_t count, Rng& rng, const DateOptions& options = {});

}  // namespace heed::tasks
