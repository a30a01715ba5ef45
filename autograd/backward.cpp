#include "autograd/backward.h"

#include <algorithm>
#include <utility>

#include "autograd/hooks.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/record.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"

namespace heed {

Var identity(const Var& x) {
  return record("identity", x.value(), wrt(x, [](const Var& dy) { return dy; }));
}

Var scale_gradient(const Var& x, double factor, SourceLocation at) {
  return record({"scale_gradient", at}, x.value(), wrt(x, [factor](const Var& dy) { return dy * factor; }));
}

Var sum_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("sum_to", sum_to(x.value(), shape),
                wrt(x, [from = x.shape()](const Var& dy) { return expand(dy, from); }));
}

Var expand(const Var& x, const Shape& shape, SourceLocation at) {
  // The engine sums the gradient back to x's shape.
  return record({"expand", at}, x.value().expand(shape), wrt(x, [](const Var& dy) { return dy; }));
}

namespace {

// While it lives, a rule of that node runs (of none: no rule does): saved values are checked against the moment
// at which it was recorded.
class RunningRule {
 public:
  explicit RunningRule(const Node* node) : before_(std::exchange(grad_mode::running_rule, node)) {}
  ~RunningRule() { grad_mode::running_rule = before_; }
  RunningRule(const RunningRule&) = delete;
  RunningRule& operator=(const RunningRule&) = delete;

 private:
  const Node* before_;
};

void tell_returned(const Node& node, const Edge& edge, const Var& gradient) {
  if (!Observer::watching()) [[likely]]
    return;
  Observer::tell_all([&](Observer& observer) {
    observer.rule_returned(node, static_cast<std::size_t>(edge.position), gradient);
  });
}

// Tells the observers when it begins and, however that comes about, when it is over.
template <class AtEnd>
class Told {
 public:
  template <class AtBegin>
  Told(AtBegin at_begin, AtEnd at_end) : at_end_(std::move(at_end)), told_(Observer::watching()) {
    if (told_) [[unlikely]]
      Observer::tell_all(at_begin);
  }
  ~Told() {
    if (told_) [[unlikely]]
      Observer::tell_all(at_end_);
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

 private:
  AtEnd at_end_;
  bool told_;
};

// Whether nobody else sees the elements.
bool owned(const Var& gradient) {
  const Node& node = *gradient.node();
  return node.unique() && node.value.storage().unique() && node.value.contiguous();
}

}  // namespace

/// One differentiation. Nodes wait in a heap, the last recorded first: everything that depends on a node was
/// recorded after it, so its gradient is complete when its turn comes. No recursion, and one fixed order of
/// additions.
class Sweep {
 public:
  Sweep(bool retain_graph, bool create_graph, const SourceLocation& called_at)
      : retain_graph_(retain_graph || create_graph),
        create_graph_(create_graph),
        called_at_(called_at),
        line_(source_locations::number_of(called_at)) {}
  ~Sweep() { forget_all(); }

  /// Restricts the sweep to what lies between the outputs and these inputs, whose gradients become results().
  void aim_at(std::span<const Var> outputs, std::span<const Var> inputs);

  void start(const Var& output, const Var& cotangent, const char* operation);
  void start_all(std::span<const Var> outputs, const GradOptions& options, const char* operation);
  void run();
  /// Whether the outputs depend on the input, be it through rules that give it nothing.
  bool reaches(const Var& input) const {
    return input.requires_grad() && std::binary_search(on_path_.begin(), on_path_.end(), input.node());
  }
  std::vector<Var>& results() { return results_; }

 private:
  using JointCotangents = std::unique_ptr<std::vector<Var>>;  // one per output, when there are several
  struct Slot {
    Node* node = nullptr;  // counted
    Var cotangent;
    JointCotangents joint;
    Sweep* outer_sweep = nullptr;  // what the node said before: sweeps nest when a rule differentiates
    std::uint32_t outer_slot = 0;
  };
  // Slots of nodes whose gradients are not yet handed on, the last recorded first.
  class WaitingNodes {
   public:
    struct Waiting {
      std::uint64_t recorded_at;
      std::uint32_t slot;
      bool operator<(const Waiting& other) const { return recorded_at < other.recorded_at; }
    };

