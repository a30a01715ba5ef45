#include "autograd/inspect/replay.h"

#include <algorithm>
#include <utility>

#include "autograd/inspect/debugger_text.h"
#include "autograd/inspect/formulas.h"
#include "core/value_text.h"

namespace heed {

using replaying::Role;
using replaying::Step;
using replaying::Use;
using replaying::Value;

namespace {

constexpr std::int64_t kAllNumbers = 16;  // elements of a tensor that is written out

// What makes one value the same as another on the page.
std::string content_of(const Value& value) {
  std::string content = text(value.shape, value.type, value.summary, value.numbers);
  content.append(reinterpret_cast<const char*>(value.grid.cells.data()),
                 value.grid.cells.size() * sizeof(double));
  return content;
}

}  // namespace

std::size_t Replay::add_value(const Tensor& x, bool norm) {
  Value value{.shape = x.shape(),
              .type = text(x.dtype()),
              .summary = written_summary(x, norm),
              .numbers = x.count() <= kAllNumbers ? written_numbers(x, kAllNumbers) : std::string(),
              .grid = grid_of(x, std::max<std::int64_t>(1, options_.rows),
                              std::max<std::int64_t>(1, options_.columns))};
  const auto [found, is_new] = value_of_content_.try_emplace(content_of(value), values_.size());
  if (is_new) values_.push_back(std::move(value));
  return found->second;
}

void Replay::add_use(Step& step, Role role, const std::string& name, const Tensor& x, const Debugger& debugger,
                     std::size_t place) {
  if (!x.defined()) return;
  const bool is_gradient = role == Role::arrived || role == Role::sent;
  Use use{.role = role, .name = name, .value = add_value(x, is_gradient)};
  if (place != TracedOperation::kNowhere) {
    use.origin = written_origin(debugger, place);
    const TracedOperation* const made_by = debugger.trace().operation_of(debugger.trace().values()[place]);
    if (made_by != nullptr) use.operation = debugger.number_of(*made_by);
  }
  step.uses.push_back(std::move(use));
}

// Operands and outputs, of a step forward and of one backward, whose rules use them.
void Replay::add_forward(Step& step, const DebugStep& at, const Debugger& debugger) {
  const TracedOperation* const operation = debugger.operation(at.operation);
  if (operation == nullptr) return;
  const Formula formula = formula_of(operation->name, operation->operands.size(), operation->operands_known);
  step.definitions = formula.definitions;
  step.note = formula.note;
  if (at.is_forward()) step.formulas = {formula.forward};
  for (std::size_t k = 0; k < operation->operands.size(); ++k)
    if (const std::size_t place = operation->operands[k]; place != TracedOperation::kNowhere)
      add_use(step, Role::operand, operand_name(formula, k), debugger.trace().values()[place].value, debugger,
              place);
  for (std::size_t i = 0; i < at.values.size(); ++i)
    add_use(step, Role::output, output_name(formula, i), at.values[i], debugger);
}

void Replay::add_backward(Step& step, const DebugStep& at, const Debugger& debugger) {
  const TracedOperation* const operation = debugger.operation(at.operation);
  const Formula formula =
      operation == nullptr ? formula_of(at.name, at.sent.size())
                           : formula_of(operation->name, operation->operands.size(), operation->operands_known);
  for (std::size_t i = 0; i < at.gradients.size(); ++i)
    add_use(step, Role::arrived, "d" + output_name(formula, i), at.gradients[i], debugger);
  for (std::size_t k = 0; k < at.sent.size(); ++k) {
    if (!at.sent[k].defined()) continue;
    const std::string name = "d" + operand_name(formula, k);
    if (k < formula.gradients.size() && !formula.gradients[k].empty())
      step.formulas.push_back(text(name, " = ", formula.gradients[k]));
    add_use(step, Role::sent, name, at.sent[k], debugger,
            operation == nullptr ? TracedOperation::kNowhere : operation->operands[k]);
  }
  add_forward(step, at, debugger);
}

void Replay::operator()(const DebugStep& at, const Debugger& debugger) {
  if (steps_.size() >= options_.most_steps) {
    ++left_out_;
    return;
  }
  Step& step = steps_.emplace_back();
  step.at = at;
  step.at.values.clear();
  step.at.gradients.clear();
  step.at.sent.clear();
  for (const int number : at.breakpoints)
    step.held.push_back(text(number, ": ", to_string(debugger.breakpoints().at(number))));
  if (at.is_forward()) {
    add_forward(step, at, debugger);
  } else if (at.kind == DebugKind::backward) {
    add_backward(step, at, debugger);
  } else {
    add_use(step, Role::arrived, "gradient", at.gradients.front(), debugger);
    add_use(step, Role::output, "value", at.values.front(), debugger);
  }
}

}  // namespace heed
