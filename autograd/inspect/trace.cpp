#include "autograd/inspect/trace.h"

#include <algorithm>
#include <unordered_set>

#include "autograd/hooks.h"
#include "autograd/node.h"
#include "core/error.h"
#include "core/names.h"

namespace heed {

namespace {

// All nodes that the graph of a Var knows, itself among them, in the order in which they were made.
std::vector<Node*> nodes_behind(const Var& output) {
  if (!output.defined()) throw_undefined_var();
  std::vector<Node*> nodes, waiting{output.node()};
  std::unordered_set<Node*> met{output.node()};
  while (!waiting.empty()) {
    Node* const node = waiting.back();
    waiting.pop_back();
    nodes.push_back(node);
    for (const Edge& edge : node->edges())
      if (edge.input != nullptr && met.insert(edge.input).second) waiting.push_back(edge.input);
  }
  std::sort(nodes.begin(), nodes.end(), [](Node* a, Node* b) { return a->recorded_at < b->recorded_at; });
  return nodes;
}

}  // namespace

std::vector<Var> leaves_of(const Var& output) {
  std::vector<Var> leaves;
  for (Node* const node : nodes_behind(output))
    if (node->edges().empty() && node->requires_grad) leaves.push_back(node->as_var());
  return leaves;
}

Trace::Trace(TraceOptions options) : options_(options) {}

void Trace::forget() {
  if (!sweeps_.empty()) throw GraphError({.what = "trace: forget() while a backward is running"});
  operations_.clear();
  values_.clear();
  notes_.clear();
  calls_.clear();
  latest_call_.clear();
  value_of_node_.clear();
  operation_of_id_.clear();
  reached_ = 0;
}

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
  else if (values_[found->second].name.empty())
    values_[found->second].name = var.name();  // given since
  return found->second;
}

void Trace::recorded(const Recorded& r) {
  if (stopped_ || (!rules_.empty() && !options_.of_rules)) return;
  const std::chrono::nanoseconds time = lap();
  const auto [found, is_new] = operation_of_id_.try_emplace(r.id, operations_.size());
  if (is_new) {
    TracedOperation operation{.name = r.output.operation(),
                              .module = r.output.module_path(),
                              .call = latest_call(r.output.module_path()),
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
  // Each of several outputs has a node of its own, which is reached before that of the whole operation.
  const auto value = value_of_node_.find(node.recorded_at);
  if (value != value_of_node_.end() && dy.size() == 1 && dy[0].defined())
    values_[value->second].gradient = dy[0].value();
  const auto operation = operation_of_id_.find(id_of(node));
  if (operation != operation_of_id_.end()) {
    if (&node.whole() == &node) operations_[operation->second].reached = ++reached_;
    rules_.push_back({operation->second, Clock::now()});
  }
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

void Trace::entered(std::uint32_t path_number) {
  const std::string& path = names::at_number(path_number);
  if (stopped_ || path.empty()) return;
  const std::size_t dot = path.rfind('.');
  const std::string_view outer = std::string_view(path).substr(0, dot == std::string::npos ? 0 : dot);
  calls_.push_back({.path = path, .outer = latest_call(outer)});
  latest_call_[path] = calls_.size() - 1;
}

// The latest call of the module with that path or, when it has made none, of the nearest that it is a part of.
std::size_t Trace::latest_call(std::string_view path) const {
  for (; !path.empty(); path = path.substr(0, path.find('.') == path.npos ? 0 : path.rfind('.')))
    if (const auto found = latest_call_.find(path); found != latest_call_.end()) return found->second;
  return TracedOperation::kNowhere;
}

void Trace::add_graph(const Var& output) {
  for (Node* const node : nodes_behind(output)) add_node(*node);
}

// Of a node whose operands have been added.
void Trace::add_node(Node& node) {
  if (value_of_node_.contains(node.recorded_at)) return;
  if (node.edges().empty()) {
    add_value(node.as_var());
    return;
  }
  const auto [found, is_new] = operation_of_id_.try_emplace(id_of(node), operations_.size());
  if (is_new) {
    TracedOperation operation{.name = node.operation,
                              .module = node.module_path(),
                              .at = node.recorded_by(),
                              .operands_known = node.joint_type != nullptr};
    for (const Edge& edge : node.edges()) {
      const auto position = static_cast<std::size_t>(edge.position);
      if (position >= operation.operands.size())
        operation.operands.resize(position + 1, TracedOperation::kNowhere);
      if (edge.input != nullptr) operation.operands[position] = value_of_node_.at(edge.input->recorded_at);
    }
    operation.operand_gradients.resize(operation.operands.size());
    operations_.push_back(std::move(operation));
  }
  if (node.joint_outputs > 0) return;  // its outputs are nodes of their own
  const std::size_t place = add_value(node.as_var());
  values_[place].operation = found->second + 1;
  values_[place].output = &node.whole() == &node ? 0 : node.edges()[0].position;
  operations_[found->second].outputs.push_back(place);
}

std::size_t Trace::place_of(const Var& var) const {
  if (has_seen(var)) return value_of_node_.at(var.node()->recorded_at);
  throw IndexError({.what = "trace: it has not seen this variable",
                    .expected = "a Var that was computed, or used, while the trace was taken"});
}

}  // namespace heed
