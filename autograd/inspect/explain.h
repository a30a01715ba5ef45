// A backward pass explained, operation by operation, from the loss to the leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/inspect/trace.h"

namespace heed {

struct ExplainOptions {
  std::string title = "The backward pass";
  std::size_t most = 200;     ///< operations explained; of the others the number
  std::int64_t numbers = 12;  ///< elements of a tensor that are shown; of a larger one the first and the norm
  int digits = 4;             ///< significant ones of each number
  /// Computes the loss anew from the present values of `leaves`, to check their gradients by finite differences
  /// as gradcheck() does: they must be f64.
  std::function<Var()> loss = {};
  std::vector<Var> leaves = {};
};

/// What one use of a value sent back to it.
struct Contribution {
  std::size_t step = 0;   ///< which step explains that use, from 1; 0 for one that is left out
  std::string operand{};  ///< the name of the value there
  Tensor gradient{};      ///< of the value's shape
};

/// A value with what arrived at it.
struct ExplainedValue {
  std::string name{};    ///< in the formula: "x"; of a leaf its own
  std::string source{};  ///< `"w1"`, "tanh", "constant"
  std::size_t step = 0;  ///< the step of the operation that made it, from 1; 0 for a leaf and one left out
  bool requires_grad = false;
  Tensor value{};                             ///< only the shape is there when nobody held the elements
  Tensor gradient{};                          ///< undefined when none arrived
  std::vector<Contribution> contributions{};  ///< what the gradient is the sum of; none for where it began
  std::string check{};                        ///< of a leaf: what finite differences say
};

struct ExplainedOperand {
  ExplainedValue value{};     ///< its gradient is what this operation sends, summed to the operand's shape
  bool given = true;          ///< false for one that was left out of the call
  bool known = true;          ///< false for one that needs no gradient and was not seen
  Tensor sent{};              ///< what the rule returned, in the broadcast shape
  std::string formula{};      ///< "dx = dy * (1 - y^2)"
  std::string with_shapes{};  ///< the same with shapes put in, or numbers where all are single ones
  std::string broadcast{};    ///< why it was summed: "b [4] was repeated 32 times, …"; empty when it was not
};

struct ExplainedStep {
  std::string operation{}, module{}, line{};
  std::string formula{}, with_shapes{}, definitions{}, note{};  ///< forward
  std::vector<ExplainedValue> outputs{};
  std::vector<ExplainedOperand> operands{};
};

/// Steps in the order in which the backward pass went, and the leaves where it ended.
struct Explanation {
  std::string title{};
  std::int64_t numbers = 0;
  int digits = 0;
  std::vector<ExplainedStep> steps{};
  std::vector<ExplainedValue> leaves{};
  std::size_t left_out = 0;  ///< operations that a gradient reached but that are not explained
  std::size_t no_part = 0;   ///< operations that no gradient reached
  std::string picture{};     ///< the graph as an SVG element that leads to the steps of a page
  double picture_width = 0;  ///< in pixels
};

/// Explains the last backward pass that a trace has seen:
///
///   Trace trace;
///   const Var loss = mean(square(model(x) - target));
///   loss.backward();
///   const Explanation explanation = explain(trace, {.title = "One step"});
///   write_file("explain.md", to_markdown(explanation));
///   write_file("explain.html", to_page(explanation));
///
/// Throws GraphError when no backward pass has reached an operation of the trace, or when leaves are to be
/// checked while the trace has not been stopped and would see that, too; as gradcheck() in checking them.
Explanation explain(const Trace& trace, const ExplainOptions& options = {});

/// Explains how the gradient of a value of one element comes about, from its graph, which stays, as does every
/// grad(). What was let go is missing: values that nobody holds and no rule wants, and operands that need no
/// gradient (Trace::add_graph()). Throws as backward() does.
Explanation explain(const Var& loss, const ExplainOptions& options = {});

/// As Markdown that GitHub shows, and as a page of its own with the graph drawn.
std::string to_markdown(const Explanation& explanation);
std::string to_page(const Explanation& explanation);

}  // namespace heed
