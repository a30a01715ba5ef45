#include "autograd/backward.h"

#include <algorithm>
#include <optional>

#include "autograd/hooks.h"
#include "autograd/node.h"
#include "autograd/record.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"

namespace heed {

Var identity(const Var& x) {
  return record("identity", x.value(), wrt(x, [](const Var& dy) { return dy; }));
}

Var sum_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("sum_to", sum_to(x.value(), shape),
                wrt(x, [from = x.shape()](const Var& dy) { return expand(dy, from); }));
}

Var expand(const Var& x, const Shape& shape) {
  // The engine sums the gradient back to x's shape.
  return record("expand", x.value().expand(shape), wrt(x, [](const Var& dy) { return dy; }));
}

/// One differentiation. Nodes wait in a heap, the last recorded first: everything that depends on a node was
/// recorded after it, so its gradient is complete when its turn comes. No recursion, and one fixed order of
/// additions.
class Sweep {
 public:
  enum class Into { gradients, results };

  Sweep(bool retain_graph, bool create_graph)
      : retain_graph_(retain_graph || create_graph), create_graph_(create_graph) {}
  ~Sweep() {
    for (const Waiting& waiting : heap_) forget(slots_[waiting.slot]);
  }

  /// Restricts the sweep to what lies between the outputs and these inputs, whose gradients become results().
  void aim_at(std::span<const Var> outputs, std::span<const Var> inputs);

  void start(const Var& output, const Var& cotangent, const char* operation);
  void run();
  std::vector<Var>& results() { return results_; }

 private:
  struct Slot {
    Node* node = nullptr;  // counted
    Var cotangent;
    std::vector<Var> joint;        // one per output of a joint operation with several
    Sweep* outer_sweep = nullptr;  // what the node said before: sweeps nest when a rule differentiates
    std::uint32_t outer_slot = 0;
  };
  struct Waiting {
    std::uint64_t recorded_at;
    std::uint32_t slot;
    bool operator<(const Waiting& other) const { return recorded_at < other.recorded_at; }
  };

  Slot& slot_of(Node& node);
  void forget(Slot& slot);
  void deposit(Node& node, Var gradient, std::int32_t output);
  void add(Var& total, Var gradient);
  void visit(Node& node, Slot slot);
  void apply_rules(Node& node, const Var& dy, std::span<const Var> joint);
  bool wanted(const Node& node) const {
    return !aimed_ || std::binary_search(on_path_.begin(), on_path_.end(), &node);
  }

  bool retain_graph_, create_graph_;
  bool aimed_ = false;
  std::vector<const Node*> on_path_;                          // sorted
  std::vector<std::pair<const Node*, std::size_t>> targets_;  // sorted: node and its place in results_
  std::vector<Var> results_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Waiting> heap_;
};

void Sweep::aim_at(std::span<const Var> outputs, std::span<const Var> inputs) {
  aimed_ = true;
  results_.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].requires_grad()) targets_.emplace_back(inputs[i].node(), i);
  std::sort(targets_.begin(), targets_.end());

  std::vector<Node*> reached, stack;
  for (const Var& output : outputs)
    if (output.requires_grad()) stack.push_back(output.node());
  std::vector<const Node*> seen_order;
  // A node is marked by a slot of this sweep while it is being collected.
  while (!stack.empty()) {
    Node* const node = stack.back();
    stack.pop_back();
    if (node->sweep == this) continue;
    slot_of(*node);
    reached.push_back(node);
    for (const Edge& edge : node->edges())
      if (edge.input != nullptr && edge.input->sweep != this) stack.push_back(edge.input);
  }
  std::sort(reached.begin(), reached.end(), [](Node* a, Node* b) { return a->recorded_at < b->recorded_at; });
  std::vector<bool> leads(slots_.size());
  for (Node* const node : reached) {
    bool to_target =
        std::any_of(targets_.begin(), targets_.end(), [&](const auto& t) { return t.first == node; });
    for (const Edge& edge : node->edges())
      to_target = to_target || (edge.input != nullptr && leads[edge.input->slot]);
    leads[node->slot] = to_target;
    if (to_target) on_path_.push_back(node);
  }
  std::sort(on_path_.begin(), on_path_.end());
  for (Node* const node : reached) forget(slots_[node->slot]);
  slots_.clear();
  free_slots_.clear();
}

