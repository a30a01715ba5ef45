#include "data/metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("metrics: the exact share counts texts that are the same throughout") {
  CHECK(exact_share(Texts{"a", "b", "c", "d"}, Texts{"a", "B", "c", "d "}) == 0.5);
  CHECK(exact_share(Texts{"a"}, Texts{"a"}) == 1.0);
  CHECK(exact_share(Texts{"a"}, Texts{""}) == 0.0);
}

TEST_CASE("metrics: the character error rate is edits over characters expected") {
  CHECK(character_error_rate(Texts{"abcd", "éf"}, Texts{"abd", "ef"}) == 2.0 / 6.0);
  CHECK(character_error_rate(Texts{"a"}, Texts{"abcd"}) == 3.0);
}

TEST_CASE("metrics: errors are counted by position, the end included") {
  const Texts expected{"10", "11", "12", "1"}, got{"10", "21", "22", "10"};
  const auto table = errors_by_position(expected, got);
  REQUIRE(table.size() == 3);
  CHECK(table[0].expected == 4);
  CHECK(table[0].wrong == 2);
  CHECK(table[0].most_expected == "1");
  CHECK(table[0].most_got == "2");
  CHECK(table[0].most_frequent == 2);
  CHECK(table[1].expected == 4);
  CHECK(table[1].wrong == 1);
  CHECK(table[1].most_expected == "<end>");
  CHECK(table[1].most_got == "0");
  CHECK(table[2].expected == 3);
  CHECK(table[2].wrong == 0);
  CHECK(to_string(table) ==
        "position  expected   wrong     share  most often\n"
        "       0         4       2   50.00 %  '1' -> '2' (2)\n"
        "       1         4       1   25.00 %  <end> -> '0' (1)\n"
        "       2         3       0    0.00 %\n");
}

TEST_CASE("metrics: a text cut short is wrong from its end on") {
  const auto table = errors_by_position(Texts{"abc"}, Texts{"a"});
  REQUIRE(table.size() == 4);
  CHECK(table[0].wrong == 0);
  CHECK(table[1].wrong == 1);
  CHECK(table[2].wrong == 1);
  CHECK(table[2].most_got == "<end>");
  CHECK(table[3].wrong == 0);
}

TEST_CASE("metrics: of equally frequent confusions the first in code-point order is shown") {
  const auto table = errors_by_position(Texts{"é", "b", "a"}, Texts{"x", "y", "z"});
  CHECK(table[0].most_expected == "a");
  CHECK(table[0].most_got == "z");
}

TEST_CASE("metrics: different numbers of texts and none at all are errors") {
  CHECK(thrown<ShapeError>([] {
          exact_share(Texts{"a", "b"}, Texts{"a"});
        }) ==
        "ShapeError: exact_share: 2 texts expected, 1 got\n"
        "  requires expected.size() == got.size(), got 2 and 1");
  CHECK(thrown<ConfigError>([] { errors_by_position(Texts{}, Texts{}); }) ==
        "ConfigError: errors_by_position: there are no texts to compare");
  CHECK(thrown<ConfigError>([] { character_error_rate(Texts{""}, Texts{"a"}); }) ==
        "ConfigError: character_error_rate: all expected texts are empty");
}

TEST_CASE("metrics: percentages have two digits") {
  CHECK(percent(1, 3) == "33.33 %");
  CHECK(percent(5000, 5000) == "100.00 %");
  CHECK(percent(0, 7) == "0.00 %");
  CHECK(percent(0, 0) == "-");
}

}  // namespace heed::tests
