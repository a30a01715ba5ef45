#include "autograd/functional.h"

#include "autograd/backward.h"
#include "autograd/ops/shape.h"
#include "core/error.h"

namespace heed {
namespace {

// A cotangent or tangent for each Var, of its shape and type; undefined ones pass.
void require_fit(const char* operation, const char* vector, std::span<const Var> vectors, const char* of,
                 std::span<const Var> vars) {
  if (vectors.size() != vars.size())
    throw GraphError({.what = text(operation, ": ", vectors.size(), " ", vector, "s for ", vars.size(), " ", of,
                                   vars.size() == 1 ? "" : "s"),
                      .expected = text("one per ", of)});
  for (std::size_t i = 0; i < vars.size(); ++i)
    if (vectors[i].defined() &&
        (vectors[i].shape() != vars[i].shape() || vectors[i].dtype() != vars[i].dtype()))
      throw ShapeError(
          {.what = text(operation, ": ", vector, " ", i, " is ", vectors[i].dtype(), " ", vectors[i].shape()),
           .expected =
               text("the shape and type of ", of, " ", i, ", ", vars[i].dtype(), " ", vars[i].shape())});
}

// A zero for every undefined gradient of these.
std::vector<Var> with_zeros(std::vector<Var> gradients, std::span<const Var> of) {
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (!gradients[i].defined()) gradients[i] = Var(Tensor::zeros(of[i].shape(), of[i].dtype()));
  return gradients;
}

// 1 at one element, 0 elsewhere.
Var unit(const Var& like, std::int64_t element) {
  Tensor direction = Tensor::zeros(like.shape(), like.dtype());
  for_floating(like.dtype(), "jacobian",
               [&](auto zero) { direction.fresh_data<decltype(zero)>()[element] = 1; });
  return Var(std::move(direction));
}

// A function at its inputs, recorded, with its Jacobian J from either side.
class Recorded {
 public:
  Recorded(const char* operation, const Differentiable& f, std::span<const Var> inputs, bool create_graph,
           const SourceLocation& at)
      : create_graph_(create_graph), at_(at) {
    const Recording recording(true);
    // Fresh places: a sweep ends there, and nothing behind them takes part.
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Var& x = inputs[i];
      if (x.dtype() != DType::f32 && x.dtype() != DType::f64)
        throw DTypeError({.what = text(operation, ": input ", i, " is ", x.dtype()), .expected = "f32 or f64"});
      inputs_.push_back(create_graph && x.requires_grad() ? identity(x) : Var::parameter(x.value()));
    }
    outputs_ = f(inputs_);
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (!outputs_[i].defined())
        throw GraphError({.what = text(operation, ": output ", i, " of the function is undefined")});
  }

  const std::vector<Var>& inputs() const { return inputs_; }
  const std::vector<Var>& outputs() const { return outputs_; }
  /// The outputs for the caller.
  std::vector<Var> results() const {
    std::vector<Var> results;
    for (const Var& output : outputs_) results.push_back(create_graph_ ? output : output.detach());
    return results;
  }

  /// vᵀ J of some outputs, one per input. The last product needs no graph after it.
  std::vector<Var> pull(std::span<const Var> outputs, std::vector<Var> cotangents, bool last) const {
    return with_zeros(grad(outputs, inputs_,
                           {.cotangents = std::move(cotangents),
                            .retain_graph = !last,
                            .create_graph = create_graph_,
                            .allow_unused = true},
                           at_),
                      inputs_);
  }

  /// J v of all outputs; an undefined part of v stands for 0. The tangent of an output is the derivative of
  /// <vᵀ backward(u)> with respect to its cotangent u, at any u.
  std::vector<Var> push(std::span<const Var> v) {
    if (transposed_.empty()) record_transposed();
    std::vector<Var> moved, directions;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (v[i].defined() && transposed_[i].defined()) {
        moved.push_back(transposed_[i]);
        directions.push_back(v[i]);
      }
    return with_zeros(grad(moved, cotangents_,
                           {.cotangents = std::move(directions),
                            .retain_graph = true,
                            .create_graph = create_graph_,
                            .allow_unused = true},
                           at_),
                      outputs_);
  }

 private:
  void record_transposed() {
    for (const Var& output : outputs_)
      cotangents_.push_back(Var::parameter(Tensor::zeros(output.shape(), output.dtype())));
    transposed_ =
        grad(outputs_, inputs_, {.cotangents = cotangents_, .create_graph = true, .allow_unused = true}, at_);
  }

