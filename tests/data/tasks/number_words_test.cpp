#include "data/tasks/number_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/split.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using tasks::Language;
using tasks::number_words;

// What the words of a number add up to: "three" 3, "hundred" times 100, "thousand" times 1000.
using Values = std::map<std::string, std::int64_t, std::less<>>;

std::optional<std::int64_t> sum_of(const std::vector<std::string>& words, const Values& values,
                                   const std::string& hundred, const std::string& thousand) {
  std::int64_t total = 0, below = 0;
  for (const std::string& word : words) {
    if (word == hundred) {
      below = std::max<std::int64_t>(below, 1) * 100;
    } else if (word == thousand) {
      total = std::max<std::int64_t>(below, 1) * 1000;
      below = 0;
    } else if (const auto value = values.find(word); value != values.end()) {
      below += value->second;
    } else {
      return std::nullopt;
    }
  }
  return total + below;
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (separators.find(c) == std::string_view::npos) {
      words.back().push_back(c);
    } else {
      words.emplace_back();
    }
  }
  return words;
}

std::optional<std::int64_t> parse_english(std::string_view text) {
  static const Values values{
      {"zero", 0},      {"one", 1},       {"two", 2},       {"three", 3},    {"four", 4},     {"five", 5},
      {"six", 6},       {"seven", 7},     {"eight", 8},     {"nine", 9},     {"ten", 10},     {"eleven", 11},
      {"twelve", 12},   {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17},
      {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},   {"thirty", 30},  {"forty", 40},   {"fifty", 50},
      {"sixty", 60},    {"seventy", 70},  {"eighty", 80},   {"ninety", 90}};
  return sum_of(split(text, " -"), values, "hundred", "thousand");
}

std::optional<std::int64_t> parse_french(std::string text) {
  static const Values values{
      {"zéro", 0},    {"un", 1},        {"deux", 2},       {"trois", 3},     {"quatre", 4},   {"cinq", 5},
      {"six", 6},     {"sept", 7},      {"huit", 8},       {"neuf", 9},      {"dix", 10},     {"onze", 11},
      {"douze", 12},  {"treize", 13},   {"quatorze", 14},  {"quinze", 15},   {"seize", 16},   {"vingt", 20},
      {"trente", 30}, {"quarante", 40}, {"cinquante", 50}, {"soixante", 60}, {"octante", 80}, {"et", 0}};
  // Four times twenty becomes one word, plurals become singulars.
  for (const auto& [from, to] : {std::pair<std::string, std::string>("quatre-vingts", "octante"),
                                 {"quatre-vingt", "octante"},
                                 {"cents", "cent"}})
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from))
      text.replace(at, from.size(), to);
  return sum_of(split(text, " -"), values, "cent", "mille");
}

// The longest word that the text begins with is taken off again and again; "und" adds nothing.
std::optional<std::int64_t> parse_german(std::string_view text) {
  static const Values values{{"null", 0},      {"eins", 1},      {"ein", 1},       {"zwei", 2},
                             {"drei", 3},      {"vier", 4},      {"fünf", 5},      {"sechs", 6},
                             {"sieben", 7},    {"acht", 8},      {"neun", 9},      {"zehn", 10},
                             {"elf", 11},      {"zwölf", 12},    {"dreizehn", 13}, {"vierzehn", 14},
                             {"fünfzehn", 15}, {"sechzehn", 16}, {"siebzehn", 17}, {"achtzehn", 18},
                             {"neunzehn", 19}, {"zwanzig", 20},  {"dreißig", 30},  {"vierzig", 40},
                             {"fünfzig", 50},  {"sechzig", 60},  {"siebzig", 70},  {"achtzig", 80},
                             {"neunzig", 90},  {"und", 0},       {"hundert", 0},   {"tausend", 0}};
  std::vector<std::string> words;
  while (!text.empty()) {
    std::string_view longest;
    for (const auto& [word, value] : values)
      if (text.starts_with(word) && word.size() > longest.size()) longest = word;
    if (longest.empty()) return std::nullopt;
    words.emplace_back(longest);
    text.remove_prefix(longest.size());
  }
  return sum_of(words, values, "hundert", "tausend");
}

std::optional<std::int64_t> parse(const std::string& text, Language language) {
  if (language == Language::english) return parse_english(text);
  return language == Language::french ? parse_french(text) : parse_german(text);
}

constexpr std::array kLanguages = {Language::english, Language::french, Language::german};

