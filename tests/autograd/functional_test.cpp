// Products with Jacobians, Jacobians and Hessians: against difference quotients, each other and PyTorch.
#include "autograd/functional.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/reduce.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/op_table.h"
#include "tests/catch.h"
#include "tests/fixture.h"

namespace heed::tests {
namespace {

using In = std::span<const Var>;
using Outputs = std::vector<Var>;

// x [3], w [2, 3], b [2]: more and fewer outputs than inputs, some of which do not depend on some.
Outputs layer(In in) {
  const Var y = tanh(squeeze(matmul(in[1], unsqueeze(in[0], 1)), 1) + in[2]);  // [2]
  return {y, softmax(in[0]), sum(exp(in[2]))};
}
// A number with all second derivatives.
Outputs energy(In in) {
  const Outputs y = layer(in);
  return {sum(square(y[0])) * y[2] + sum(log(y[1]))};
}

std::vector<Var> random_inputs(std::initializer_list<Shape> shapes, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Var> inputs;
  for (const Shape& shape : shapes)
    inputs.push_back(Var::parameter(Tensor::uniform(shape, -1, 1, rng, DType::f64)));
  return inputs;
}
std::vector<Var> layer_inputs() { return random_inputs({{3}, {2, 3}, {2}}, 3); }

std::vector<Var> random_like(std::span<const Var> vars, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Var> drawn;
  for (const Var& var : vars) drawn.emplace_back(Tensor::uniform(var.shape(), -1, 1, rng, DType::f64));
  return drawn;
}

double inner(std::span<const Var> a, std::span<const Var> b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += sum(a[i].value() * b[i].value()).item();
  return total;
}

// How f changes as one element of one input moves, [output][element].
std::vector<Numbers> quotients(const Differentiable& f, std::vector<Var> inputs, std::size_t input,
                               std::int64_t element) {
  constexpr double kStep = 1e-6;
  const auto at = [&](double offset) {
    Tensor moved = inputs[input].value().clone();
    moved.mutable_data<double>()[element] += offset;
    std::vector<Var> arguments = inputs;
    arguments[input] = Var(moved);
    return f(arguments);
  };
  const Outputs above = at(kStep), below = at(-kStep);
  std::vector<Numbers> result;
  for (std::size_t i = 0; i < above.size(); ++i)
    result.push_back(((above[i].value() - below[i].value()) * (0.5 / kStep)).to_vector());
  return result;
}

// The largest difference of Jacobians from difference quotients; their shapes are checked.
double error_of(const std::vector<std::vector<Var>>& jacobians, const Differentiable& f,
                const std::vector<Var>& inputs) {
  const Outputs outputs = f(inputs);
  REQUIRE(jacobians.size() == outputs.size());
  double error = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    REQUIRE(jacobians[i].size() == inputs.size());
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      std::vector<std::int64_t> shape(outputs[i].shape().begin(), outputs[i].shape().end());
      shape.insert(shape.end(), inputs[j].shape().begin(), inputs[j].shape().end());
      CHECK(jacobians[i][j].shape() == Shape(shape));
      const Numbers elements = numbers(jacobians[i][j]);
      const auto columns = static_cast<std::size_t>(inputs[j].count());
      for (std::size_t column = 0; column < columns; ++column) {
        const Numbers expected = quotients(f, inputs, j, static_cast<std::int64_t>(column))[i];
        for (std::size_t row = 0; row < expected.size(); ++row)
          error = std::max(error, std::abs(elements[row * columns + column] - expected[row]));
      }
    }
  }
  return error;
}

TEST_CASE("jacobian: by rows and by columns it is the difference quotients, zeros among them") {
  const std::vector<Var> inputs = layer_inputs();
  for (const JacobianBy by : {JacobianBy::fewer, JacobianBy::rows, JacobianBy::columns}) {
    const auto jacobians = jacobian(layer, inputs, {.by = by});
    CHECK(error_of(jacobians, layer, inputs) < 1e-9);
    CHECK(numbers(jacobians[1][1]) == Numbers(18, 0.0));  // softmax(x) does not depend on w
    CHECK(numbers(jacobians[2][0]) == Numbers(3, 0.0));
  }
}

