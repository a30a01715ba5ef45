// What is written on the items and arrows of a scene, and what they cost.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "autograd/inspect/graph_layout.h"
#include "autograd/inspect/graph_scene.h"

namespace heed::drawing {

/// What operations cost, or all those of a group.
struct Cost {
  std::chrono::nanoseconds forward{}, backward{};
  std::int64_t bytes = 0;  ///< of outputs that have elements of their own
  Cost& operator+=(const Cost& other);
};

/// A scene with its texts. The trace must outlive it.
class LabelledScene {
 public:
  /// `gradients`: boxes show those that arrived, too, numbers or their norm. Throws GraphError when there are
  /// no operations in the trace.
  explicit LabelledScene(const Trace& trace, bool gradients = false);

  const Trace& trace() const { return trace_; }
  const Scene& scene() const { return scene_; }
  const Item& item(std::size_t i) const { return scene_.items[i]; }
  const TracedOperation& operation(const Item& item) const { return trace_.operations()[item.place]; }
  const TracedValue& value(const Item& leaf) const { return trace_.values()[leaf.place]; }

  /// "tanh", "loop × 30"; and the line below it: "[2, 3]", "= 0.25" for a scalar, "12 operations".
  std::string name(std::size_t item) const;
  std::string about(std::size_t item) const;
  /// Of its box when closed.
  std::vector<Size> sizes() const;
  /// "operation view", "leaf parameter", "module", …: classes of its style.
  std::string kind(std::size_t item) const;
  const Cost& cost(std::size_t item) const { return costs_[item]; }

  /// The item that a value comes from.
  std::size_t item_of(std::size_t value) const;
  /// The value that a use reads, and the norm of the gradient that it sent back, summed over what was
  /// broadcast; below 0 when it sent none.
  std::size_t value_of(const Use& use) const {
    return trace_.operations()[use.operation].operands[use.operand];
  }
  double gradient_norm(const Use& use) const { return norms_[use.operation][use.operand]; }
  /// Of all uses of an arrow together.
  double gradient_norm(const Arrow& arrow) const;
  /// "weight [4, 3]", "30 values [2, 8]"
  std::string carried(const Arrow& arrow) const;
  /// Where a value comes from: a name in quotes, or its operation: `"out.weight"`, "tanh", "constant".
  std::string source(std::size_t value) const;
  /// "[2, 3]", "= 0.25" for a scalar whose value is known.
  std::string shape_or_value(const TracedValue& value) const;

 private:
  bool is_view(const TracedOperation& operation) const;
  std::string gradient(const TracedValue& value) const;

  const Trace& trace_;
  bool gradients_;
  Scene scene_;
  std::vector<Cost> costs_;                 // by item
  std::vector<std::vector<double>> norms_;  // by operation and operand
};

}  // namespace heed::drawing
