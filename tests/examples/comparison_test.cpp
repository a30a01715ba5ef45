#include "examples/common/comparison.h"

#include "tests/catch.h"
#include "tests/markup.h"

using namespace heed;
using namespace heed::programs;
using heed::tests::ContainsSubstring;

namespace {

Course course(const std::string& name, std::vector<double> exact, double loss) {
  Course made{.name = name, .parameters = 1234};
  made.history.exact = std::move(exact);
  made.history.epoch_losses.assign(made.history.exact.size(), loss);
  made.history.examples = 3000;
  made.history.seconds = 1.5;
  return made;
}

}  // namespace

TEST_CASE(
    "comparison: the table has a row a model and a column an epoch; one that was stopped has empty cells") {
  const Table table = table_of({course("seq2seq", {0, 0.125, 1}, 1), course("peeky", {0.5}, 1)}, 40);
  CHECK_THAT(table.caption, ContainsSubstring("percentage of 40 unseen examples"));
  CHECK(to_text(table) ==
        "model    parameters  examples/s  epoch 1      2       3\n"
        "seq2seq        1234        2000     0.00  12.50  100.00\n"
        "peeky          1234        2000    50.00               \n");
}

TEST_CASE("comparison: the best ends with the most right; among several such it has the least loss") {
  CHECK(best_of({course("a", {0.9, 0.2}, 0.1), course("b", {0.1, 0.3}, 2)}).name == "b");
  CHECK(best_of({course("a", {0.3}, 0.2), course("b", {0.3}, 0.1), course("c", {0.3}, 0.3)}).name == "b");
}

TEST_CASE("comparison: every model that a configuration can name has a name, each another") {
  const std::vector<std::string> names = model_names();
  CHECK(names.size() >= 4);
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(std::find(names.begin(), names.end(), names[i]) == names.begin() + static_cast<std::ptrdiff_t>(i));
}