// How many differentiations there are.
struct Sweeps : Observer {
  void sweep_began(const SourceLocation&) override { ++count; }
  int count = 0;
};

TEST_CASE("jacobian: takes a backward for each output element, or a product for each input element, if fewer") {
  const auto sweeps = [](const Differentiable& f, const Shape& shape) {
    const std::vector<Var> inputs = random_inputs({shape}, 1);
    Sweeps seen;
    jacobian(f, inputs);
    return seen.count;
  };
  CHECK(sweeps([](In in) { return Outputs{sum(square(in[0]), 0)}; }, {50, 2}) == 2);
  // One for the backward that is differentiated.
  CHECK(sweeps([](In in) { return Outputs{in[0] * Var(Tensor::ones({50, 1}, DType::f64))}; }, {2}) == 3);
}

TEST_CASE("jacobian: of one Var with respect to another reads as it is meant") {
  const Var x = constant({0.5, -1});
  CHECK(numbers(jacobian([](const Var& v) { return square(v); }, x)) == Numbers{1, 0, 0, -2});
  CHECK(jacobian([](const Var& v) { return sum(v); }, x).shape() == Shape{2});
  const Var empty(Tensor::zeros({0}, DType::f64));
  CHECK(jacobian([](const Var& v) { return v * v; }, empty).shape() == Shape{0, 0});
}

TEST_CASE("vjp and jvp: are vT J and J v") {
  const std::vector<Var> inputs = layer_inputs();
  const auto jacobians = jacobian(layer, inputs);
  const Outputs y = layer(inputs);
  const std::vector<Var> v = random_like(y, 5), u = random_like(inputs, 6);
  const VjpResult pulled = vjp(layer, inputs, v);
  const JvpResult pushed = jvp(layer, inputs, u);
  // Each as a matrix [outputs, inputs].
  const auto matrix = [&](std::size_t i, std::size_t j) {
    return jacobians[i][j].value().reshape({y[i].count(), inputs[j].count()});
  };
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(identical(pulled.outputs[i].value(), y[i].value()));
    CHECK(identical(pushed.outputs[i].value(), y[i].value()));
    Tensor expected = Tensor::zeros({y[i].count(), 1}, DType::f64);
    for (std::size_t j = 0; j < inputs.size(); ++j)
      expected = expected + matmul(matrix(i, j), u[j].value().reshape({-1, 1}));
    CHECK(largest_difference(pushed.tangents[i].value(), expected.reshape(y[i].shape())) < 1e-14);
  }
  for (std::size_t j = 0; j < inputs.size(); ++j) {
    Tensor expected = Tensor::zeros({1, inputs[j].count()}, DType::f64);
    for (std::size_t i = 0; i < y.size(); ++i)
      expected = expected + matmul(v[i].value().reshape({1, -1}), matrix(i, j));
    CHECK(largest_difference(pulled.gradients[j].value(), expected.reshape(inputs[j].shape())) < 1e-14);
  }
}

TEST_CASE("jvp: of every operation is its difference quotient, and the adjoint of vjp") {
  for (const OpRow& row : op_table()) {
    if (!row.second_order) continue;
    INFO(row.name << ": " << row.variant);
    const std::vector<Var> inputs = draw_inputs(row, 21);
    const std::vector<Var> u = random_like(inputs, 22);
    const JvpResult pushed = jvp(row.function, inputs, u);
    const std::vector<Var> v = random_like(pushed.outputs, 23);
    const VjpResult pulled = vjp(row.function, inputs, v);
    const double product = inner(v, pushed.tangents);
    CHECK(product == Approx(inner(pulled.gradients, u)).epsilon(1e-10).margin(1e-12));
    const auto at = [&](double step) {
      std::vector<Var> moved;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        moved.emplace_back(inputs[i].value() + u[i].value() * step);
      return inner(v, row.function(moved));
    };
    CHECK(product == Approx((at(1e-6) - at(-1e-6)) / 2e-6).epsilon(1e-5).margin(1e-6));
  }
}

