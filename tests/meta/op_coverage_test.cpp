#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/autograd/op_table.h"
#include "tests/catch.h"
#include "tests/meta/sources.h"

namespace heed::tests {
namespace {

// Lines outside namespace heed::definition, whose functions are compared with the fused ones elsewhere.
std::string without_definitions(const std::string& code) {
  std::string kept;
  bool inside = false;
  for (const std::string& line : lines_of(code)) {
    if (line.starts_with("namespace definition")) inside = true;
    if (!inside) kept.append(line).append("\n");
    if (line.starts_with("}")) inside = false;
  }
  return kept;
}

// The names of the functions that a header declares or defines at namespace scope with a result made of Vars.
std::set<std::string> operations_in(const std::string& header) {
  std::set<std::string> names;
  for (std::string line : lines_of(without_definitions(code_of(header)))) {
    for (const char* prefix : {"inline ", "[[nodiscard]] ", "inline "})
      if (line.starts_with(prefix)) line.erase(0, std::string_view(prefix).size());
    std::size_t at = 0;
    if (line.starts_with("Var "))
      at = 4;
    else if (line.starts_with("LstmOutput "))
      at = 11;
    else if (line.starts_with("RecurrentOutput "))
      at = 16;
    else if (line.starts_with("Sorted<Var> "))
      at = 12;
    else if (line.starts_with("std::array<Var") || line.starts_with("std::vector<Var>"))
      at = line.find('>') + 2;
    if (at == 0 || at >= line.size()) continue;
    const std::size_t parenthesis = line.find('(', at);
    if (parenthesis != std::string::npos) names.insert(line.substr(at, parenthesis - at));
  }
  return names;
}

std::vector<std::string> without_a_row(const std::set<std::string>& operations,
                                       const std::vector<OpRow>& rows) {
  std::vector<std::string> missing;
  for (const std::string& operation : operations)
    if (std::none_of(rows.begin(), rows.end(), [&](const OpRow& row) { return operation == row.name; }))
      missing.push_back(operation);
  return missing;
}

// The operations that no row gives an operand of so many elements.
std::set<std::string> without_operand_of(std::int64_t elements, const std::vector<OpRow>& rows) {
  std::set<std::string> missing;
  for (const OpRow& row : rows) missing.insert(row.name);
  for (const OpRow& row : rows)
    for (const Input& input : row.inputs)
      if (input.shape.count() == elements) missing.erase(row.name);
  return missing;
}

TEST_CASE("op coverage: every operation has a row in the table of gradient checks") {
  std::set<std::string> operations{"identity", "sum_to", "expand"};
  for (const SourceFile& file : sources_below({"autograd/ops"}))
    if (file.path.ends_with(".h")) operations.merge(operations_in(file.content));
  CHECK(operations.size() > 30);
  for (const std::string& operation : without_a_row(operations, op_table())) {
    INFO(operation << " has no row in tests/autograd/op_table*.cpp");
    CHECK(false);
  }
}

TEST_CASE("op coverage: every row names an operation") {
  std::set<std::string> operations{"identity", "sum_to", "expand"};
  for (const SourceFile& file : sources_below({"autograd/ops"}))
    if (file.path.ends_with(".h")) operations.merge(operations_in(file.content));
  for (const OpRow& row : op_table()) {
    INFO(row.name);
    CHECK(operations.contains(row.name));
  }
}

TEST_CASE("op coverage: every operation is checked with an operand of no elements, and of one") {
  CHECK(without_operand_of(0, op_table()) == std::set<std::string>{});
  // What glu halves has an even number of elements.
  CHECK(without_operand_of(1, op_table()) == std::set<std::string>{"glu"});
}

TEST_CASE("op coverage: an operation that is checked with no operand of some size is found") {
  const std::vector<OpRow> rows{{"sum", "some", {{{2, 3}}}, {}},
                                {"sum", "none", {{{0, 3}}}, {}},
                                {"add", "some and one", {{{2}}, {{}}}, {}}};
  CHECK(without_operand_of(0, rows) == std::set<std::string>{"add"});
  CHECK(without_operand_of(1, rows) == std::set<std::string>{"sum"});
}

TEST_CASE("op coverage: an operation without a row is found, however it is declared") {
  const std::string planted = R"(
/// Var commented(const Var& x);
inline Var tanh(const Var& x) { return x; }
inline Var cube(const Var& x) {
  Var local(x);
}
Var smooth_step(const Var& x,
             int axis);
std::array<Var, 2> halves(const Var& x);
LstmOutput tree_lstm(const Var& x);
RecurrentOutput minimal_gru(const Var& x);
inline Sorted<Var> unsort(const Var& x) { return {}; }
inline Var operator%(const Var& a, const Var& b) { return a; }
Tensor not_an_operation(const Tensor& x);
namespace definition {
Var defined_elsewhere(const Var& x);
}
)";
  const std::vector<std::string> expected{"cube",        "halves",    "minimal_gru", "operator%",
                                          "smooth_step", "tree_lstm", "unsort"};
  CHECK(without_a_row(operations_in(planted), op_table()) == expected);
}

}  // namespace
}  // namespace heed::tests
