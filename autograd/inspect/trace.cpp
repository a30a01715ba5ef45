#include "autograd/inspect/trace.h"

#include <algorithm>

#include "autograd/node.h"
#include "core/error.h"

namespace heed {

Trace::Trace(TraceOptions options) : options_(options) {}

std::chrono::nanoseconds Trace::lap() {
  const Clock::time_point now = Clock::now();
  return now - std::exchange(latest_, now);
}

// The place of a Var's value, which is a leaf when it has not been seen before.
std::size_t Trace::add_value(const Var& var) {
  const auto [found, is_new] = value_of_node_.try_emplace(var.node()->recorded_at, values_.size());
  if (is_new)
    values_.push_back({.name = var.name(),
                       .kind = var.operation(),
                       .requires_grad = var.requires_grad(),
                       .value = var.node()->value});
  return found->second;
}

void Trace::recorded(const Recorded& r) {
  if (stopped_ || (!rules_.empty() && !options_.of_rules)) return;
  const std::chrono::nanoseconds time = lap();
  const auto [found, is_new] = operation_of_id_.try_emplace(r.id, operations_.size());
  if (is_new) {
    TracedOperation operation{.name = r.output.operation(),
                              .module = r.output.module_path(),
                              .at = r.output.recorded_by(),
                              .forward = time};
    if (!rules_.empty()) operation.rule_of = rules_.back().operation;
    for (const Var* const operand : r.operands)
      operation.operands.push_back(operand->defined() ? add_value(*operand) : TracedOperation::kNowhere);
    operation.operand_gradients.resize(r.operands.size());
    operations_.push_back(std::move(operation));
  }
  const std::size_t place = add_value(r.output);
  values_[place].operation = found->second + 1;
  values_[place].output = r.index;
  operations_[found->second].outputs.push_back(place);
}

void Trace::noted(const Var& var, std::string_view name) {
  if (stopped_ || !rules_.empty() || !var.defined()) return;
  notes_.push_back({add_value(var), names::at_number(ErrorFrame::innermost_path()), std::string(name)});
}

void Trace::sweep_began(const SourceLocation&) {
  if (rules_.empty()) lap();
  sweeps_.push_back(rules_.size());
}

// However the sweep ended (another observer may have stopped it between reached() and left()), its rules are
// over.
void Trace::sweep_ended() {
  if (sweeps_.empty()) return;  // it began before this was there
  rules_.resize(std::min(rules_.size(), sweeps_.back()));
  sweeps_.pop_back();
}

void Trace::reached(const Node& node, std::span<const Var> dy) {
  if (stopped_) return;
  const auto operation = operation_of_id_.find(id_of(node));
  if (operation != operation_of_id_.end()) {
    TracedOperation& its = operations_[operation->second];
    for (std::size_t i = 0; i < dy.size(); ++i)
      if (dy[i].defined() && dy.size() == its.outputs.size()) values_[its.outputs[i]].gradient = dy[i].value();
    if (&node.whole() == &node) its.reached = ++reached_;
    rules_.push_back({operation->second, Clock::now()});
    return;
  }
  const auto value = value_of_node_.find(node.recorded_at);
  if (value != value_of_node_.end() && dy.size() == 1 && dy[0].defined())
    values_[value->second].gradient = dy[0].value();
}

void Trace::rule_returned(const Node& node, std::size_t operand, const Var& gradient) {
  const auto operation = operation_of_id_.find(id_of(node));
  if (stopped_ || operation == operation_of_id_.end() || !gradient.defined()) return;
  operations_[operation->second].operand_gradients[operand] = gradient.value();
}

void Trace::left(const Node& node) {
  if (stopped_ || rules_.empty() || !operation_of_id_.contains(id_of(node))) return;
  operations_[rules_.back().operation].backward += Clock::now() - rules_.back().since;
  rules_.pop_back();
}

std::size_t Trace::place_of(const Var& var) const {
  if (has_seen(var)) return value_of_node_.at(var.node()->recorded_at);
  throw IndexError({.what = "trace: it has not seen this variable",
                    .expected = "a Var that was computed, or used, while the trace was taken"});
}

}  // namespace heed
