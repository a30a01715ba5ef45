#include "autograd/inspect/breakpoint.h"

#include <string>

#include "core/error.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

std::string read_back(std::string_view written) { return to_string(parse_breakpoint(written)); }

bool fits(std::string_view pattern, const Shape& shape) {
  return parse_breakpoint(pattern).shape.value().matches(shape);
}

TEST_CASE("breakpoint: what is written is understood, and written the same") {
  for (const char* const written :
       {"tanh", "decoder.out.*", "module decoder.*", "[2, *, 8]", "[..., 8]", "[]", "extent 256", "nan", "inf",
        "norm > 5", "norm > 0.125", "layers/seq2seq.cpp:120", "every", "forward", "name nan", "name a:7",
        "tanh and [4, 8] and backward", "module a and extent 3 and nan and inf and norm > 2 and b.cpp:1"})
    CHECK(read_back(written) == written);
  CHECK(read_back("  shape [2,*,8]  and  norm 5 ") == "[2, *, 8] and norm > 5");
  CHECK(read_back("norm >1e3") == "norm > 1000");
  CHECK(read_back("modules") == "modules");
  CHECK(read_back("12:30") == "12:30");
}

TEST_CASE("breakpoint: what is none says what is expected") {
  for (const char* const written : {"", "  ", "tanh and ", "[2, x]", "[2", "[..., 3, ...]", "[-1]",
                                    "extent many", "norm > large", "norm > nan", "forward and backward"})
    CHECK_THROWS_AS(parse_breakpoint(written), ConfigError);
}

TEST_CASE("breakpoint: * is any extent, ... any number of axes") {
  CHECK(fits("[2, 3]", {2, 3}));
  CHECK_FALSE(fits("[2, 3]", {2, 3, 1}));
  CHECK_FALSE(fits("[2, 3]", {3, 2}));
  CHECK(fits("[*, 3]", {7, 3}));
  CHECK_FALSE(fits("[*, 3]", {3}));
  CHECK(fits("[..., 3]", {3}));
  CHECK(fits("[..., 3]", {5, 4, 3}));
  CHECK_FALSE(fits("[..., 3]", {}));
  CHECK(fits("[2, ..., 3]", {2, 3}));
  CHECK(fits("[2, ..., 3]", {2, 9, 9, 3}));
  CHECK_FALSE(fits("[2, ..., 3]", {3}));
  CHECK(fits("[...]", {}));
  CHECK(fits("[]", {}));
  CHECK_FALSE(fits("[]", {1}));
}

TEST_CASE("breakpoint: * in a name stands for any characters") {
  CHECK(matches_pattern("tanh", "tanh"));
  CHECK_FALSE(matches_pattern("tan", "tanh"));
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("decoder.*.weight", "decoder.0.out.weight"));
  CHECK_FALSE(matches_pattern("decoder.*.weight", "decoder.weight"));
  CHECK(matches_pattern("*a*b", "aababb"));
  CHECK_FALSE(matches_pattern("*a*b", "aababc"));
  CHECK(is_within("a.b", "a"));
  CHECK(is_within("a", "a"));
  CHECK(is_within("a", ""));
  CHECK_FALSE(is_within("ab", "a"));
  CHECK_FALSE(is_within("a", "a.b"));
}

}  // namespace
}  // namespace heed::tests
