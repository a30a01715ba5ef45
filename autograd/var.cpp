#include "autograd/var.h"

#include <algorithm>

#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/node.h"
#include "autograd/observer.h"
#include "core/allocator.h"
#include "core/error.h"

namespace heed {

// ---- nodes

Node::Node(Operation made_by, Tensor&& v, std::size_t block_bytes)
    : operation(made_by.name),
      value(std::move(v)),
      recorded_at(moment::next()),
      block_bytes_(static_cast<std::uint32_t>(block_bytes)),
      recorded_by_(source_locations::number_of(made_by.at)),
      module_path_(ErrorFrame::innermost_path()) {}

Node::~Node() = default;

Node* Node::create(Operation operation, Tensor&& value, std::size_t edges, std::size_t rule_bytes) {
  static_assert(sizeof(Node) == 256 && sizeof(Edge) % 16 == 0, "rules follow at multiples of 16");
  const std::size_t edge_end = sizeof(Node) + edges * sizeof(Edge);
  const std::size_t bytes = edge_end + rule_bytes;
  if (value.defined()) value.storage().set_operation(operation.name);
  Node* const node = new (pool::allocate(bytes)) Node(operation, std::move(value), bytes);
  node->used_bytes_ = static_cast<std::uint32_t>(edge_end);
  return node;
}

Node* Node::create_leaf(Operation kind, Tensor&& value) {
  return new (pool::allocate(sizeof(Node))) Node(kind, std::move(value), sizeof(Node));
}

Edge& Node::add_edge(const Var& operand, std::int32_t position) {
  Edge* const edge = new (edges_begin() + edge_count_++) Edge{.input = nullptr, .position = position};
  if (operand.requires_grad()) {
    edge->input = operand.node();
    edge->input->retain_reference();
    requires_grad = true;
  }
  return *edge;
}

void Node::release_graph() {
  for (Edge& edge : edges()) {
    if (edge.type != nullptr) edge.type->destroy(edge.rule);
    if (edge.input != nullptr) edge.input->release_reference();
  }
  edge_count_ = 0;
  if (joint_type != nullptr) std::exchange(joint_type, nullptr)->destroy(joint_rule);
  keeps_value = false;
  if (handles_.none()) value.forget_elements();
}

void Node::free_graph(std::uint32_t line) {
  release_graph();
  freed = true;
  freed_by_ = line;
}

void Node::drop_handles() {
  // The shape stays: the gradient that arrives here is summed to it.
  if (!keeps_value) value.forget_elements();
  release_reference();
}

// Destroying a node releases its operands, which may be the last reference to theirs, and so on along a chain
// of any length: nodes that die meanwhile wait in a list.
void Node::destroy(Node* node) {
  constinit static thread_local Node* dying = nullptr;
  constinit static thread_local bool busy = false;
  if (node->edge_count_ == 0 && node->joint_type == nullptr && !node->extras && !node->gradient.defined()) {
    const std::size_t bytes = node->block_bytes_;  // nothing lies behind it
    node->~Node();
    pool::release(node, bytes);
    return;
  }
  node->next_dying = dying;
  dying = node;
  if (busy) return;
  busy = true;
  while (dying != nullptr) {
    Node* const next = dying;
    dying = next->next_dying;
    next->release_graph();
    const std::size_t bytes = next->block_bytes_;
    next->~Node();
    pool::release(next, bytes);
  }
  busy = false;
}

// ---- variables

Var::Var(Tensor value, SourceLocation at) : node_(Node::create_leaf({"constant", at}, std::move(value))) {}

Var Var::parameter(Tensor value, std::string name, SourceLocation at) {
  Var var = adopt(Node::create_leaf({"parameter", at}, std::move(value)));
  var.node_->requires_grad = true;
  var.node_->keeps_gradient = true;
  if (!name.empty()) var.named(std::move(name));
  return var;
}

Tensor& Var::mutable_value() { return defined_node().value; }

void Var::set_value(Tensor value, SourceLocation at) {
  Node& node = defined_node();
  if (!is_leaf())
    throw GraphError({.what = text("set_value: the output of ", node.operation, " is computed, not set"),
                      .expected = "a leaf: a parameter or a constant"});
  if (!node.value.defined() || !value.defined()) throw_undefined_var();
  if (const std::string* label = node.value.storage().label()) value.storage().set_label(*label);
  value.storage().set_changed_at(at);
  node.value = std::move(value);
  node.value_set_at = moment::next();
  node.gradient = Var();
}

bool Var::is_leaf() const {
  Node& node = defined_node();
  return node.edges().empty() && !node.freed;
}

const char* Var::operation() const { return defined_node().operation; }
const std::string& Var::module_path() const { return defined_node().module_path(); }
SourceLocation Var::recorded_by() const { return defined_node().recorded_by(); }

const std::string& Var::name() const {
  static const std::string none;
  const Node& node = defined_node();
  return node.extras ? node.extras->name : none;
}

Var& Var::named(std::string name) {
  Node& node = defined_node();
  if (!node.extras) node.extras = std::make_unique<NodeExtras>();
  if (node.value.defined()) node.value.storage().set_label(text(is_leaf() ? "parameter \"" : "\"", name, "\""));
  node.extras->name = std::move(name);
  node.keeps_gradient = true;
  if (Observer::watching()) [[unlikely]]
    Observer::tell_all([&](Observer& observer) { observer.noted(*this, node.extras->name); });
  return *this;
}

Var& Var::keep_grad() {
  defined_node().keeps_gradient = true;
  return *this;
}

const Var& Var::grad() const { return defined_node().gradient; }

void Var::set_grad(Var gradient) {
  Node& node = defined_node();
  if (gradient.defined() && (gradient.shape() != shape() || gradient.dtype() != dtype()))
    throw ShapeError({.what = text("set_grad: the gradient is ", gradient.dtype(), " ", gradient.shape()),
                      .expected = text("the value's type and shape, ", dtype(), " ", shape())});
  node.gradient = std::move(gradient);
}

Var Var::detach() const {
  Var copy(value());
  copy.node_->operation = defined_node().operation;
  return copy;
}

void Var::backward(SourceLocation at) const { backward(BackwardOptions{}, at); }

// ---- hooks

HookHandle add_hook(const Var& var, GradientHook hook) {
  if (!var.requires_grad())
    throw GraphError({.what = "add_hook: no gradient flows to this variable",
                      .hint = "make it with Var::parameter, or compute it from one"});
  Node& node = *var.node();
  if (!node.extras) node.extras = std::make_unique<NodeExtras>();
  const std::uint64_t id = moment::next();
  node.extras->hooks.emplace_back(id, std::move(hook));
  return HookHandle(var, id);
}

void HookHandle::remove() {
  auto& hooks = var_.node()->extras->hooks;
  std::erase_if(hooks, [&](const auto& hook) { return hook.first == id_; });
}

// ---- messages

void throw_undefined_var() {
  throw GraphError(
      {.what = "an undefined Var has no value",
       .hint =
           "a default-constructed Var holds nothing; a gradient is undefined until backward() has reached it"});
}

void throw_saved_value_changed(const Tensor& value) {
  const Node& saved_by = *grad_mode::running_rule;
  throw GraphError(
      {.what = text("backward: ", value.origin(), " ", value.shape(), " was changed in place after ",
                    saved_by.operation, " had saved it"),
       .operands = text("saved at ", saved_by.recorded_by(), "    changed at ", value.storage().changed_at()),
       .hint = "call backward() before the change, or change a clone()"});
}

void throw_gradient_count(const char* operation, std::size_t returned, std::size_t operands) {
  throw GraphError({.what = text("backward: the rule of ", operation, " returned ", returned, " gradients"),
                    .expected = text("one per operand, ", operands)});
}

}  // namespace heed
