#include "autograd/inspect/debugger_text.h"

#include <algorithm>

#include "autograd/inspect/formulas.h"
#include "autograd/inspect/statistics.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "core/value_text.h"

namespace heed {
namespace {

constexpr std::int64_t kFewElements = 4;
constexpr std::size_t kListedLinks = 10;  // of a chain

// A line about a value: its name, its shape, what it is like, and where it comes from or goes to.
struct Row {
  std::string name, shape, summary, note;
};

std::string padded(const std::string& content, std::size_t width) {
  const auto its = static_cast<std::size_t>(plotting::display_width(plotting::code_points(content)));
  return content + std::string(width > its ? width - its : 0, ' ');
}

std::string in_columns(const std::vector<Row>& rows) {
  std::size_t name = 0, shape = 0, summary = 0;
  const auto widen = [](std::size_t& width, const std::string& content) {
    width = std::max(width, static_cast<std::size_t>(plotting::display_width(plotting::code_points(content))));
  };
  for (const Row& row : rows) {
    widen(name, row.name);
    widen(shape, row.shape);
    widen(summary, row.summary);
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line = text("  ", padded(row.name, name), "  ", padded(row.shape, shape), "  ",
                            padded(row.summary, summary), "  ", row.note);
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string shape_of(const Tensor& x) { return x.defined() ? text(x.shape()) : std::string(); }

Row row_of(const std::string& name, const Tensor& x, bool norm, std::string note = {}) {
  return {name, shape_of(x), written_summary(x, norm), std::move(note)};
}

std::string written_forward(const DebugStep& step, const TracedOperation& operation, const Debugger& debugger) {
  const Formula formula = formula_of(operation.name, operation.operands.size(), operation.operands_known);
  std::string out = text("  ", formula.forward, "\n");
  if (!formula.definitions.empty()) out += text("  with ", formula.definitions, "\n");
  std::vector<Row> rows;
  for (std::size_t k = 0; k < operation.operands.size(); ++k) {
    const std::size_t place = operation.operands[k];
    if (place == TracedOperation::kNowhere)
      rows.push_back({formula.operands[k], "", "left out", ""});
    else
      rows.push_back(row_of(formula.operands[k], debugger.trace().values()[place].value, false,
                            text("from ", written_origin(debugger, place))));
  }
  for (std::size_t i = 0; i < step.values.size(); ++i)
    rows.push_back(row_of(output_name(formula, i), step.values[i], false));
  return out + in_columns(rows);
}

std::string written_backward(const DebugStep& step, const Debugger& debugger) {
  const TracedOperation* const operation = debugger.operation(step.operation);
  const Formula formula =
      operation == nullptr ? formula_of(step.name, step.sent.size())
                           : formula_of(operation->name, operation->operands.size(), operation->operands_known);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < step.gradients.size(); ++i)
    rows.push_back(row_of("d" + output_name(formula, i), step.gradients[i], true,
                          step.gradients[i].defined() ? "arrived" : "nothing arrived"));
  std::string rules;
  for (std::size_t k = 0; k < step.sent.size(); ++k) {
    if (!step.sent[k].defined()) continue;
    const std::string name = operand_name(formula, k);
    if (k < formula.gradients.size() && !formula.gradients[k].empty())
      rules += text("  d", name, " = ", formula.gradients[k], "\n");
    const bool seen = operation != nullptr && operation->operands[k] != TracedOperation::kNowhere;
    rows.push_back(row_of("d" + name, step.sent[k], true,
                          seen ? text("to ", written_origin(debugger, operation->operands[k])) : ""));
  }
  if (!rules.empty() && !formula.definitions.empty()) rules += text("  with ", formula.definitions, "\n");
  return rules + in_columns(rows);
}

// "#12 linear [2, 4, 8] in decoder.out, layers/linear.cpp:38".
std::string described(const DebugStep& step) {
  std::string out = step.operation > 0 ? text("#", step.operation, " ") : std::string();
  out += text(one_line(step.name, 60), " ", step.shape);
  if (!step.module.empty()) out += text(" in ", one_line(step.module, 100));
  return step.at.known() ? text(out, ", ", step.at) : out;
}

// As the step was when the operation ran.
DebugStep step_of(const TracedOperation& operation, const Debugger& debugger) {
  DebugStep step{.operation = debugger.number_of(operation),
                 .name = operation.name,
                 .module = operation.module,
                 .at = operation.at};
  for (const std::size_t place : operation.outputs)
    step.values.push_back(debugger.trace().values()[place].value);
  step.shape = step.values.front().shape();
  return step;
}

// ---- how a step came about: the step itself is the last link

std::vector<const TracedOperation*> forward_chain(const DebugStep& step, const Debugger& debugger) {
  std::vector<const TracedOperation*> chain;
  for (const TracedOperation* at = debugger.operation(step.operation); at != nullptr;) {
    chain.push_back(at);
    const TracedOperation* next = nullptr;
    for (const std::size_t operand : at->operands)
      if (next == nullptr && operand != TracedOperation::kNowhere)
        next = debugger.trace().operation_of(debugger.trace().values()[operand]);
    at = next;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// The operations that sent a gradient on, each to an output of the one behind it.
std::vector<const TracedOperation*> backward_chain(const DebugStep& step, const Debugger& debugger) {
  const Trace& trace = debugger.trace();
  const auto is_output = [&](std::size_t place, const TracedOperation* of) {
    const TracedValue& value = trace.values()[place];
    return of != nullptr ? trace.operation_of(value) == of
                         : value.operation == 0 && value.value.defined() &&
                               &value.value.storage() == &step.values.front().storage();
  };
  std::vector<const TracedOperation*> chain;
  const TracedOperation* at = debugger.operation(step.operation);
  if (at != nullptr) chain.push_back(at);
  for (auto next = trace.operations().begin() + (at == nullptr ? 0 : at - trace.operations().data());
       next != trace.operations().end(); ++next) {
    bool sent = false;
    for (std::size_t k = 0; k < next->operands.size() && !sent; ++k)
      sent = next->operands[k] != TracedOperation::kNowhere && next->operand_gradients[k].defined() &&
             is_output(next->operands[k], at);
    if (sent) chain.push_back(at = &*next);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

[[noreturn]] void throw_no_operation(std::size_t number, const Debugger& debugger) {
  throw IndexError(
      {.what = text("info: there is no operation #", number),
       .expected = text("from #", debugger.first_operation(), " to #", debugger.last_operation())});
}

}  // namespace

std::string written_summary(const Tensor& x, bool norm) {
  if (!x.defined()) return "";
  if (x.count() <= kFewElements) return written_numbers(x, kFewElements);
  const Statistics s = statistics_of(x);
  return norm ? text(to_string(s), ", norm ", short_number(s.norm)) : to_string(s);
}

std::string written_origin(const Debugger& debugger, std::size_t place) {
  const TracedValue& value = debugger.trace().values()[place];
  if (const TracedOperation* const made_by = debugger.trace().operation_of(value); made_by != nullptr)
    return text("#", debugger.number_of(*made_by), " ", value.kind);
  return value.name.empty() ? std::string(value.kind) : text(value.kind, " \"", one_line(value.name, 60), "\"");
}

std::string headline(const DebugStep& step) {
  const std::string begin = text("step ", step.number, step.is_forward() ? ", forward: " : ", backward: ");
  return step.kind == DebugKind::leaf
             ? text(begin, "the gradient of \"", one_line(step.name, 60), "\" ", step.shape, " is complete")
             : begin + described(step);
}

std::string written_step(const DebugStep& step, const Debugger& debugger) {
  return text(headline(step), "\n",
              step.kind == DebugKind::leaf ? in_columns({row_of("value", step.values.front(), false),
                                                         row_of("grad", step.gradients.front(), true)})
              : step.kind == DebugKind::backward
                  ? written_backward(step, debugger)
                  : written_forward(step, *debugger.operation(step.operation), debugger));
}

std::string written_operation(std::size_t number, const Debugger& debugger) {
  const TracedOperation* const operation = debugger.operation(number);
  if (operation == nullptr) throw_no_operation(number, debugger);
  DebugStep step = step_of(*operation, debugger);
  std::string out = text(described(step), "\n", written_forward(step, *operation, debugger));
  if (operation->reached == 0) return out;
  for (const std::size_t place : operation->outputs)
    step.gradients.push_back(debugger.trace().values()[place].gradient);
  step.sent = operation->operand_gradients;
  return out + written_backward(step, debugger);
}

std::string written_where(const DebugStep& step, const Debugger& debugger) {
  std::string out = text("in    ", step.module.empty() ? "no module" : one_line(step.module, 100), "\n");
  if (step.at.known()) out += text("line  ", step.at, "\n");
  const std::vector<const TracedOperation*> chain =
      step.is_forward() ? forward_chain(step, debugger) : backward_chain(step, debugger);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (chain.size() > kListedLinks && i == 2) {  // how it began, and how it went on in the end
      out += text("      … ", chain.size() - kListedLinks, " more\n");
      i += chain.size() - kListedLinks;
    }
    out += text(i == 0 ? "from  " : "      ", described(step_of(*chain[i], debugger)), "\n");
  }
  return out;
}

}  // namespace heed
