#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/plot.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

TEST_CASE("terminal columns: heights in eighths of a line, from 0 or over the decades") {
  CHECK(terminal_columns(std::vector<double>{0, 1, 2, 4, 8}, {.height = 1}) ==
        "8 ┤ ▁▂▄█\n"
        "  └─────\n");
  CHECK(terminal_columns(std::vector<double>{1, 8, 16}, {.height = 2, .first = "a", .last = "b"}) ==
        "16 ┤  █\n"
        " 8 ┤▁██\n"
        "   └───\n"
        "    a  b\n");
  const std::string log = terminal_columns(std::vector<double>{1e-6, 1e-3, 1}, {.log = true, .height = 3});
  CHECK(count_of(log, " 1 ┤  █\n") == 1);
  CHECK(count_of(log, "▁") == 1);  // the least still shows
}

TEST_CASE("terminal columns: a logarithmic scale spans two decades at least, so that noise stays small") {
  const std::string chart = terminal_columns(std::vector<double>{1, 0.9, 1}, {.log = true, .height = 1});
  CHECK(count_of(chart, "█") == 3);
}

TEST_CASE("terminal columns: what cannot be drawn, and more values than columns") {
  CHECK(terminal_columns(std::vector<double>{1, NAN, 0, INFINITY, -1}, {.height = 1}) ==
        "1 ┤█? █\n"
        "  └─────\n");
  std::vector<double> many(1000, 0.0);
  many[500] = 8;
  const std::string chart = terminal_columns(many, {.height = 1, .width = 10});
  CHECK(count_of(chart, "█") == 1);
  CHECK(count_of(chart, "─") == 10);
  CHECK(terminal_columns({}, {.height = 1}).ends_with("└\n"));
  CHECK_THROWS_AS(terminal_columns(many, {.height = 0}), ConfigError);
}

}  // namespace
}  // namespace heed::tests
