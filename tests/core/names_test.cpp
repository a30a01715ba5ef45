#include "core/names.h"

#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("names: a name keeps its number, another has another, the empty one has 0") {
  const std::uint32_t first = names::number_of("decoder.attention"), second = names::number_of("decoder");
  CHECK(first != second);
  CHECK(names::number_of(std::string("decoder.") + "attention") == first);
  CHECK(names::at_number(first) == "decoder.attention");
  CHECK(names::at_number(second) == "decoder");
  CHECK(names::number_of("") == 0);
  CHECK(names::at_number(0).empty());
}

}  // namespace
}  // namespace heed::tests