TEST_CASE("jvp: an undefined tangent is 0, and so is the tangent of what does not depend on the others") {
  const std::vector<Var> inputs = layer_inputs();
  const std::vector<Var> b_moves{Var(), Var(), constant({1, 2})};
  const std::vector<Var> tangents = jvp(layer, inputs, b_moves).tangents;
  CHECK(numbers(tangents[1]) == Numbers{0, 0, 0});
  CHECK(tangents[2].item() ==
        Approx(std::exp(inputs[2].value().at({0})) + 2 * std::exp(inputs[2].value().at({1}))));
  const std::vector<Var> nothing_moves{Var(), Var(), Var()};
  CHECK(numbers(jvp(layer, inputs, nothing_moves).tangents[0]) == Numbers{0, 0});
}

TEST_CASE("hessian: is the difference quotients of the gradient, and symmetric") {
  const std::vector<Var> inputs = layer_inputs();
  const auto h = hessian(energy, inputs);
  const Differentiable gradient = [](In in) { return vjp(energy, in).gradients; };
  CHECK(error_of(h, gradient, inputs) < 1e-8);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      const Tensor one = h[i][j].value().reshape({inputs[i].count(), inputs[j].count()});
      const Tensor other = h[j][i].value().reshape({inputs[j].count(), inputs[i].count()});
      CHECK(largest_difference(one, other.transpose()) < 1e-14);
    }
  CHECK(numbers(hessian([](const Var& x) { return sum(x * x * x); }, constant({1, 2}))) ==
        Numbers{6, 0, 0, 12});
}

TEST_CASE("hessian: of a function that is linear, or constant, is 0") {
  const Var x = constant({1, 2});
  CHECK(numbers(hessian([](const Var& v) { return sum(v * 3.0); }, x)) == Numbers{0, 0, 0, 0});
  CHECK(numbers(hessian([](const Var&) { return scalar_leaf(2); }, x)) == Numbers{0, 0, 0, 0});
}

TEST_CASE("hessian_vector_product and vector_hessian_product: are H v, with value and gradient") {
  const std::vector<Var> inputs = layer_inputs(), v = random_like(inputs, 8);
  const auto h = hessian(energy, inputs);
  const HessianProduct right = hessian_vector_product(energy, inputs, v);
  const HessianProduct left = vector_hessian_product(energy, inputs, v);
  CHECK(right.value.item() == energy(inputs)[0].item());
  CHECK(left.value.item() == right.value.item());
  const std::vector<Var> gradients = vjp(energy, inputs).gradients;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CHECK(identical(right.gradients[i].value(), gradients[i].value()));
    CHECK(identical(left.gradients[i].value(), gradients[i].value()));
    Tensor expected = Tensor::zeros({inputs[i].count(), 1}, DType::f64);
    for (std::size_t j = 0; j < inputs.size(); ++j)
      expected = expected + matmul(h[i][j].value().reshape({inputs[i].count(), inputs[j].count()}),
                                   v[j].value().reshape({-1, 1}));
    CHECK(largest_difference(right.products[i].value(), expected.reshape(inputs[i].shape())) < 1e-13);
    CHECK(largest_difference(left.products[i].value(), expected.reshape(inputs[i].shape())) < 1e-13);
  }
  const std::vector<Var> only_b{Var(), Var(), v[2]};
  const std::vector<Var> padded{constant({0, 0, 0}), Var(Tensor::zeros({2, 3}, DType::f64)), v[2]};
  CHECK(numbers(hessian_vector_product(energy, inputs, only_b).products[0]) ==
        numbers(hessian_vector_product(energy, inputs, padded).products[0]));
  CHECK(numbers(vector_hessian_product(energy, inputs, only_b).products[1]) ==
        numbers(vector_hessian_product(energy, inputs, padded).products[1]));
}

TEST_CASE("hessian_vector_product: follows the rules where H is not symmetric, column by column") {
  // A rule of its own for the gradient, whose derivative is [[0, 1], [0, 0]].
  const auto f = [](const Var& x) {
    return record("one_sided", Tensor::scalar(0, DType::f64), wrt(x, [x](const Var& dy) {
                    const Var second = slice(x, 0, 1, 2);
                    return concat({second, second * 0.0}, 0) * dy;
                  }));
  };
  const Var x = constant({3, 5}), v = constant({10, 100});
  CHECK(numbers(hessian(f, x)) == Numbers{0, 1, 0, 0});
  CHECK(numbers(hessian_vector_product(f, x, v)) == Numbers{100, 0});
  CHECK(numbers(vector_hessian_product(f, x, v)) == Numbers{0, 10});
}

