#include "autograd/inspect/explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/inspect/formulas.h"
#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_layout.h"
#include "autograd/inspect/graph_svg.h"
#include "core/error.h"
#include "core/plot.h"
#include "core/reduce.h"
#include "core/value_text.h"

namespace heed {
namespace {

constexpr std::size_t kOpenPicture = 60;  // operations in a picture that has everything open

// A name with its shape, or its number in brackets where it is negative.
std::string put_in(std::string_view name, const Tensor& x, bool transposed, bool as_number, int digits) {
  if (as_number) {
    const double value = x.to(DType::f64).reshape({1}).select(0, 0).item();
    const std::string number = short_number(value, digits);
    return value < 0 ? text("(", number, ")") : number;
  }
  const Shape shape = transposed && x.rank() >= 2 ? x.shape().swapped(-2, -1) : x.shape();
  return text(name, transposed ? "ᵀ " : " ", shape);
}

// "y [2, 3]", and whether it is a number by itself.
struct Named {
  std::string name;
  Tensor value;
};

class Explainer {
 public:
  Explainer(const Trace& trace, const ExplainOptions& options)
      : trace_(trace), options_(options), contributions_(trace.values().size()) {}

  Explanation explain() {
    Explanation explanation{.title = options_.title, .numbers = options_.numbers, .digits = options_.digits};
    number_steps(explanation);
    for (const std::size_t operation : order_) collect_contributions(operation);
    for (std::size_t k = 0; k < order_.size() - explanation.left_out; ++k)
      explanation.steps.push_back(step(order_[k]));
    for (std::size_t i = 0; i < trace_.values().size(); ++i)
      if (is_leaf(i) && trace_.values()[i].gradient.defined()) explanation.leaves.push_back(leaf(i));
    draw_picture(explanation);
    return explanation;
  }

 private:
  // In the order in which the backward pass came to them; the first ones have numbers.
  void number_steps(Explanation& explanation) {
    for (std::size_t i = 0; i < trace_.operations().size(); ++i) {
      if (!trace_.operations()[i].is_forward()) continue;
      if (trace_.operations()[i].reached > 0)
        order_.push_back(i);
      else
        ++explanation.no_part;
    }
    if (order_.empty())
      throw GraphError({.what = "explain: no backward pass has reached an operation of the trace",
                        .hint = "call backward() while the Trace lives"});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return trace_.operations()[a].reached < trace_.operations()[b].reached;
    });
    const std::size_t count = std::min(order_.size(), options_.most);
    explanation.left_out = order_.size() - count;
    for (std::size_t k = 0; k < count; ++k) step_of_[order_[k]] = k + 1;
  }

  std::size_t step_number(std::size_t operation) const {
    const auto found = step_of_.find(operation);
    return found == step_of_.end() ? 0 : found->second;
  }

  const TracedValue& value(std::size_t place) const { return trace_.values()[place]; }

  bool is_leaf(std::size_t place) const { return value(place).operation == 0; }

  static Formula formula_of(const TracedOperation& operation) {
    return heed::formula_of(operation.name, operation.operands.size(), operation.operands_known);
  }

  void collect_contributions(std::size_t number) {
    const TracedOperation& operation = trace_.operations()[number];
    const Formula formula = formula_of(operation);
    for (std::size_t k = 0; k < operation.operands.size(); ++k)
      if (const Tensor& sent = operation.operand_gradients[k]; sent.defined())
        contributions_[operation.operands[k]].push_back(
            {step_number(number), formula.operands[k],
             sum_to(sent, value(operation.operands[k]).value.shape())});
  }

  ExplainedValue explained(std::size_t place, std::string name) const {
    const TracedValue& its = value(place);
    return {.name = std::move(name),
            .source = its.name.empty() ? std::string(its.kind) : text("\"", one_line(its.name, 60), "\""),
            .step = is_leaf(place) ? 0 : step_number(its.operation - 1),
            .requires_grad = its.requires_grad,
            .value = its.value,
            .gradient = its.gradient,
            .contributions = contributions_[place]};
  }

  ExplainedValue leaf(std::size_t place) const {
    ExplainedValue its =
        explained(place, value(place).name.empty() ? value(place).kind : one_line(value(place).name, 60));
    if (!options_.loss) return its;
    for (const Var& var : options_.leaves) {
      if (trace_.place_of(var) != place) continue;
      const GradcheckReport report = gradcheck(
          [&](std::span<const Var>) { return std::vector<Var>{options_.loss()}; }, std::span(&var, 1));
      its.check =
          text(report.ok ? "✓ " : "✗ ", written_count(static_cast<std::size_t>(report.checked), "element"),
               report.ok ? " as by finite differences" : " compared with finite differences: ");
      if (!report.ok) its.check += report.problem.empty() ? likely_cause(report) : report.problem;
    }
    return its;
  }

  // The formula with shapes in place of names or, where all are single numbers, with numbers; empty when there
  // is nothing to put in.
  std::string filled(const std::string& formula, const std::vector<Named>& names, const Tensor& result) const {
    const auto is_number = [](const Tensor& x) { return x.defined() && x.count() == 1; };
    const bool as_numbers = is_number(result) && std::all_of(names.begin(), names.end(), [&](const Named& its) {
                              return is_number(its.value);
                            });
    const std::size_t equals = formula.find(" = ");
    const std::string_view right = std::string_view(formula).substr(equals + 3);
    const std::string put = replace_names(
        as_numbers ? right : std::string_view(formula), [&](std::string_view name, bool transposed) {
          for (const Named& its : names)
            if (its.name == name) return put_in(name, its.value, transposed, as_numbers, options_.digits);
          return std::string();
        });
    if (!as_numbers) return put == formula ? std::string() : put;
    const std::string number = put_in("", result, false, true, options_.digits);
    return put == number || text("(", put, ")") == number
               ? std::string()
               : text(formula.substr(0, equals), " = ", put, " = ",
                      short_number(result.to(DType::f64).reshape({1}).select(0, 0).item(), options_.digits));
  }

