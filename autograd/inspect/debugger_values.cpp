#include <algorithm>
#include <optional>
#include <set>

#include "autograd/inspect/debugger_text.h"
#include "autograd/inspect/formulas.h"
#include "autograd/inspect/reading.h"
#include "core/utf8.h"
#include "core/words.h"

namespace heed {
namespace {

using debugging::number_in;
using debugging::trimmed;

// An expression taken apart: what is named, whether its gradient is meant, and which part of it.
struct Expression {
  std::string_view target;
  bool gradient = false;
  std::vector<std::int64_t> indices;
};

Expression parse(std::string_view written) {
  Expression parsed;
  written = trimmed(written);
  if (const std::size_t open = written.rfind('['); open != std::string_view::npos && written.ends_with(']')) {
    std::string_view inner = written.substr(open + 1, written.size() - open - 2);
    while (!inner.empty()) {
      const std::size_t comma = std::min(inner.find(','), inner.size());
      const auto index = number_in<std::int64_t>(trimmed(inner.substr(0, comma)));
      if (!index)
        throw IndexError({.what = text("print: ", in_quotes(inner.substr(0, comma)), " is no index"),
                          .expected = "whole numbers, as in #12[0, 3]"});
      parsed.indices.push_back(*index);
      inner.remove_prefix(std::min(comma + 1, inner.size()));
    }
    written = trimmed(written.substr(0, open));
  }
  if (written == "grad" || written.starts_with("grad ")) {
    parsed.gradient = true;
    written = trimmed(written.substr(4));
  } else if (written.ends_with(".grad")) {
    parsed.gradient = true;
    written.remove_suffix(5);
  }
  parsed.target = written;
  return parsed;
}

class Finder {
 public:
  Finder(const DebugStep& step, const Debugger& debugger)
      : step_(step), debugger_(debugger), operation_(debugger.operation(step.operation)) {
    if (operation_ != nullptr)
      formula_ = formula_of(operation_->name, operation_->operands.size(), operation_->operands_known);
  }

  NamedTensor find(const Expression& wanted) const {
    const std::string_view target = wanted.target;
    if (target.empty()) return of_step(0, wanted.gradient);
    if (target.starts_with('#')) return by_number(target, wanted.gradient);
    if (target.starts_with("operand")) return operand(target, wanted.gradient);
    if (const auto found = in_formula(target, wanted.gradient)) return *found;
    if (const auto place = latest(target)) return of_value(*place, wanted.gradient);
    const std::string near = nearest_word(target, names());
    throw IndexError(
        {.what = text("print: nothing so far is called ", in_quotes(target),
                      near.empty() ? "" : text("; did you mean ", near, "?")),
         .hint = near.empty() ? "info names lists what has a name; #12 is an operation's output" : ""});
  }

 private:
  const TracedValue& value(std::size_t place) const { return debugger_.trace().values()[place]; }

  // Of a value by itself, or with what has arrived at it by now.
  NamedTensor of_value(std::size_t place, bool gradient) const {
    const std::string name = written_origin(debugger_, place);
    return gradient ? NamedTensor{text("gradient of ", name), value(place).gradient}
                    : NamedTensor{name, value(place).value};
  }

  NamedTensor of_step(std::size_t output, bool gradient) const {
    const std::string name = step_.operation > 0 ? text("#", step_.operation, " ", step_.name) : step_.name;
    if (!gradient) return {name, step_.values[output]};
    return {text("gradient of ", name), step_.gradients.empty() ? Tensor() : step_.gradients[output]};
  }

  NamedTensor by_number(std::string_view target, bool gradient) const {
    const std::size_t dot = std::min(target.find('.'), target.size());
    const auto number = number_in<std::size_t>(target.substr(1, dot - 1));
    const auto output =
        dot == target.size() ? std::optional<std::size_t>(0) : number_in<std::size_t>(target.substr(dot + 1));
    if (!number || !output)
      throw IndexError({.what = text("print: ", in_quotes(target), " is no operation"),
                        .expected = "its number, as in #12, or one of its outputs, as in #12.1"});
    const TracedOperation* const operation = debugger_.operation(*number);
    if (operation == nullptr)
      throw IndexError(
          {.what = text("print: there is no operation #", *number),
           .expected = text("from #", debugger_.first_operation(), " to #", debugger_.last_operation())});
    if (*output >= operation->outputs.size())
      throw IndexError({.what = text("print: #", *number, " ", operation->name, " has no output ", *output),
                        .expected = text("below ", operation->outputs.size())});
    return of_value(operation->outputs[*output], gradient);
  }