TEST_CASE("functional: PyTorch has the same products, Jacobians and Hessians") {
  const Fixture numbers("functional");
  const Differentiable f = [](In in) {
    const Var h = tanh(matmul(in[0], in[1]));                          // [2, 4]
    return Outputs{softmax(h), sum(log(square(h) + 1.0), 0) * in[2]};  // [2, 4], [4]
  };
  const Differentiable energy_of = [f](In in) {
    const Outputs y = f(in);
    return Outputs{sum(y[0] * y[0]) + sum(y[1] * y[1])};
  };
  const char* const in_names[] = {"x", "w", "s"};
  const char* const out_names[] = {"p", "q"};
  std::vector<Var> inputs, tangents, cotangents;
  for (const char* const name : in_names) {
    inputs.emplace_back(numbers[name]);
    tangents.emplace_back(numbers[text("t.", name)]);
  }
  for (const char* const name : out_names) cotangents.emplace_back(numbers[text("c.", name)]);
  const auto close = [&](const Var& got, const std::string& name) {
    INFO(name);
    CHECK(largest_difference(got.value(), numbers[name]) < 1e-13);
  };
  const VjpResult pulled = vjp(f, inputs, cotangents);
  const JvpResult pushed = jvp(f, inputs, tangents);
  const auto j = jacobian(f, inputs), h = hessian(energy_of, inputs);
  const HessianProduct hv = hessian_vector_product(energy_of, inputs, tangents),
                       vh = vector_hessian_product(energy_of, inputs, tangents);
  for (std::size_t b = 0; b < 3; ++b) {
    close(pulled.gradients[b], text("vjp.", in_names[b]));
    close(hv.products[b], text("hvp.", in_names[b]));
    close(vh.products[b], text("vhp.", in_names[b]));
    for (std::size_t a = 0; a < 2; ++a) close(j[a][b], text("j.", out_names[a], ".", in_names[b]));
    for (std::size_t a = 0; a < 3; ++a) close(h[a][b], text("h.", in_names[a], ".", in_names[b]));
  }
  for (std::size_t a = 0; a < 2; ++a) {
    close(pushed.outputs[a], out_names[a]);
    close(pushed.tangents[a], text("jvp.", out_names[a]));
  }
}

TEST_CASE("functional: leaves, results and captured parameters keep their gradients and graphs") {
  const Var w = leaf({2, 3}), x = leaf({4, 5}), before = x * w;  // a result, of a graph that is still wanted
  Var(x).set_grad(constant({7, 8}));
  const auto f = [&](const Var& v) { return v * w * x; };
  const Var j = jacobian(f, before);
  CHECK(numbers(j) == Numbers{8, 0, 0, 15});
  CHECK_FALSE(j.requires_grad());
  const auto [y, dx] = vjp(f, before, constant({1, 1}));
  CHECK_FALSE(y.requires_grad());
  CHECK_FALSE(dx.requires_grad());
  CHECK_FALSE(jvp(f, before, constant({1, 1})).second.requires_grad());
  hessian([&](const Var& v) { return sum(f(v)); }, before);
  CHECK(numbers(x.grad()) == Numbers{7, 8});
  CHECK_FALSE(w.grad().defined());
  sum(before).backward();
  CHECK(numbers(w.grad()) == Numbers{4, 5});
}

TEST_CASE("functional: differentiates inside NoGrad, and inside a gradient rule") {
  const auto f = [](const Var& v) { return v * v; };
  const Var x = scalar_leaf(3);
  {
    const NoGrad no_grad;
    CHECK(jacobian(f, x).item() == 6);
    CHECK(hessian(f, x).item() == 2);
    CHECK(jvp(f, x, scalar_leaf(2)).second.item() == 12);
    CHECK_FALSE(is_recording());
  }
  const Var y =
      record("square", x.value() * x.value(),
             wrt(x, [x, f](const Var& dy) { return vjp(f, x, dy, {.create_graph = is_recording()}).second; }));
  const Var dx = grad(y, {x}, {.create_graph = true})[0];
  CHECK(dx.item() == 6);
  CHECK(grad(dx, {x})[0].item() == 2);
}