Sweep::Slot& Sweep::slot_of(Node& node) {
  if (node.sweep == this) return slots_[node.slot];
  std::uint32_t index = static_cast<std::uint32_t>(slots_.size());
  if (free_slots_.empty()) {
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  node.retain_reference();
  slot.node = &node;
  slot.outer_sweep = node.sweep;
  slot.outer_slot = node.slot;
  node.sweep = this;
  node.slot = index;
  return slot;
}

void Sweep::forget(Slot& slot) {
  Node* const node = std::exchange(slot.node, nullptr);
  node->sweep = slot.outer_sweep;
  node->slot = slot.outer_slot;
  node->release_reference();
}

void Sweep::add(Var& total, Var gradient) {
  if (!total.defined()) {
    total = std::move(gradient);
  } else if (!create_graph_ && total.node()->unique() && total.value().storage().unique() &&
             total.value().contiguous()) {
    add_scaled(total.mutable_value(), 1.0, gradient.value());
  } else {
    Var sum = record("add", total.value() + gradient.value(), wrt(total, [](const Var& dy) { return dy; }),
                     wrt(gradient, [](const Var& dy) { return dy; }));
    total = std::move(sum);
  }
}

void Sweep::deposit(Node& node, Var gradient, std::int32_t output) {
  const bool is_new = node.sweep != this;
  Slot& slot = slot_of(node);
  if (is_new) {
    heap_.push_back({node.recorded_at, node.slot});
    std::push_heap(heap_.begin(), heap_.end());
  }
  if (node.joint_outputs > 0) {
    slot.joint.resize(static_cast<std::size_t>(node.joint_outputs));
    add(slot.joint[static_cast<std::size_t>(output)], std::move(gradient));
  } else {
    add(slot.cotangent, sum_to(gradient, node.value.shape()));
  }
}

void Sweep::start(const Var& output, const Var& cotangent, const char* operation) {
  if (!output.requires_grad())
    throw GraphError({.what = text(operation, ": nothing that this value depends on requires a gradient"),
                      .hint = "make the leaves with Var::parameter, and compute outside NoGrad"});
  if (!cotangent.defined() && output.count() != 1)
    throw GraphError({.what = text(operation, ": a value of shape ", output.shape(), " has no single gradient"),
                      .expected = "one element",
                      .hint = "reduce it with sum() or mean(), or give a cotangent of its shape"});
  if (cotangent.defined() && (cotangent.shape() != output.shape() || cotangent.dtype() != output.dtype()))
    throw ShapeError({.what = text(operation, ": the cotangent is ", cotangent.dtype(), " ", cotangent.shape()),
                      .expected = text("the value's type and shape, ", output.dtype(), " ", output.shape())});
  if (!wanted(*output.node())) return;
  deposit(*output.node(), cotangent.defined() ? cotangent : Var(Tensor::ones(output.shape(), output.dtype())),
          0);
}

void Sweep::run() {
  const Recording recording(create_graph_);
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    const std::uint32_t index = heap_.back().slot;
    heap_.pop_back();
    Slot slot = std::move(slots_[index]);
    slots_[index] = Slot();
    free_slots_.push_back(index);
    Node& node = *slot.node;
    struct Restore {
      Sweep& sweep;
      Slot& slot;
      ~Restore() { sweep.forget(slot); }
    };
    Slot place{.node = slot.node,
               .cotangent = {},
               .joint = {},
               .outer_sweep = slot.outer_sweep,
               .outer_slot = slot.outer_slot};
    const Restore restore{*this, place};
    visit(node, std::move(slot));
  }
}