  NamedTensor operand(std::string_view target, bool gradient) const {
    const auto k = number_in<std::size_t>(trimmed(target.substr(std::string_view("operand").size())));
    if (operation_ == nullptr)
      throw IndexError({.what = text("print: the operands of ", step_.name, " are not known")});
    const std::size_t count = operation_->operands.size();
    if (!k || *k >= count)
      throw IndexError(
          {.what = text("print: ", step_.name, " has no ", in_quotes(target)),
           .expected = count == 0 ? std::string("none") : text("operand 0 to operand ", count - 1)});
    return of_operand(*k, gradient);
  }

  NamedTensor of_operand(std::size_t k, bool gradient) const {
    if (gradient)
      return {text("d", formula_.operands[k], " of ", step_.name),
              k < step_.sent.size() ? step_.sent[k] : Tensor()};
    if (operation_->operands[k] == TracedOperation::kNowhere) return {formula_.operands[k], Tensor()};
    return of_value(operation_->operands[k], false);
  }

  // x, y, and with a d before it what arrived at y and what is sent to x.
  std::optional<NamedTensor> in_formula(std::string_view name, bool gradient) const {
    for (std::size_t k = 0; k < formula_.operands.size() && operation_ != nullptr; ++k) {
      if (name == formula_.operands[k]) return of_operand(k, gradient);
      if (name == "d" + formula_.operands[k]) return of_operand(k, true);
    }
    for (std::size_t i = 0; i < formula_.outputs.size() && i < step_.values.size(); ++i) {
      if (name == formula_.outputs[i]) return of_step(i, gradient);
      if (name == "d" + formula_.outputs[i]) return of_step(i, true);
    }
    return std::nullopt;
  }

  std::optional<std::size_t> latest(std::string_view name) const {
    const std::vector<TracedValue>& values = debugger_.trace().values();
    for (std::size_t i = values.size(); i-- > 0;)
      if (values[i].name == name) return i;
    const std::vector<TracedNote>& notes = debugger_.trace().notes();
    for (std::size_t i = notes.size(); i-- > 0;)
      if (notes[i].name == name || text(notes[i].module, ".", notes[i].name) == name) return notes[i].value;
    for (std::size_t i = values.size(); i-- > 0;)
      if (values[i].operation != 0 && values[i].kind == name) return i;
    return std::nullopt;
  }

  std::vector<std::string> names() const {
    std::set<std::string> all(formula_.operands.begin(), formula_.operands.end());
    all.insert(formula_.outputs.begin(), formula_.outputs.end());
    for (const TracedValue& its : debugger_.trace().values()) {
      if (!its.name.empty()) all.insert(its.name);
      if (its.operation != 0) all.insert(its.kind);
    }
    for (const TracedNote& note : debugger_.trace().notes()) all.insert(note.name);
    return {all.begin(), all.end()};
  }

  const DebugStep& step_;
  const Debugger& debugger_;
  const TracedOperation* operation_;
  Formula formula_{};
};

}  // namespace

NamedTensor find_value(std::string_view expression, const DebugStep& step, const Debugger& debugger) {
  const Expression wanted = parse(expression);
  NamedTensor found = Finder(step, debugger).find(wanted);
  if (!found.value.defined())
    throw IndexError(
        {.what = text("print: there is no ", found.name, wanted.gradient ? " so far" : " any more")});
  for (const std::int64_t index : wanted.indices) {
    if (found.value.rank() == 0) throw IndexError({.what = text("print: too many indices for ", found.name)});
    found.value = found.value.select(0, index);
  }
  if (!wanted.indices.empty()) {
    const std::string_view written = expression.substr(expression.rfind('['));
    found.name += text(" ", trimmed(written));
  }
  return found;
}

}  // namespace heed
