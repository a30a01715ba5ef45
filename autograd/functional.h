// Derivatives of functions: products with the Jacobian from either side, Jacobians, Hessians.
//
//   J [outputs, inputs]: the derivative of each output element with respect to each input element.
//   H [inputs, inputs]: the same of the gradient of a single number.
//
// The inputs may be any Vars, constants or results. The functions are differentiated at their values and with
// respect to them alone: grad() of every Var stays as it is, parameters that a function captures count as
// constants, and what does not depend on an input has the derivative 0. With create_graph results are recorded
// as functions of inputs, cotangents, tangents and captured parameters. All throw ShapeError or DTypeError
// where a cotangent or tangent does not fit or an input is not floating, GraphError for another number of them
// and for a function that returns an undefined Var.
#pragma once

#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/var.h"

namespace heed {

/// f of the inputs; any number of outputs.
using Differentiable = std::function<std::vector<Var>(std::span<const Var> inputs)>;

struct FunctionalOptions {
  bool create_graph = false;  ///< record the computation, so that the results can be differentiated again
};

struct VjpResult {
  std::vector<Var> outputs;    ///< f(inputs)
  std::vector<Var> gradients;  ///< one per input, of its shape
};

/// Vector-Jacobian product vᵀ J: what a backward from these cotangents gives, one per output and of its shape.
/// None at all, or an undefined one, stands for 1 at an output of a single element.
VjpResult vjp(const Differentiable& f, std::span<const Var> inputs, std::span<const Var> cotangents = {},
              const FunctionalOptions& options = {}, SourceLocation at = {});

struct JvpResult {
  std::vector<Var> outputs;   ///< f(inputs)
  std::vector<Var> tangents;  ///< one per output, of its shape
};

/// Jacobian-vector product J v: how the outputs change as the inputs move along the tangents, one per input and
/// of its shape; an undefined one stands for 0. Exact, by differentiating twice: vᵀ of the backward is linear
/// in the cotangent, and its derivative is J v. So it needs operations that create_graph can differentiate.
JvpResult jvp(const Differentiable& f, std::span<const Var> inputs, std::span<const Var> tangents,
              const FunctionalOptions& options = {}, SourceLocation at = {});

/// What a Jacobian is made of: a backward for each output element, a product J v for each input element, or
/// whichever are fewer.
enum class JacobianBy { fewer, rows, columns };

struct JacobianOptions {
  bool create_graph = false;  ///< as in FunctionalOptions
  JacobianBy by = JacobianBy::fewer;
};

/// The Jacobians of each output with respect to each input, result[output][input], of the shape [output...,
/// input...]. Throws ShapeError when that has too many axes.
std::vector<std::vector<Var>> jacobian(const Differentiable& f, std::span<const Var> inputs,
                                       const JacobianOptions& options = {}, SourceLocation at = {});

/// The second derivatives of f, which returns one Var of one element: result[i][j] of the shape [input i...,
/// input j...]. Throws GraphError when f returns anything else.
std::vector<std::vector<Var>> hessian(const Differentiable& f, std::span<const Var> inputs,
                                      const FunctionalOptions& options = {}, SourceLocation at = {});

struct HessianProduct {
  Var value;                   ///< f(inputs)
  std::vector<Var> gradients;  ///< of f, one per input
  std::vector<Var> products;   ///< H v or vᵀ H, one per input
};

/// Hessian-vector product H v, as jvp() of the gradient: v is one per input and of its shape; an undefined one
/// stands for 0. Throws as hessian().
HessianProduct hessian_vector_product(const Differentiable& f, std::span<const Var> inputs,
                                      std::span<const Var> v, const FunctionalOptions& options = {},
                                      SourceLocation at = {});
/// vᵀ H, as vjp() of the gradient: one differentiation less. The same wherever H is symmetric, that is where
/// second derivatives are continuous and every gradient rule is that of its operation.
HessianProduct vector_hessian_product(const Differentiable& f, std::span<const Var> inputs,
                                      std::span<const Var> v, const FunctionalOptions& options = {},
                                      SourceLocation at = {});

// ---- functions of one Var that return one: `jacobian([](const Var& x) { return tanh(x); }, x)`

template <class F>
concept OfOneVar = std::is_invocable_r_v<Var, F&, const Var&>;

template <OfOneVar F>
Differentiable of_many(F f) {
  return [f = std::move(f)](std::span<const Var> inputs) { return std::vector<Var>{f(inputs[0])}; };
}

/// f(x) and vᵀ J.
template <OfOneVar F>
std::pair<Var, Var> vjp(F f, const Var& x, const Var& cotangent, const FunctionalOptions& options = {},
                        SourceLocation at = {}) {
  VjpResult result = vjp(of_many(std::move(f)), std::span(&x, 1), std::span(&cotangent, 1), options, at);
  return {std::move(result.outputs[0]), std::move(result.gradients[0])};
}

/// f(x) and J v.
template <OfOneVar F>
std::pair<Var, Var> jvp(F f, const Var& x, const Var& tangent, const FunctionalOptions& options = {},
                        SourceLocation at = {}) {
  JvpResult result = jvp(of_many(std::move(f)), std::span(&x, 1), std::span(&tangent, 1), options, at);
  return {std::move(result.outputs[0]), std::move(result.tangents[0])};
}

template <OfOneVar F>
Var jacobian(F f, const Var& x, const JacobianOptions& options = {}, SourceLocation at = {}) {
  return jacobian(of_many(std::move(f)), std::span(&x, 1), options, at)[0][0];
}

template <OfOneVar F>
Var hessian(F f, const Var& x, const FunctionalOptions& options = {}, SourceLocation at = {}) {
  return hessian(of_many(std::move(f)), std::span(&x, 1), options, at)[0][0];
}

/// H v.
template <OfOneVar F>
Var hessian_vector_product(F f, const Var& x, const Var& v, const FunctionalOptions& options = {},
                           SourceLocation at = {}) {
  return hessian_vector_product(of_many(std::move(f)), std::span(&x, 1), std::span(&v, 1), options, at)
      .products[0];
}

/// vᵀ H.
template <OfOneVar F>
Var vector_hessian_product(F f, const Var& x, const Var& v, const FunctionalOptions& options = {},
                           SourceLocation at = {}) {
  return vector_hessian_product(of_many(std::move(f)), std::span(&x, 1), std::span(&v, 1), options, at)
      .products[0];
}

}  // namespace heed