  // All that a formula may speak of: operands, outputs, and what arrived at them.
  std::vector<Named> names_in(const TracedOperation& operation, const Formula& formula) const {
    std::vector<Named> names;
    for (std::size_t k = 0; k < operation.operands.size(); ++k)
      if (operation.operands[k] != TracedOperation::kNowhere)
        names.push_back({formula.operands[k], value(operation.operands[k]).value});
    for (const std::size_t place : operation.outputs) {
      const std::string name = output_name(formula, place);
      names.push_back({name, value(place).value});
      if (value(place).gradient.defined()) names.push_back({"d" + name, value(place).gradient});
    }
    return names;
  }

  std::string output_name(const Formula& formula, std::size_t place) const {
    return heed::output_name(formula, static_cast<std::size_t>(value(place).output));
  }

  ExplainedStep step(std::size_t number) const {
    const TracedOperation& operation = trace_.operations()[number];
    const Formula formula = formula_of(operation);
    const std::vector<Named> names = names_in(operation, formula);
    ExplainedStep step{.operation = operation.name,
                       .module = one_line(operation.module),
                       .line = operation.at.known() ? text(operation.at) : "",
                       .formula = formula.forward,
                       .definitions = formula.definitions,
                       .note = formula.note};
    step.with_shapes = filled(formula.forward, names, value(operation.outputs.front()).value);
    for (const std::size_t place : operation.outputs)
      step.outputs.push_back(explained(place, output_name(formula, place)));
    for (std::size_t k = 0; k < formula.operands.size(); ++k)
      step.operands.push_back(operand(operation, formula, names, k));
    return step;
  }

  ExplainedOperand operand(const TracedOperation& operation, const Formula& formula,
                           const std::vector<Named>& names, std::size_t k) const {
    ExplainedOperand out;
    const bool seen = k < operation.operands.size() && operation.operands[k] != TracedOperation::kNowhere;
    if (!seen) {
      out.value.name = formula.operands[k];
      (operation.operands_known ? out.given : out.known) = false;
      return out;
    }
    const std::size_t place = operation.operands[k];
    out.value = explained(place, formula.operands[k]);
    out.sent = operation.operand_gradients[k];
    out.value.gradient = out.sent.defined() ? sum_to(out.sent, out.value.value.shape()) : Tensor();
    if (!out.sent.defined()) return out;
    out.formula =
        text("d", formula.operands[k], " = ", formula.gradients[k].empty() ? "…" : formula.gradients[k]);
    if (!formula.gradients[k].empty()) {
      std::vector<Named> all = names;
      all.push_back({"d" + formula.operands[k], out.sent});
      out.with_shapes = filled(out.formula, all, out.sent);
    }
    out.broadcast = broadcast(out.value, out.sent.shape());
    return out;
  }

  static std::string broadcast(const ExplainedValue& value, const Shape& sent) {
    const Shape& shape = value.value.shape();
    if (sent == shape) return {};
    const std::int64_t times = sent.count() / std::max<std::int64_t>(1, shape.count());
    if (times == 1)
      return text(value.name, " ", shape, " was used as ", sent, ", so its gradient ", sent,
                  " is brought back to ", shape);
    return text(value.name, " ", shape, " was repeated ", times, " times to ", sent, ", so its gradient ", sent,
                " is summed over the repetitions to ", shape);
  }

  void draw_picture(Explanation& explanation) const {
    const drawing::LabelledScene labelled(trace_, true);
    const drawing::Opening open =
        drawing::opened(labelled.scene(), labelled.item(0).operations <= kOpenPicture ? 100 : 0);
    const drawing::GraphLayout layout(labelled.scene(), labelled.sizes(), open);
    drawing::SvgOptions svg{.title = options_.title};
    svg.links.resize(labelled.scene().items.size());
    for (const auto& [operation, step] : step_of_)
      svg.links[labelled.scene().of_operation[operation]] = text("#step-", step);
    explanation.picture = drawing::svg_of(labelled, layout, open, svg);
    explanation.picture_width = layout.picture(open).boxes.front().width;
  }

  const Trace& trace_;
  const ExplainOptions& options_;
  std::vector<std::size_t> order_;                        // of operations
  std::map<std::size_t, std::size_t> step_of_;            // by operation
  std::vector<std::vector<Contribution>> contributions_;  // by value
};

}  // namespace

Explanation explain(const Trace& trace, const ExplainOptions& options) {
  if (options.loss && !trace.stopped())
    throw GraphError(
        {.what = "explain: the trace would see the check of the leaves", .hint = "call stop() first"});
  return Explainer(trace, options).explain();
}

Explanation explain(const Var& loss, const ExplainOptions& options) {
  const std::vector<Var> leaves = leaves_of(loss);
  Trace trace;
  trace.add_graph(loss);
  grad(std::span(&loss, 1), leaves, {.retain_graph = true});
  trace.stop();
  ExplainOptions with_leaves = options;
  if (with_leaves.leaves.empty()) with_leaves.leaves = leaves;
  return explain(trace, with_leaves);
}

}  // namespace heed