void Sweep::visit(Node& node, Slot slot) {
  Var& dy = slot.cotangent;
  if (node.extras) {
    const auto hooks = node.extras->hooks;  // a hook may remove itself
    for (const auto& [id, hook] : hooks)
      if (Var replaced = hook(dy); replaced.defined()) dy = sum_to(replaced, node.value.shape());
  }
  if (aimed_) {
    const auto [first, last] =
        std::equal_range(targets_.begin(), targets_.end(), std::pair<const Node*, std::size_t>(&node, 0),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto target = first; target != last; ++target) results_[target->second] = dy;
  } else if (node.keeps_gradient) {
    add(node.gradient, dy);
  }
  const auto edges = node.edges();
  const bool ends_here = std::none_of(edges.begin(), edges.end(), [&](const Edge& edge) {
    return edge.input != nullptr && wanted(*edge.input);
  });
  if (ends_here && !node.freed) return;
  if (node.freed)
    throw GraphError(
        {.what = text("backward: the graph behind ", node.operation, " was freed by an earlier backward"),
         .hint = "compute the value again, pass retain_graph to the earlier backward, or detach() what is "
                 "carried over"});
  apply_rules(node, dy, slot.joint);
  if (!retain_graph_) {
    node.release_graph();
    node.freed = true;
  }
}

void Sweep::apply_rules(Node& node, const Var& dy, std::span<const Var> joint) {
  struct RuleScope {
    std::uint64_t before = grad_mode::rule_recorded_at;
    ~RuleScope() { grad_mode::rule_recorded_at = before; }
  };
  if (node.joint_type == nullptr) {
    for (const Edge& edge : node.edges()) {
      if (edge.input == nullptr || !wanted(*edge.input)) continue;
      if (edge.type == nullptr) {  // a part of a joint operation hands its gradient to the whole
        deposit(*edge.input, dy, edge.output);
        continue;
      }
      Var gradient;
      {
        const RuleScope scope;
        grad_mode::rule_recorded_at = node.recorded_at;
        gradient = edge.type->call(edge.rule, dy, node);
      }
      if (gradient.defined()) deposit(*edge.input, std::move(gradient), 0);
    }
    return;
  }
  std::vector<Var> gradients(node.edges().size());
  {
    const RuleScope scope;
    grad_mode::rule_recorded_at = node.recorded_at;
    node.joint_type->call(node.joint_rule, node.joint_outputs > 0 ? joint : std::span(&dy, 1), node, gradients);
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Edge& edge = node.edges()[i];
    if (edge.input != nullptr && gradients[i].defined() && wanted(*edge.input))
      deposit(*edge.input, std::move(gradients[i]), 0);
  }
}

void Var::backward(const BackwardOptions& options) const {
  Sweep sweep(options.retain_graph, options.create_graph);
  sweep.start(*this, options.cotangent, "backward");
  sweep.run();
}

std::vector<Var> grad(std::span<const Var> outputs, std::span<const Var> inputs, const GradOptions& options) {
  if (!options.cotangents.empty() && options.cotangents.size() != outputs.size())
    throw GraphError(
        {.what = text("grad: ", options.cotangents.size(), " cotangents for ", outputs.size(), " outputs")});
  Sweep sweep(options.retain_graph, options.create_graph);
  sweep.aim_at(outputs, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    sweep.start(outputs[i], options.cotangents.empty() ? Var() : options.cotangents[i], "grad");
  sweep.run();
  std::vector<Var> results = std::move(sweep.results());
  for (std::size_t i = 0; i < results.size() && !options.allow_unused; ++i)
    if (!results[i].defined())
      throw GraphError({.what = text("grad: no output depends on input ", i, " (", inputs[i].operation(), " ",
                                     inputs[i].shape(), ")"),
                        .hint = "pass allow_unused to get an undefined gradient for it"});
  return results;
}

}  // namespace heed