struct Golden {
  std::int64_t number;
  const char *english, *french, *german;
};

}  // namespace

TEST_CASE("number words: as the grammar of each language has them") {
  const std::vector<Golden> table = {
      {0, "zero", "zéro", "null"},
      {1, "one", "un", "eins"},
      {11, "eleven", "onze", "elf"},
      {12, "twelve", "douze", "zwölf"},
      {16, "sixteen", "seize", "sechzehn"},
      {17, "seventeen", "dix-sept", "siebzehn"},
      {20, "twenty", "vingt", "zwanzig"},
      {21, "twenty-one", "vingt et un", "einundzwanzig"},
      {22, "twenty-two", "vingt-deux", "zweiundzwanzig"},
      {30, "thirty", "trente", "dreißig"},
      {40, "forty", "quarante", "vierzig"},
      {55, "fifty-five", "cinquante-cinq", "fünfundfünfzig"},
      {61, "sixty-one", "soixante et un", "einundsechzig"},
      {66, "sixty-six", "soixante-six", "sechsundsechzig"},
      {70, "seventy", "soixante-dix", "siebzig"},
      {71, "seventy-one", "soixante et onze", "einundsiebzig"},
      {72, "seventy-two", "soixante-douze", "zweiundsiebzig"},
      {77, "seventy-seven", "soixante-dix-sept", "siebenundsiebzig"},
      {80, "eighty", "quatre-vingts", "achtzig"},
      {81, "eighty-one", "quatre-vingt-un", "einundachtzig"},
      {90, "ninety", "quatre-vingt-dix", "neunzig"},
      {91, "ninety-one", "quatre-vingt-onze", "einundneunzig"},
      {99, "ninety-nine", "quatre-vingt-dix-neuf", "neunundneunzig"},
      {100, "one hundred", "cent", "einhundert"},
      {101, "one hundred one", "cent un", "einhunderteins"},
      {111, "one hundred eleven", "cent onze", "einhundertelf"},
      {121, "one hundred twenty-one", "cent vingt et un", "einhunderteinundzwanzig"},
      {180, "one hundred eighty", "cent quatre-vingts", "einhundertachtzig"},
      {200, "two hundred", "deux cents", "zweihundert"},
      {201, "two hundred one", "deux cent un", "zweihunderteins"},
      {280, "two hundred eighty", "deux cent quatre-vingts", "zweihundertachtzig"},
      {700, "seven hundred", "sept cents", "siebenhundert"},
      {1000, "one thousand", "mille", "eintausend"},
      {1001, "one thousand one", "mille un", "eintausendeins"},
      {1100, "one thousand one hundred", "mille cent", "eintausendeinhundert"},
      {1200, "one thousand two hundred", "mille deux cents", "eintausendzweihundert"},
      {2000, "two thousand", "deux mille", "zweitausend"},
      {2080, "two thousand eighty", "deux mille quatre-vingts", "zweitausendachtzig"},
      {21'000, "twenty-one thousand", "vingt et un mille", "einundzwanzigtausend"},
      {71'071, "seventy-one thousand seventy-one", "soixante et onze mille soixante et onze",
       "einundsiebzigtausendeinundsiebzig"},
      {80'000, "eighty thousand", "quatre-vingt mille", "achtzigtausend"},
      {80'080, "eighty thousand eighty", "quatre-vingt mille quatre-vingts", "achtzigtausendachtzig"},
      {100'000, "one hundred thousand", "cent mille", "einhunderttausend"},
      {101'000, "one hundred one thousand", "cent un mille", "einhunderteintausend"},
      {200'000, "two hundred thousand", "deux cent mille", "zweihunderttausend"},
      {200'200, "two hundred thousand two hundred", "deux cent mille deux cents",
       "zweihunderttausendzweihundert"},
      {280'000, "two hundred eighty thousand", "deux cent quatre-vingt mille", "zweihundertachtzigtausend"},
      {999'999, "nine hundred ninety-nine thousand nine hundred ninety-nine",
       "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
       "neunhundertneunundneunzigtausendneunhundertneunundneunzig"}};
  for (const auto& [number, english, french, german] : table) {
    CHECK(number_words(number, Language::english) == english);
    CHECK(number_words(number, Language::french) == french);
    CHECK(number_words(number, Language::german) == german);
  }
}

TEST_CASE("number words: what they add up to is the number, so no two numbers are written alike") {
  // All up to 20,000 and then every 37th: each number of thousands with many rests, and each rest.
  for (const Language language : kLanguages) {
    int wrong = 0;
    for (std::int64_t number = 0; number < 1'000'000; number += number < 20'000 ? 1 : 37)
      wrong += parse(number_words(number, language), language) == number ? 0 : 1;
    CHECK(wrong == 0);
  }
}

TEST_CASE("number words: pairs are the same number in two languages, each number once") {
  Rng rng(1);
  const Pairs pairs = number_words(2000, Language::english, Language::french, rng);
  std::set<std::int64_t> numbers;
  for (const auto& [source, target] : pairs) {
    const std::int64_t number = parse_english(source).value();
    CHECK(parse_french(target) == number);
    numbers.insert(number);
  }
  CHECK(numbers.size() == 2000);
}

TEST_CASE("number words: every number of digits is about as frequent until the short numbers run out") {
  Rng rng(2);
  std::array<int, 7> count{};
  for (const std::int64_t number : tasks::draw_numbers(3000, rng)) ++count[std::to_string(number).size()];
  CHECK(count[1] == 10);
  CHECK(count[2] == 90);
  // 645 each expected of the four other numbers of digits, with a standard deviation of 22.
  CHECK(count[3] > 400);
  for (std::size_t digits = 4; digits <= 6; ++digits) {
    INFO(digits << " digits");
    CHECK(count[digits] > 600);
    CHECK(count[digits] < 900);
  }
}

TEST_CASE("number words: all numbers that there are can be drawn, each once") {
  Rng rng(3);
  std::vector<std::int64_t> numbers = tasks::draw_numbers(1000, rng, 3);
  CHECK_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::int64_t> expected(1000);
  std::iota(expected.begin(), expected.end(), std::int64_t{0});
  CHECK(numbers == expected);
}

TEST_CASE("number words: six directions from each number, and none leaks when the numbers are parted") {
  CHECK(tasks::all_directions(std::vector<std::int64_t>{80}) == Pairs{{"2fr eighty", "quatre-vingts"},
                                                                      {"2de eighty", "achtzig"},
                                                                      {"2en quatre-vingts", "eighty"},
                                                                      {"2de quatre-vingts", "achtzig"},
                                                                      {"2en achtzig", "eighty"},
                                                                      {"2fr achtzig", "quatre-vingts"}});
  Rng rng(4);
  const std::vector<std::int64_t> numbers = tasks::draw_numbers(400, rng);
  const LeakReport report = leak_report(tasks::all_directions(std::span(numbers).first(300)),
                                        tasks::all_directions(std::span(numbers).subspan(300)));
  CHECK(report.train_sources == 1800 - 1);  // "2de six" comes from English and from French
  CHECK(report.unseen_sources == 600);
  CHECK(report.source_in_train == 0);
  CHECK(report.target_in_train == 0);
}

TEST_CASE("number words: the same seed gives the same pairs on every machine") {
  Rng one(42), two(42);
  const Pairs pairs = number_words(50, Language::german, Language::english, one);
  CHECK(pairs == number_words(50, Language::german, Language::english, two));
  CHECK(pairs[0] == Pair{"zweitausendeinhundertneunundachtzig", "two thousand one hundred eighty-nine"});
  CHECK(pairs[49] == Pair{"siebentausendfünfhundertfünfundzwanzig", "seven thousand five hundred twenty-five"});
}

TEST_CASE("number words: numbers outside, too many of them and one language twice are errors") {
  Rng rng(5);
  CHECK(thrown<ConfigError>([] { number_words(1'000'000, Language::french); }) ==
        "ConfigError: number_words: the number 1000000\n  requires 0 <= number <= 999999, got 1000000");
  CHECK_THROWS_AS(number_words(-1, Language::german), ConfigError);
  CHECK(thrown<ConfigError>([&] { number_words(5, Language::german, Language::german, rng); }) ==
        "ConfigError: number_words: source and target are in the same language");
  CHECK(thrown<ConfigError>([&] { tasks::draw_numbers(101, rng, 2); }) ==
        "ConfigError: draw_numbers: 101 numbers of at most 2 digits asked for\n"
        "  requires 1 <= count <= 100, got 101");
  CHECK_THROWS_AS(tasks::draw_numbers(0, rng), ConfigError);
  CHECK_THROWS_AS(tasks::draw_numbers(1, rng, 7), ConfigError);
}

}  // namespace heed::tests
