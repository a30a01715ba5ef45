#include "autograd/inspect/formulas.h"

#include <algorithm>

#include "autograd/inspect/formula_table.h"
#include "core/error.h"

namespace heed {
namespace {

std::vector<std::string> words(std::string_view names) {
  std::vector<std::string> out;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    out.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return out;
}

bool any_number(const FormulaRow& row) { return row.operands.ends_with("..."); }

std::size_t count_of(const FormulaRow& row) {
  return 1 + static_cast<std::size_t>(std::count(row.operands.begin(), row.operands.end(), ' '));
}

const FormulaRow* find(std::string_view operation, std::size_t operands, bool operands_known) {
  const FormulaRow* found = nullptr;
  for (const FormulaRow& row : formula_table()) {
    if (row.operation != operation) continue;
    if (any_number(row) || (operands_known && count_of(row) == operands)) return &row;
    if (!operands_known && count_of(row) >= operands && (found == nullptr || count_of(row) > count_of(*found)))
      found = &row;
  }
  return found;
}

Formula nameless(std::string_view operation, std::size_t operands) {
  Formula formula{.outputs = {"y"}, .forward = text("y = ", operation, "("), .known = false};
  for (std::size_t i = 1; i <= operands; ++i) {
    formula.operands.push_back(operands == 1 ? "x" : text("x", i));
    formula.forward += text(i == 1 ? "" : ", ", formula.operands.back());
  }
  formula.forward += ")";
  formula.gradients.resize(operands);
  return formula;
}

constexpr std::string_view kTransposed = "ᵀ";

bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Formula formula_of(std::string_view operation, std::size_t operands, bool operands_known) {
  const FormulaRow* const row = find(operation, operands, operands_known);
  if (row == nullptr) return nameless(operation, operands);
  Formula formula{.operands = words(row->operands),
                  .outputs = words(row->outputs),
                  .forward = std::string(row->forward),
                  .definitions = std::string(row->definitions),
                  .note = std::string(row->note)};
  if (any_number(*row)) {
    const std::string name = formula.operands.back().substr(0, formula.operands.back().size() - 3);
    formula.operands.clear();
    for (std::size_t i = 1; i <= operands; ++i) formula.operands.push_back(text(name, i));
  }
  for (std::size_t i = 0; i < formula.operands.size(); ++i)
    formula.gradients.emplace_back(row->gradients[any_number(*row) ? 0 : i]);
  return formula;
}

std::string operand_name(const Formula& formula, std::size_t place) {
  return place < formula.operands.size() ? formula.operands[place] : text("x", place + 1);
}

std::string output_name(const Formula& formula, std::size_t place) {
  return place < formula.outputs.size() ? formula.outputs[place] : text("y", place + 1);
}

std::string replace_names(std::string_view text,
                          const std::function<std::string(std::string_view name, bool transposed)>& replace) {
  std::string out;
  while (!text.empty()) {
    const auto count = [&](bool wanted) {
      const auto end = std::find_if(text.begin(), text.end(), [&](char c) { return in_name(c) != wanted; });
      return static_cast<std::size_t>(end - text.begin());
    };
    out += text.substr(0, count(false));
    text.remove_prefix(count(false));
    const std::string_view name = text.substr(0, count(true));
    text.remove_prefix(name.size());
    const bool transposed = text.starts_with(kTransposed);
    const std::string replaced =
        name.empty() || text.starts_with('(') ? std::string() : replace(name, transposed);
    const bool to_bracket = text.starts_with('^') && replaced.find(' ') != std::string::npos;
    out += replaced.empty() ? std::string(name) : to_bracket ? "(" + replaced + ")" : replaced;
    if (!replaced.empty() && transposed) text.remove_prefix(kTransposed.size());
  }
  return out;
}

}  // namespace heed
