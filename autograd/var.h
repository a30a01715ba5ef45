// Var: a tensor that records what is computed from it.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "autograd/grad_mode.h"
#include "core/tensor.h"

namespace heed {

class Node;
class Var;

struct BackwardOptions;

/// A handle on a value and on its place in the computation graph. Copies are the same variable. A
/// default-constructed Var is undefined. Vars that share a graph belong to one thread at a time.
class Var {
 public:
  Var() = default;
  /// A constant: no gradient flows to it.
  explicit Var(Tensor value, SourceLocation at = {});
  /// A leaf that collects a gradient. The name appears in messages and in saved states.
  static Var parameter(Tensor value, std::string name = {}, SourceLocation at = {});

  Var(const Var& other);
  Var(Var&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Var& operator=(Var other) & noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Var();

  bool defined() const { return node_ != nullptr; }
  /// The value. Inside a gradient rule, throws GraphError when it was changed after the operation saved it.
  const Tensor& value() const;
  /// The value, to be changed in place (by an optimiser, say).
  Tensor& mutable_value();
  /// Another value in place of this leaf's; the gradient is dropped. Throws GraphError unless this is a leaf.
  void set_value(Tensor value, SourceLocation at = {});

  const Shape& shape() const { return value().shape(); }
  int rank() const { return shape().rank(); }
  std::int64_t extent(int axis) const { return shape()[axis]; }
  std::int64_t count() const { return shape().count(); }
  DType dtype() const { return value().dtype(); }
  /// The one element, as a double.
  double item() const { return value().item(); }

  /// Whether a gradient flows to or through this.
  bool requires_grad() const;
  /// Whether no operation made this (in recorded form).
  bool is_leaf() const;
  /// The operation that made this, "parameter" or "constant".
  const char* operation() const;
  /// The line that called that operation, and the module that was running (Module::path()).
  SourceLocation recorded_by() const;
  const std::string& module_path() const;
  const std::string& name() const;
  /// Gives a name, for messages and inspection. The gradient of a named Var is kept by backward().
  Var& named(std::string name);
  /// Makes backward() keep the gradient of this intermediate result.
  Var& keep_grad();

  /// The gradient that backward() has collected; undefined when there is none. It has the shape and type of the
  /// value; a leaf's has elements of its own.
  const Var& grad() const;
  void set_grad(Var gradient);
  void zero_grad() { set_grad(Var()); }

  /// The same value, cut off from the graph.
  Var detach() const;

  /// The part that the indices name: `x[0]`, `x[{ellipsis, slice(1, 4), newaxis}]` (Tensor::operator[]).
  ///   dx = dy there, 0 elsewhere
  Var operator[](const Indices& where) const;

  /// Adds the derivative of this with respect to every leaf (and every named or kept intermediate) to its
  /// grad(). Throws GraphError unless this has one element; use the form with a cotangent otherwise, or sum()
  /// first. Throws GraphError when an earlier backward has freed the graph.
  void backward(SourceLocation at = {}) const;
  void backward(const BackwardOptions& options, SourceLocation at = {}) const;

  /// Whether both are the same variable.
  bool same_as(const Var& other) const { return node_ == other.node_; }

  Node* node() const { return node_; }
  /// Takes over one handle on the node.
  static Var adopt(Node* node) {
    Var var;
    var.node_ = node;
    return var;
  }

 private:
  Node& defined_node() const;
  Node* node_ = nullptr;
};

/// A Var as the left operand of an operator, which has no last parameter for the line of its call.
struct Operand {
  Operand(const Var& v, SourceLocation called_at = {}) : var(v), at(called_at) {}
  const Tensor& value() const { return var.value(); }

  const Var& var;
  SourceLocation at;
};

/// A number as the right operand of +=, -=, *= or /=.
struct Number {
  template <class T>
  requires std::is_arithmetic_v<T> Number(T v, SourceLocation called_at = {})
      : value(static_cast<double>(v)), at(called_at) {}

  double value;
  SourceLocation at;
};

/// How backward() goes.
struct BackwardOptions {
  Var cotangent = {};         ///< gradient to start from, of this value's shape; 1 for a single element
  bool retain_graph = false;  ///< keep the graph for another backward()
  /// Record the gradient computation, for derivatives of derivatives; implies retain_graph. A leaf's grad()
  /// then holds a graph that holds the leaf: both live until zero_grad(). The function grad() makes no such
  /// circle.
  bool create_graph = false;
};

}  // namespace heed

#include "autograd/node.h"  // what the members above do; it needs Var first
