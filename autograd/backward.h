// Differentiation: from outputs back to what they depend on.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "autograd/var.h"

namespace heed {

struct GradOptions {
  std::vector<Var> cotangents = {};  ///< one per output, of its shape; where undefined, 1 for a single element
  bool retain_graph = false;         ///< keep the graph for another differentiation
  bool create_graph = false;  ///< record the computation, so that the results can be differentiated again
  bool allow_unused = false;  ///< an input that no output depends on gets an undefined gradient, not an error
};

/// Gradients of the outputs (summed over them) with respect to any inputs, leaves or intermediates; zeros for
/// an input that gets nothing from what depends on it. grad() of every Var stays as it is. Throws GraphError
/// when an output is not a single element and has no cotangent, when no output depends on an input, and when an
/// earlier backward has freed the graph.
std::vector<Var> grad(std::span<const Var> outputs, std::span<const Var> inputs,
                      const GradOptions& options = {}, SourceLocation at = {});

inline std::vector<Var> grad(const Var& output, std::initializer_list<Var> inputs,
                             const GradOptions& options = {}, SourceLocation at = {}) {
  return grad(std::span(&output, 1), std::span(inputs.begin(), inputs.size()), options, at);
}

/// Adds the derivative of the outputs, summed over them, to the grad() of what they depend on, as
/// Var::backward() does of one: in one sweep, which visits what they share once. Throws as grad(); with
/// allow_unused an output to which no gradient flows is passed over.
void backward(std::span<const Var> outputs, const GradOptions& options = {}, SourceLocation at = {});

inline void backward(std::initializer_list<Var> outputs, const GradOptions& options = {},
                     SourceLocation at = {}) {
  backward(std::span(outputs.begin(), outputs.size()), options, at);
}

/// Gradients of a fused operation from its definition, recorded: `definition` maps the operands to outputs of
/// the same shapes as the fused operation's; the results are differentiable functions of operands and
/// cotangents.
template <std::size_t N, class Definition>
std::array<Var, N> differentiate_definition(const std::array<Var, N>& operands, std::span<const Var> cotangents,
                                            Definition definition);

/// y = x, as a new place in the graph.
Var identity(const Var& x);
/// y = x, with a gradient that is not its own: dx = dy times the factor. Below 0 it reverses, so that what lies
/// behind x learns to spoil what comes after it (Ganin and Lempitsky 2015). For no gradient at all: detach().
Var scale_gradient(const Var& x, double factor, SourceLocation at = {});
/// A gradient of the broadcast shape summed to an operand's shape; recorded as any operation.
Var sum_to(const Var& x, const Shape& shape);
/// x repeated along axes of extent 1 (and new leading ones) to `shape`: the inverse of sum_to.
Var expand(const Var& x, const Shape& shape, SourceLocation at = {});

template <std::size_t N, class Definition>
std::array<Var, N> differentiate_definition(const std::array<Var, N>& operands, std::span<const Var> cotangents,
                                            Definition definition) {
  // Fresh places for the operands: the sweep below stops at them and leaves the surrounding graph alone.
  std::array<Var, N> inputs;
  for (std::size_t i = 0; i < N; ++i) inputs[i] = operands[i].defined() ? identity(operands[i]) : Var();
  const std::vector<Var> outputs = definition(inputs);
  std::vector<Var> used_outputs, used_cotangents, used_inputs;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (cotangents[i].defined() && outputs[i].requires_grad()) {
      used_outputs.push_back(outputs[i]);
      used_cotangents.push_back(cotangents[i]);
    }
  for (const Var& input : inputs)
    if (input.requires_grad()) used_inputs.push_back(input);
  std::vector<Var> gradients = grad(
      used_outputs, used_inputs, {.cotangents = used_cotangents, .create_graph = true, .allow_unused = true});
  std::array<Var, N> result;
  for (std::size_t i = 0, next = 0; i < N; ++i)
    if (inputs[i].requires_grad()) result[i] = std::move(gradients[next++]);
  return result;
}

}  // namespace heed
