// Nodes of the computation graph. Users see Var; operations see record().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autograd/var.h"
#include "core/counting.h"
#include "core/names.h"
#include "core/source_location.h"

namespace heed {

class Sweep;
struct NodeExtras;

/// What the engine knows of the type of one gradient rule.
struct RuleType {
  Var (*call)(void* rule, const Var& dy, Node& node);
  void (*destroy)(void* rule);
  bool wants_output;  ///< the rule is called with (dy, y): the node keeps its value for it
};

/// What the engine knows of the type of a rule for all operands together.
struct JointRuleType {
  void (*call)(void* rule, std::span<const Var> dy, Node& node, std::span<Var> gradients);
  void (*destroy)(void* rule);
  bool wants_output;
  /// In place of `call`: computes the outputs again, recorded, through which the sweep goes on.
  std::vector<Var> (*run_again)(void* rule) = nullptr;
};

/// The name of an operation, a static text, and the line that called it. Without `at` that is the line of
/// record() itself.
struct Operation {
  Operation(const char* its_name, SourceLocation called_at = {}) : name(its_name), at(called_at) {}
  const char* name;
  SourceLocation at;
};

/// One operand of a recorded operation. The rule lies in the node's own block.
struct Edge {
  Node* input = nullptr;  ///< counted; null for an operand that needs no gradient
  const RuleType* type = nullptr;
  void* rule = nullptr;
  /// Which operand this is; for a part of a joint operation, which of its outputs the part is.
  std::int32_t position = 0;
};

/// A value, the operation that made it, and the rules that carry its gradient to the operands. Two counts:
/// handles (Vars, which need the value) and references (edges of later nodes, which need the rules only; all
/// handles together hold one). When the last handle goes the value goes too, unless a rule wants it. Node,
/// edges and rules are one block.
class Node {
 public:
  static Node* create(Operation operation, Tensor&& value, std::size_t edges = 0, std::size_t rule_bytes = 0);
  /// A node that no operation made; errors call its value a constant or a parameter.
  static Node* create_leaf(Operation kind, Tensor&& value);

  // ---- counts
  void retain_handle() {
    if (handles_.none()) references_.retain();
    handles_.retain();
  }
  void release_handle() {
    if (handles_.release()) drop_handles();
  }
  void retain_reference() { references_.retain(); }
  void release_reference() {
    if (references_.release()) destroy(this);
  }
  /// Whether the caller's Var is the only thing that knows this node.
  bool unique() const { return handles_.unique() && references_.unique(); }
  Var as_var() {
    retain_handle();
    return Var::adopt(this);
  }

  // ---- building, by record()
  template <class Rule>
  void add_rule(const Var& operand, std::int32_t position, Rule& rule);
  template <class Rule>
  void set_joint_rule(Rule& rule);
  Edge& add_edge(const Var& operand, std::int32_t position);

  std::span<Edge> edges() { return {edges_begin(), edge_count_}; }
  std::span<const Edge> edges() const { return const_cast<Node*>(this)->edges(); }
  /// Of one of several outputs the node of the whole operation, which has the rules; else the node itself.
  const Node& whole() const { return edge_count_ == 1 && is_part() ? *edges()[0].input : *this; }
  /// Gives up the rules with all that they saved, and the operands.
  void release_graph();
  /// The same, since a backward has consumed them, of the line with that number.
  void free_graph(std::uint32_t line);
  /// The line of that backward.
  SourceLocation freed_by() const { return source_locations::at_number(freed_by_); }
  /// The line that called the operation.
  SourceLocation recorded_by() const { return source_locations::at_number(recorded_by_); }
  /// Module::path() of the innermost module that was running.
  const std::string& module_path() const { return names::at_number(module_path_); }

  const char* operation;
  Tensor value;
  Var gradient;                        // collected by backward()
  std::uint64_t recorded_at;           // later than its operands': the order of the sweep
  std::uint64_t value_set_at = 0;      // when set_value() last replaced a leaf's value
  std::unique_ptr<NodeExtras> extras;  // name and hooks, when there are any
  const JointRuleType* joint_type = nullptr;
  union {
    void* joint_rule = nullptr;
    std::uint32_t freed_by_;  // number of the line, when freed
  };
  union {
    Sweep* sweep = nullptr;  // where the running sweep has this node; see backward.cpp
    Node* next_dying;        // in the list of destroy(): no sweep holds a dying node
  };
  union {
    std::uint32_t slot = 0;     // in that sweep
    std::uint32_t used_bytes_;  // of the block, while it is built
  };
  std::uint16_t joint_outputs = 0;  // outputs of a joint operation that has several
  bool requires_grad : 1 = false;
  bool keeps_gradient : 1 = false;  // a leaf, or asked for
  bool keeps_value : 1 = false;     // a rule wants the output
  bool freed : 1 = false;           // a backward has consumed the rules

 private:
  Node(Operation made_by, Tensor&& v, std::size_t block_bytes);
  ~Node();
  static void destroy(Node* node);
  void drop_handles();
  bool is_part() const {
    const Edge& edge = edges()[0];
    return edge.type == nullptr && edge.input != nullptr && edge.input->joint_outputs > 0;
  }
  Edge* edges_begin() { return reinterpret_cast<Edge*>(reinterpret_cast<std::byte*>(this) + sizeof(Node)); }
  template <class Rule>
  void* place(Rule& rule);

  RefCount handles_, references_;
  std::uint32_t block_bytes_;
  std::uint32_t edge_count_ = 0;
  std::uint32_t recorded_by_;  // number of the line
  std::uint32_t module_path_;  // number of the name
};

/// Bytes that a rule takes in a node's block.
constexpr std::size_t rule_bytes(std::size_t size) { return (size + 15) / 16 * 16; }

inline Var::Var(const Var& other) : node_(other.node_) {
  if (node_ != nullptr) node_->retain_handle();
}

inline Var::~Var() {
  if (node_ != nullptr) node_->release_handle();
}

[[noreturn]] void throw_undefined_var();
[[noreturn]] void throw_saved_value_changed(const Tensor& value);
[[noreturn]] void throw_gradient_count(const char* operation, std::size_t returned, std::size_t operands);

/// For gradient rules that save a Tensor: the tensor itself. Throws GraphError when it was changed in place
/// after the operation saved it. A saved Var does this by itself.
inline const Tensor& unchanged(const Tensor& saved) {
  const Node* const rule = grad_mode::running_rule;
  if (rule != nullptr && saved.defined() && saved.storage().changed() > rule->recorded_at &&
      saved.storage().created() < rule->recorded_at) [[unlikely]]
    throw_saved_value_changed(saved);
  return saved;
}

inline Node& Var::defined_node() const {
  if (node_ == nullptr) throw_undefined_var();
  return *node_;
}

inline const Tensor& Var::value() const {
  const Node& node = defined_node();
  const Node* const rule = grad_mode::running_rule;
  if (rule != nullptr && node.value_set_at > rule->recorded_at) [[unlikely]]
    throw_saved_value_changed(node.value);
  return unchanged(node.value);
}

inline bool Var::requires_grad() const { return node_ != nullptr && node_->requires_grad; }

}  // namespace heed
