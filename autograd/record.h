// How an operation enters the graph: its value, and one gradient rule per operand.
//
//   inline Var multiply(const Var& a, const Var& b) {
//     return record("multiply", a.value() * b.value(),
//                   wrt(a, [b](const Var& dy) { return dy * b; }),
//                   wrt(b, [a](const Var& dy) { return dy * a; }));
//   }
#pragma once

#include <array>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/node.h"
#include "autograd/observer.h"

namespace heed {

/// An operand and the rule that gives its gradient, which lives to the end of the full expression.
template <class Rule>
struct Wrt {
  const Var& operand;
  Rule& rule;
};

/// "With respect to": rule(dy), or rule(dy, y) when it needs the output y, returns the gradient of `operand`.
/// What the rule captures is what the operation saves; it is dropped at once when the operand needs no
/// gradient. A rule never captures y. The gradient may have the broadcast shape: the engine sums it to the
/// operand's. An undefined Var means 0. Rules are written in Var operations, which are recorded only under
/// create_graph.
template <class Rule>
[[nodiscard]] Wrt<Rule> wrt(const Var& operand, Rule&& rule) {
  static_assert(!std::is_lvalue_reference_v<Rule>, "the rule is moved into the graph: write it in place");
  return {operand, rule};
}

/// The value of an operation as a Var, with the rules for those operands that need a gradient. It has one
/// caller for each set of rules, of which it becomes a part.
template <class... Rules>
[[gnu::always_inline]] inline Var record(Operation operation, Tensor value, Wrt<Rules>... operands) {
  const bool recorded = is_recording() && (operands.operand.requires_grad() || ...);
  constexpr std::size_t kRuleBytes = (std::size_t{0} + ... + rule_bytes(sizeof(Rules)));
  Var y = Var::adopt(
      Node::create(operation, std::move(value), recorded ? sizeof...(Rules) : 0, recorded ? kRuleBytes : 0));
  if (recorded) {
    [[maybe_unused]] std::int32_t position = 0;
    (y.node()->add_rule(operands.operand, position++, operands.rule), ...);
  }
  if (Observer::watching()) [[unlikely]] {
    const std::array<const Var*, sizeof...(Rules)> all{&operands.operand...};
    tell_recorded(y, all);
  }
  return y;
}

/// An operation whose gradients are computed together: rule(dy) or rule(dy, y) returns an array or vector of
/// Vars, one gradient per operand in their order; those of operands that need none are ignored. A Tensor that a
/// rule saves is read through unchanged(). A rule without arguments, rule(), computes all outputs once more and
/// returns them as a vector: a backward goes on through what that records (autograd/checkpoint.h).
template <class Rule>
Var record_joint(Operation operation, Tensor value, std::span<const Var> operands, Rule rule);

/// The same with several outputs: rule(dys) gets one cotangent per output, undefined where nothing depends on
/// it.
template <std::size_t M, class Rule>
std::array<Var, M> record_joint(Operation operation, std::array<Tensor, M> values,
                                std::span<const Var> operands, Rule rule);

// ---- how it is done

/// Tells the observers of an operation with one output, or with one or several and operands in a row.
void tell_recorded(const Var& output, std::span<const Var* const> operands);
void tell_recorded(std::span<const Var> outputs, std::span<const Var> operands);

template <class Rule>
void* Node::place(Rule& rule) {
  static_assert(alignof(Rule) <= 16);
  void* const at = reinterpret_cast<std::byte*>(this) + used_bytes_;
  new (at) Rule(std::move(rule));
  used_bytes_ += static_cast<std::uint32_t>(rule_bytes(sizeof(Rule)));
  return at;
}

template <class Rule>
inline constexpr bool kRuleWantsOutput = std::is_invocable_v<Rule&, const Var&, const Var&>;

template <class Rule>
inline constexpr RuleType kRuleType = {[](void* rule, const Var& dy, [[maybe_unused]] Node& node) -> Var {
                                         if constexpr (kRuleWantsOutput<Rule>)
                                           return (*static_cast<Rule*>(rule))(dy, node.as_var());
                                         else
                                           return (*static_cast<Rule*>(rule))(dy);
                                       },
                                       [](void* rule) { static_cast<Rule*>(rule)->~Rule(); },
                                       kRuleWantsOutput<Rule>};

template <class Rule>
void Node::add_rule(const Var& operand, std::int32_t position, Rule& rule) {
  if (!operand.requires_grad()) return;
  Edge& edge = add_edge(operand, position);
  edge.rule = place(rule);
  edge.type = &kRuleType<Rule>;
  keeps_value |= edge.type->wants_output;
}

template <class Gradients>
void spread(Gradients&& from, const Node& node, std::span<Var> to) {
  if (from.size() != to.size()) throw_gradient_count(node.operation, from.size(), to.size());
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = std::move(from[i]);
}

template <class Rule>
inline constexpr bool kRuleRunsAgain = std::is_invocable_r_v<std::vector<Var>, Rule&>;

template <class Rule>
constexpr JointRuleType joint_rule_type() {
  JointRuleType type{.call = nullptr,
                     .destroy = [](void* rule) { static_cast<Rule*>(rule)->~Rule(); },
                     .wants_output = kRuleWantsOutput<Rule>};
  if constexpr (kRuleRunsAgain<Rule>)
    type.run_again = [](void* rule) -> std::vector<Var> { return (*static_cast<Rule*>(rule))(); };
  else
    type.call = [](void* rule, std::span<const Var> dy, [[maybe_unused]] Node& node, std::span<Var> gradients) {
      if constexpr (std::is_invocable_v<Rule&, std::span<const Var>>)
        spread((*static_cast<Rule*>(rule))(dy), node, gradients);
      else if constexpr (kRuleWantsOutput<Rule>)
        spread((*static_cast<Rule*>(rule))(dy[0], node.as_var()), node, gradients);
      else
        spread((*static_cast<Rule*>(rule))(dy[0]), node, gradients);
    };
  return type;
}

template <class Rule>
inline constexpr JointRuleType kJointRuleType = joint_rule_type<Rule>();

template <class Rule>
void Node::set_joint_rule(Rule& rule) {
  joint_rule = place(rule);
  joint_type = &kJointRuleType<Rule>;
  keeps_value |= joint_type->wants_output;
}

inline bool any_requires_grad(std::span<const Var> operands) {
  for (const Var& operand : operands)
    if (operand.requires_grad()) return true;
  return false;
}

/// A node with a rule for all operands.
template <class Rule>
Var create_joint(Operation operation, Tensor value, std::span<const Var> operands, Rule& rule) {
  Var y = Var::adopt(Node::create(operation, std::move(value), operands.size(), rule_bytes(sizeof(Rule))));
  std::int32_t position = 0;
  for (const Var& operand : operands) y.node()->add_edge(operand, position++);
  y.node()->set_joint_rule(rule);
  return y;
}

template <class Rule>
Var record_joint(Operation operation, Tensor value, std::span<const Var> operands, Rule rule) {
  Var y = is_recording() && any_requires_grad(operands)
              ? create_joint(operation, std::move(value), operands, rule)
              : Var::adopt(Node::create(operation, std::move(value)));
  if (Observer::watching()) [[unlikely]]
    tell_recorded(std::span(&y, 1), operands);
  return y;
}

/// Several outputs: parts of one node, which has the rule.
template <class Rule>
void record_parts(Operation operation, std::span<Tensor> values, std::span<const Var> operands, Rule& rule,
                  std::span<Var> outputs) {
  const bool recorded = is_recording() && any_requires_grad(operands);
  Var whole;
  if (recorded) {
    whole = create_joint(operation, Tensor(), operands, rule);
    whole.node()->joint_outputs = static_cast<std::uint16_t>(outputs.size());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i] = Var::adopt(Node::create(operation, std::move(values[i]), recorded ? 1 : 0));
    if (recorded) outputs[i].node()->add_edge(whole, static_cast<std::int32_t>(i));
  }
  if (Observer::watching()) [[unlikely]]
    tell_recorded(outputs, operands);
}

template <std::size_t M, class Rule>
std::array<Var, M> record_joint(Operation operation, std::array<Tensor, M> values,
                                std::span<const Var> operands, Rule rule) {
  std::array<Var, M> outputs;
  record_parts(operation, values, operands, rule, outputs);
  return outputs;
}

}  // namespace heed