TEST_CASE("create_graph: products, Jacobians and Hessians are differentiable in all that they are made of") {
  const Var w = Var::parameter(Tensor::of({0.3, -0.7}, {2}, DType::f64));
  std::vector<Var> all = random_inputs({{2}, {2}}, 9);  // x, and v
  all.push_back(w);
  const auto check = [&](const Differentiable& derivative) {
    const GradcheckReport report = gradcheck(derivative, all);
    INFO(to_string(report));
    CHECK(report);
    CHECK(report.checked == 6);
  };
  // The third argument is captured: a parameter of a model.
  check([](In in) {
    const auto f = [&](const Var& x) { return tanh(x * in[2]) * sum(x); };
    return Outputs{vjp(f, in[0], in[1], {.create_graph = true}).second};
  });
  check([](In in) {
    const auto f = [&](const Var& x) { return tanh(x * in[2]) * sum(x); };
    const auto [y, dy] = jvp(f, in[0], in[1], {.create_graph = true});
    return Outputs{y, dy};
  });
  for (const JacobianBy by : {JacobianBy::rows, JacobianBy::columns})
    check([by](In in) {
      const auto f = [&](const Var& x) { return tanh(x * in[2]) * sum(x); };
      return Outputs{jacobian(f, in[0], {.create_graph = true, .by = by}) * in[1]};
    });
  check([](In in) {
    const auto f = [&](const Var& x) { return sum(tanh(x * in[2])) * sum(x * x); };
    return Outputs{hessian(f, in[0], {.create_graph = true}) * in[1]};
  });
  check([](In in) {
    const auto f = [&](const Var& x) { return sum(tanh(x * in[2])) * sum(x * x); };
    return Outputs{hessian_vector_product(f, in[0], in[1], {.create_graph = true}),
                   vector_hessian_product(f, in[0], in[1], {.create_graph = true})};
  });
}

TEST_CASE("functional: what does not fit is said") {
  const Var x = constant({1, 2});
  const std::vector<Var> inputs{x};
  const Differentiable f = [](In in) { return Outputs{in[0] * 2.0}; };
  CHECK(thrown<ShapeError>([&] {
          vjp(f, inputs, std::vector{constant({1, 2, 3})});
        }) == "ShapeError: vjp: cotangent 0 is f64 [3]\n  requires the shape and type of output 0, f64 [2]");
  CHECK(thrown<ShapeError>([&] { jvp(f, inputs, std::vector{Var(Tensor::ones({2}))}); }) ==
        "ShapeError: jvp: tangent 0 is f32 [2]\n  requires the shape and type of input 0, f64 [2]");
  CHECK(thrown<GraphError>([&] {
          vjp(f, inputs, std::vector{x, x});
        }) == "GraphError: vjp: 2 cotangents for 1 output\n  requires one per output");
  CHECK(thrown<GraphError>([&] { jvp(f, inputs, {}); }) ==
        "GraphError: jvp: 0 tangents for 1 input\n  requires one per input");
  CHECK(first_line<GraphError>([&] { vjp(f, inputs); }) ==
        "GraphError: grad: a value of shape [2] has no single gradient");
  CHECK(thrown<GraphError>([&] { hessian(f, inputs); }) ==
        "GraphError: hessian: the function returns f64 [2]\n  requires one output of one element");
  CHECK(first_line<GraphError>([&] {
          hessian_vector_product([](In in) { return Outputs{sum(in[0]), sum(in[0])}; }, inputs, inputs);
        }) == "GraphError: hessian_vector_product: the function returns 2 outputs");
  CHECK(first_line<GraphError>([&] { jacobian([](In) { return Outputs{Var()}; }, inputs); }) ==
        "GraphError: jacobian: output 0 of the function is undefined");
  const Var ids(Tensor::of(std::vector<std::int32_t>{1}, {1}));
  CHECK(thrown<DTypeError>([&] { jacobian([](const Var& v) { return v; }, ids); }) ==
        "DTypeError: jacobian: input 0 is i32\n  requires f32 or f64");
}

}  // namespace
}  // namespace heed::tests