    bool empty() const { return next_.recorded_at == 0 && heap_.empty(); }
    void push(Waiting node) {
      if (next_ < node) std::swap(next_, node);
      if (node.recorded_at == 0) return;
      heap_.push_back(node);
      std::push_heap(heap_.begin(), heap_.end());
    }
    Waiting pop() {
      if (heap_.empty() || heap_.front() < next_) return std::exchange(next_, {});
      const Waiting first = heap_.front();
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
      return first;
    }

   private:
    // One outside the heap, which may be earlier than the heap's first: in a chain no node ever enters the
    // heap.
    Waiting next_{};
    std::vector<Waiting> heap_;
  };

  Slot& slot_of(Node& node);
  void forget(Slot& slot);
  void forget_all();
  Var admit(const Var& gradient);
  void deposit(Node& node, Var&& gradient, std::int32_t output);
  void add(Var& total, Var&& gradient);
  void keep(Node& node, const Var& dy);
  void visit(Node& node, Var dy, JointCotangents joint);
  void call_hooks(Node& node, Var& dy);
  void apply_rules(Node& node, const Var& dy);
  void apply_joint_rule(Node& node, std::span<const Var> dy);
  void run_again(Node& node, std::span<const Var> dy);
  auto target_range(const Node& node) const {
    return std::equal_range(targets_.begin(), targets_.end(), std::pair<const Node*, std::size_t>(&node, 0),
                            [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  bool wanted(const Node& node) const {
    return !aimed_ || node.recorded_at > run_again_since_ ||
           std::binary_search(on_path_.begin(), on_path_.end(), &node);
  }
  bool leads_on(Node& node) const {
    for (const Edge& edge : node.edges())
      if (edge.input != nullptr && wanted(*edge.input)) return true;
    return false;
  }

  bool retain_graph_, create_graph_;
  SourceLocation called_at_;
  std::uint32_t line_;  // its number
  bool aimed_ = false;
  std::uint64_t earliest_target_ = 0;                         // nothing recorded before it matters
  std::uint64_t run_again_since_ = ~std::uint64_t{0};         // all that is recorded after it may lead on
  std::vector<const Node*> on_path_;                          // sorted
  std::vector<std::pair<const Node*, std::size_t>> targets_;  // sorted: node and its place in results_
  std::vector<Var> results_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  WaitingNodes waiting_;
};

void Sweep::aim_at(std::span<const Var> outputs, std::span<const Var> inputs) {
  aimed_ = true;
  results_.resize(inputs.size());
  earliest_target_ = ~std::uint64_t{0};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    targets_.emplace_back(inputs[i].node(), i);
    earliest_target_ = std::min(earliest_target_, inputs[i].node()->recorded_at);
  }
  std::sort(targets_.begin(), targets_.end());

  std::vector<Node*> reached, stack;
  for (const Var& output : outputs)
    if (output.requires_grad()) stack.push_back(output.node());
  // A node is marked by a slot of this sweep while it is being collected.
  while (!stack.empty()) {
    Node* const node = stack.back();
    stack.pop_back();
    if (node->sweep == this) continue;
    slot_of(*node);
    reached.push_back(node);
    for (const Edge& edge : node->edges())
      if (edge.input != nullptr && edge.input->sweep != this && edge.input->recorded_at >= earliest_target_)
        stack.push_back(edge.input);
  }
  std::sort(reached.begin(), reached.end(), [](Node* a, Node* b) { return a->recorded_at < b->recorded_at; });
  std::vector<bool> leads(slots_.size());
  for (Node* const node : reached) {
    // What lay behind a freed node is no longer known; the sweep complains when it gets there.
    bool to_target = node->freed || target_range(*node).first != target_range(*node).second;
    for (const Edge& edge : node->edges())
      to_target = to_target || (edge.input != nullptr && edge.input->sweep == this && leads[edge.input->slot]);
    leads[node->slot] = to_target;
    if (to_target) on_path_.push_back(node);
  }
  std::sort(on_path_.begin(), on_path_.end());
  forget_all();
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

void Sweep::forget_all() {
  for (Slot& slot : slots_)
    if (slot.node != nullptr) forget(slot);
}

// A gradient that the user brings. Its storage may have been changed since the graph was recorded, which is no
// fault: it comes in as a value of this moment.
Var Sweep::admit(const Var& gradient) {
  if (gradient.value().storage().changed() == 0) return gradient;
  return record("identity", gradient.value().clone(), wrt(gradient, [](const Var& dy) { return dy; }));
}

void Sweep::add(Var& total, Var&& gradient) {
  if (!total.defined()) {
    total = std::move(gradient);
  } else if (!create_graph_ && owned(total)) {
    add_scaled(total.mutable_value(), 1.0, gradient.value());
  } else {
    Var sum = record("add", total.value() + gradient.value(), wrt(total, [](const Var& dy) { return dy; }),
                     wrt(gradient, [](const Var& dy) { return dy; }));
    total = std::move(sum);
  }
}

void Sweep::keep(Node& node, const Var& dy) {
  // A gradient that passes through an addition reaches both operands: each leaf gets elements of its own.
  if (!create_graph_ && !node.gradient.defined() && node.edges().empty() && !owned(dy))
    node.gradient = Var(dy.value().clone());
  else
    add(node.gradient, Var(dy));
}

void Sweep::deposit(Node& node, Var&& gradient, std::int32_t output) {
  if (!create_graph_ && gradient.requires_grad()) gradient = gradient.detach();
  const bool is_new = node.sweep != this;
  Slot& slot = slot_of(node);
  if (is_new) waiting_.push({node.recorded_at, node.slot});
  if (node.joint_outputs > 0) {
    if (!slot.joint) slot.joint = std::make_unique<std::vector<Var>>(node.joint_outputs);
    add((*slot.joint)[static_cast<std::size_t>(output)], std::move(gradient));
  } else if (gradient.node()->value.shape() == node.value.shape()) [[likely]] {
    add(slot.cotangent, std::move(gradient));
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
  const Recording recording(create_graph_);
  deposit(*output.node(),
          cotangent.defined() ? admit(cotangent) : Var(Tensor::ones(output.shape(), output.dtype())), 0);
}

void Sweep::start_all(std::span<const Var> outputs, const GradOptions& options, const char* operation) {
  if (!options.cotangents.empty() && options.cotangents.size() != outputs.size())
    throw GraphError({.what = text(operation, ": ", options.cotangents.size(), " cotangents for ",
                                   outputs.size(), " outputs")});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (options.allow_unused && outputs[i].defined() && !outputs[i].requires_grad()) continue;
    start(outputs[i], options.cotangents.empty() ? Var() : options.cotangents[i], operation);
  }
}

void Sweep::run() {
  const Recording recording(create_graph_);
  const RunningRule outside(nullptr);  // a sweep inside a rule is no part of the rule
  const Told told([&](Observer& observer) { observer.sweep_began(called_at_); },
                  [](Observer& observer) { observer.sweep_ended(); });
  while (!waiting_.empty()) {
    const std::uint32_t index = waiting_.pop().slot;
    visit(*slots_[index].node, std::move(slots_[index].cotangent), std::move(slots_[index].joint));
    forget(slots_[index]);
    free_slots_.push_back(index);
  }
}

void Sweep::call_hooks(Node& node, Var& dy) {
  const auto hooks = node.extras->hooks;  // a hook may remove itself
  for (const auto& [id, hook] : hooks) {
    const Var replaced = hook(dy);
    if (!replaced.defined()) continue;
    if (replaced.shape() != dy.shape() || replaced.dtype() != dy.dtype())
      throw ShapeError({.what = text("hook: returned ", replaced.dtype(), " ", replaced.shape()),
                        .expected = text("the gradient's type and shape, ", dy.dtype(), " ", dy.shape())});
    dy = admit(replaced);
    if (!create_graph_ && dy.requires_grad()) dy = dy.detach();
  }
}

void Sweep::visit(Node& node, Var dy, JointCotangents joint) {
  if (node.extras && !node.extras->hooks.empty()) call_hooks(node, dy);
  if (aimed_) {
    const auto [first, last] = target_range(node);
    for (auto target = first; target != last; ++target) results_[target->second] = dy;
  } else if (node.keeps_gradient) {
    keep(node, dy);
  }
  if (node.freed && node.recorded_at > earliest_target_)
    throw GraphError(
        {.what = text("backward: the graph behind ", node.operation, " was freed by an earlier backward"),
         .operands = text(node.operation, " at ", node.recorded_by(), "    freed at ", node.freed_by()),
         .hint = "compute the value again, pass retain_graph to the earlier backward, or detach() what is "
                 "carried over"});
  {
    const std::span<const Var> dys = joint ? std::span<const Var>(*joint) : std::span(&dy, 1);
    const Told told([&](Observer& observer) { observer.reached(node, dys); },
                    [&](Observer& observer) { observer.left(node); });
    if (!leads_on(node)) return;
    if (node.joint_type == nullptr)
      apply_rules(node, dy);
    else if (node.joint_type->run_again == nullptr)
      apply_joint_rule(node, dys);
    else
      run_again(node, dys);
  }
  if (!retain_graph_) node.free_graph(line_);
}

void Sweep::apply_rules(Node& node, const Var& dy) {
  for (const Edge& edge : node.edges()) {
    if (edge.input == nullptr || !wanted(*edge.input)) continue;
    if (edge.type == nullptr) {  // a part of a joint operation hands its gradient to the whole
      deposit(*edge.input, Var(dy), edge.position);
      continue;
    }
    Var gradient = [&] {
      const RunningRule inside(&node);
      return edge.type->call(edge.rule, dy, node);
    }();
    tell_returned(node, edge, gradient);
    if (gradient.defined()) deposit(*edge.input, std::move(gradient), 0);
  }
}

void Sweep::apply_joint_rule(Node& node, std::span<const Var> dy) {
  std::vector<Var> gradients(node.edges().size());
  {
    const RunningRule inside(&node);
    node.joint_type->call(node.joint_rule, dy, node, gradients);
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Edge& edge = node.edges()[i];
    if (edge.input != nullptr) tell_returned(node, edge, gradients[i]);
    if (edge.input != nullptr && gradients[i].defined() && wanted(*edge.input))
      deposit(*edge.input, std::move(gradients[i]), 0);
  }
}

// What this records is later than all that waits. So it comes next, and gradients are added up in the order
// that they would have had if it had been there from the beginning.
void Sweep::run_again(Node& node, std::span<const Var> dy) {
  run_again_since_ = std::min(run_again_since_, moment::now());
  std::vector<Var> outputs;
  {
    const RunningRule inside(&node);
    const Recording recording(true);
    outputs = node.joint_type->run_again(node.joint_rule);
  }
  for (std::size_t i = 0; i < dy.size(); ++i) {
    if (!dy[i].defined() || !outputs[i].requires_grad() || !wanted(*outputs[i].node())) continue;
    // Gradients grow in place. One from before these nodes would look to them like a saved value that changed.
    deposit(*outputs[i].node(), create_graph_ ? Var(dy[i]) : Var(dy[i].value().clone()), 0);
  }
}

void Var::backward(const BackwardOptions& options, SourceLocation at) const {
  Sweep sweep(options.retain_graph, options.create_graph, at);
  sweep.start(*this, options.cotangent, "backward");
  sweep.run();
}

void backward(std::span<const Var> outputs, const GradOptions& options, SourceLocation at) {
  Sweep sweep(options.retain_graph, options.create_graph, at);
  sweep.start_all(outputs, options, "backward");
  sweep.run();
}

std::vector<Var> grad(std::span<const Var> outputs, std::span<const Var> inputs, const GradOptions& options,
                      SourceLocation at) {
  Sweep sweep(options.retain_graph, options.create_graph, at);
  sweep.aim_at(outputs, inputs);
  sweep.start_all(outputs, options, "grad");
  sweep.run();
  std::vector<Var> results = std::move(sweep.results());
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].defined()) continue;
    if (sweep.reaches(inputs[i]))
      results[i] = Var(Tensor::zeros(inputs[i].shape(), inputs[i].dtype()));
    else if (!options.allow_unused)
      throw GraphError({.what = text("grad: no output depends on input ", i, " (", inputs[i].operation(), " ",
                                     inputs[i].shape(), ")"),
                        .hint = "pass allow_unused to get an undefined gradient for it"});
  }
  return results;
}

}  // namespace heed