  bool create_graph_;
  SourceLocation at_;
  std::vector<Var> inputs_, outputs_;
  std::vector<Var> cotangents_, transposed_;  // u, and uᵀ J as a recorded function of u
};

std::int64_t elements(std::span<const Var> vars) {
  std::int64_t count = 0;
  for (const Var& var : vars) count += var.count();
  return count;
}

// Slices of one Jacobian along a new axis, rows at the front or columns at the end, in its full shape.
Var assembled(const std::vector<Var>& slices, bool rows, const Var& output, const Var& input) {
  std::vector<std::int64_t> shape(output.shape().begin(), output.shape().end());
  shape.insert(shape.end(), input.shape().begin(), input.shape().end());
  if (slices.empty()) return Var(Tensor::zeros(Shape(shape), output.dtype()));
  return reshape(stack(slices, rows ? 0 : -1), shape);
}

// The slices of all Jacobians, [output][input]: each row is a backward, each column a product J v.
std::vector<std::vector<std::vector<Var>>> slices_of(Recorded& f, bool by_rows) {
  const std::size_t m = f.outputs().size(), n = f.inputs().size();
  std::vector<std::vector<std::vector<Var>>> slices(m, std::vector<std::vector<Var>>(n));
  if (by_rows) {
    for (std::size_t i = 0; i < m; ++i)
      for (std::int64_t element = 0; element < f.outputs()[i].count(); ++element) {
        const Var& output = f.outputs()[i];
        const std::vector<Var> row = f.pull(std::span(&output, 1), {unit(output, element)}, false);
        for (std::size_t j = 0; j < n; ++j) slices[i][j].push_back(row[j]);
      }
    return slices;
  }
  std::vector<Var> v(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::int64_t element = 0; element < f.inputs()[j].count(); ++element) {
      v[j] = unit(f.inputs()[j], element);
      const std::vector<Var> column = f.push(v);
      for (std::size_t i = 0; i < m; ++i) slices[i][j].push_back(column[i]);
    }
    v[j] = Var();
  }
  return slices;
}

// The gradient of f as a function of the inputs; `value` becomes that of f.
Differentiable gradient_of(const char* operation, const Differentiable& f, Var& value,
                           const SourceLocation& at) {
  return [operation, &f, &value, at](std::span<const Var> inputs) {
    const Recorded recorded(operation, f, inputs, true, at);
    const std::vector<Var>& outputs = recorded.outputs();
    if (outputs.size() != 1 || outputs[0].count() != 1)
      throw GraphError(
          {.what = outputs.size() == 1
                       ? text(operation, ": the function returns ", outputs[0].dtype(), " ", outputs[0].shape())
                       : text(operation, ": the function returns ", outputs.size(), " outputs"),
           .expected = "one output of one element"});
    value = outputs[0];
    return recorded.pull(outputs, {}, true);
  };
}

}  // namespace

VjpResult vjp(const Differentiable& f, std::span<const Var> inputs, std::span<const Var> cotangents,
              const FunctionalOptions& options, SourceLocation at) {
  const Recorded recorded("vjp", f, inputs, options.create_graph, at);
  if (!cotangents.empty()) require_fit("vjp", "cotangent", cotangents, "output", recorded.outputs());
  VjpResult result{.outputs = recorded.results(), .gradients = {}};
  result.gradients = recorded.pull(recorded.outputs(), {cotangents.begin(), cotangents.end()}, true);
  return result;
}

JvpResult jvp(const Differentiable& f, std::span<const Var> inputs, std::span<const Var> tangents,
              const FunctionalOptions& options, SourceLocation at) {
  require_fit("jvp", "tangent", tangents, "input", inputs);
  Recorded recorded("jvp", f, inputs, options.create_graph, at);
  JvpResult result{.outputs = recorded.results(), .tangents = {}};
  result.tangents = recorded.push(tangents);
  return result;
}

std::vector<std::vector<Var>> jacobian(const Differentiable& f, std::span<const Var> inputs,
                                       const JacobianOptions& options, SourceLocation at) {
  Recorded recorded("jacobian", f, inputs, options.create_graph, at);
  const bool by_rows = options.by == JacobianBy::rows ||
                       (options.by == JacobianBy::fewer && elements(recorded.outputs()) <= elements(inputs));
  const auto slices = slices_of(recorded, by_rows);
  const Recording recording(options.create_graph);
  std::vector<std::vector<Var>> result(slices.size());
  for (std::size_t i = 0; i < slices.size(); ++i)
    for (std::size_t j = 0; j < inputs.size(); ++j)
      result[i].push_back(assembled(slices[i][j], by_rows, recorded.outputs()[i], recorded.inputs()[j]));
  return result;
}

std::vector<std::vector<Var>> hessian(const Differentiable& f, std::span<const Var> inputs,
                                      const FunctionalOptions& options, SourceLocation at) {
  Var value;
  return jacobian(gradient_of("hessian", f, value, at), inputs,
                  {.create_graph = options.create_graph, .by = JacobianBy::rows}, at);
}

HessianProduct hessian_vector_product(const Differentiable& f, std::span<const Var> inputs,
                                      std::span<const Var> v, const FunctionalOptions& options,
                                      SourceLocation at) {
  Var value;
  require_fit("hessian_vector_product", "v", v, "input", inputs);
  JvpResult result = jvp(gradient_of("hessian_vector_product", f, value, at), inputs, v, options, at);
  return {options.create_graph ? value : value.detach(), std::move(result.outputs), std::move(result.tangents)};
}

HessianProduct vector_hessian_product(const Differentiable& f, std::span<const Var> inputs,
                                      std::span<const Var> v, const FunctionalOptions& options,
                                      SourceLocation at) {
  Var value;
  require_fit("vector_hessian_product", "v", v, "input", inputs);
  VjpResult result = vjp(gradient_of("vector_hessian_product", f, value, at), inputs,
                         with_zeros({v.begin(), v.end()}, inputs), options, at);
  return {options.create_graph ? value : value.detach(), std::move(result.outputs),
          std::move(result.gradients)};
}

}  // namespace heed
