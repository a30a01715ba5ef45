// The lines behind formula_of.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace heed {

/// A line of the table. To add an operation: its recorded name, its operands in their order, one gradient each.
/// tests/autograd/inspect/formulas_test.cpp evaluates what is written in terms of its operands.
struct FormulaRow {
  std::string_view operation;
  std::string_view operands;  ///< "..." behind the last: there are any number of it
  std::string_view forward;
  std::array<std::string_view, 6> gradients;
  std::string_view definitions = "", note = "";
  std::string_view outputs = "y";
};

std::span<const FormulaRow> formula_table();

}  // namespace heed
