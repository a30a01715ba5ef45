#include "autograd/backward.h"

#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("backward: gradients accumulate over two, until zero_grad()") {
  Var x = leaf({1, 2});
  sum(x * x).backward();
  CHECK(numbers(x.grad()) == Numbers{2, 4});
  sum(x * 3.0).backward();
  CHECK(numbers(x.grad()) == Numbers{5, 7});
  x.zero_grad();
  sum(x).backward();
  CHECK(numbers(x.grad()) == Numbers{1, 1});
}

TEST_CASE("backward: a gradient that somebody holds does not change when more is added") {
  const Var x = leaf({1, 2});
  sum(x * x).backward();
  const Var held = x.grad();
  const Tensor elements = x.grad().value();
  sum(x * x).backward();
  CHECK(numbers(held) == Numbers{2, 4});
  CHECK(elements.to_vector() == Numbers{2, 4});
  CHECK(numbers(x.grad()) == Numbers{4, 8});
}

TEST_CASE("backward: leaves that get the same gradient share no elements") {
  const Var a = leaf({1, 2}), b = leaf({3, 4}), dy = constant({5, 6});
  (a + b).backward({.cotangent = dy});
  Var gradient = a.grad();
  gradient.mutable_value().fill(0);
  CHECK(numbers(b.grad()) == Numbers{5, 6});
  CHECK(numbers(dy) == Numbers{5, 6});
}

TEST_CASE("backward: a gradient repeated by sum() can be changed element by element") {
  const Var a = leaf({1, 2});
  sum(a).backward();
  Var gradient = a.grad();
  gradient.mutable_value().set({0}, 9);
  CHECK(numbers(a.grad()) == Numbers{9, 1});
}

TEST_CASE("backward: kept intermediates get a gradient, others do not") {
  const Var x = leaf({2, 3});
  Var y = x * x, z = y * 2.0;
  y.keep_grad();
  sum(z).backward();
  CHECK(numbers(y.grad()) == Numbers{2, 2});
  CHECK_FALSE(z.grad().defined());
}

TEST_CASE("backward: from a leaf gives 1") {
  const Var x = scalar_leaf(5);
  x.backward();
  CHECK(x.grad().item() == 1);
}

TEST_CASE("backward: a Var used several times gets the sum of all ways") {
  const Var x = leaf({3});
  sum(x + x).backward();
  CHECK(numbers(x.grad()) == Numbers{2});
  Var(x).zero_grad();
  sum(x * x * x).backward();
  CHECK(numbers(x.grad()) == Numbers{27});
}

TEST_CASE("backward: both sides of a diamond are complete before its foot is passed") {
  const Var x = leaf({2});
  const Var foot = x * x;                                  // 4
  const Var left = foot * 3.0, right = tanh(foot * foot);  // of unequal length
  sum(left + right * 0.0 + foot).backward();
  CHECK(numbers(x.grad()) == Numbers{16});  // (3 + 1) 2 x
}

TEST_CASE("backward: a ladder of diamonds visits each rung once") {
  // Along paths there would be 2^60 visits.
  const Var x = leaf({1});
  Var y = x;
  for (int i = 0; i < 60; ++i) y = y * 0.5 + y * 0.5;
  sum(y).backward();
  CHECK(numbers(x.grad()) == Numbers{1});
}

TEST_CASE("backward: broadcasting is undone for every operand") {
  const Var column = Var::parameter(Tensor::ones({2, 1}, DType::f64)), row = leaf({1, 2, 3}),
            scalar = scalar_leaf(2);
  sum(column * row * scalar).backward();
  CHECK(column.grad().shape() == Shape{2, 1});
  CHECK(numbers(column.grad()) == Numbers{12, 12});
  CHECK(numbers(row.grad()) == Numbers{4, 4, 4});
  CHECK(scalar.grad().item() == 12);
}

TEST_CASE("backward: a value of several elements needs a cotangent of its shape and type") {
  const Var x = leaf({1, 2});
  const Var y = reshape(x * x, {1, 2});
  CHECK(first_line<GraphError>([&] { y.backward(); }) ==
        "GraphError: backward: a value of shape [1, 2] has no single gradient");
  CHECK(first_line<ShapeError>([&] {
          y.backward({.cotangent = constant({1, 2})});
        }) == "ShapeError: backward: the cotangent is f64 [2]");
  CHECK(first_line<ShapeError>([&] {
          y.backward({.cotangent = Var(Tensor::ones({1, 2}))});
        }) == "ShapeError: backward: the cotangent is f32 [1, 2]");
  y.backward({.cotangent = reshape(constant({10, 100}), {1, 2})});
  CHECK(numbers(x.grad()) == Numbers{20, 400});
}

TEST_CASE("backward: one element of any rank is enough") {
  const Var x = Var::parameter(Tensor::full({1, 1, 1}, 3, DType::f64));
  (x * x).backward();
  CHECK(x.grad().shape() == Shape{1, 1, 1});
  CHECK(x.grad().item() == 6);
}

TEST_CASE("backward: where nothing requires a gradient it says so") {
  const std::string expected = "GraphError: backward: nothing that this value depends on requires a gradient";
  CHECK(first_line<GraphError>([] { sum(constant({1}) * 2.0).backward(); }) == expected);
  CHECK(first_line<GraphError>([] {
          const Var x = leaf({1});
          const NoGrad no_grad;
          sum(x * x).backward();
        }) == expected);
}

TEST_CASE("backward: works inside NoGrad on a graph recorded before") {
  const Var x = leaf({3});
  const Var y = sum(x * x);
  const NoGrad no_grad;
  y.backward();
  CHECK(numbers(x.grad()) == Numbers{6});
}

TEST_CASE("backward: frees the graph, and a second one says so") {
  const Var x = leaf({2});
  const Var y = x * x, z = sum(y);
  z.backward();
  CHECK(first_line<GraphError>([&] { z.backward(); }) ==
        "GraphError: backward: the graph behind sum was freed by an earlier backward");
  CHECK(first_line<GraphError>([&] { sum(y * 2.0).backward(); }) ==
        "GraphError: backward: the graph behind multiply was freed by an earlier backward");
  CHECK(numbers(x.grad()) == Numbers{4});
}

TEST_CASE("backward: retain_graph allows another one") {
  const Var x = leaf({2});
  const Var y = sum(x * x * x);
  y.backward({.retain_graph = true});
  y.backward();
  CHECK(numbers(x.grad()) == Numbers{24});
}

TEST_CASE("backward: a gradient never requires a gradient itself without create_graph") {
  const Var x = leaf({2}), dy = leaf({3});
  (x + 1.0).backward({.cotangent = dy});
  CHECK_FALSE(x.grad().requires_grad());
  CHECK_FALSE(x.grad().same_as(dy));
  CHECK_FALSE(grad(x + 1.0, {x}, {.cotangents = {dy}})[0].requires_grad());
}

TEST_CASE("backward: from several outputs is one sweep, with the bits of their sum") {
  const Var x = leaf({0.1, 0.7});
  const Var shared = tanh(x), a = sum(shared * shared), b = sum(shared) * 3.0;
  int visits = 0;
  add_hook(shared, [&](const Var&) {
    ++visits;
    return Var();
  });
  backward({a, b}, {.retain_graph = true});
  CHECK(visits == 1);
  const Tensor together = x.grad().value();
  Var(x).zero_grad();
  (a + b).backward();
  CHECK(identical(together, x.grad().value()));
}

TEST_CASE("backward: from several outputs takes cotangents and options, and adds to what is there") {
  const Var x = leaf({2, 3}), other = leaf({5}), fixed = constant({1, 2});
  const Var y = x * x, z = other * 2.0;
  backward({y, z}, {.cotangents = {constant({1, 10}), Var()}, .retain_graph = true});
  CHECK(numbers(x.grad()) == Numbers{4, 60});
  CHECK(numbers(other.grad()) == Numbers{2});
  backward({z, sum(y)});
  CHECK(numbers(x.grad()) == Numbers{8, 66});
  CHECK(numbers(other.grad()) == Numbers{4});
  CHECK(first_line<GraphError>([&] { backward({sum(y)}); }) ==
        "GraphError: backward: the graph behind multiply was freed by an earlier backward");
  CHECK(first_line<GraphError>([&] {
          backward({sum(x * x), fixed});
        }) == "GraphError: backward: nothing that this value depends on requires a gradient");
  backward({sum(x), fixed}, {.allow_unused = true});
  CHECK(numbers(x.grad()) == Numbers{9, 67});
  CHECK(first_line<GraphError>([&] {
          backward({sum(x)}, {.cotangents = {Var(), Var()}});
        }) == "GraphError: backward: 2 cotangents for 1 outputs");
}

TEST_CASE("backward: inside a hook adds to the gradients of leaves that the outer one will reach too") {
  const Var x = leaf({2}), y = x * x;
  const Var other = sum(x * 5.0);
  add_hook(y, [&](const Var&) {
    other.backward();
    return Var();
  });
  sum(y * y).backward();
  CHECK(numbers(x.grad()) == Numbers{32 + 5});
}

TEST_CASE("scale_gradient: the value stays, the gradient is multiplied, in derivatives of any order") {
  const Var x = leaf({2, 3});
  const auto reversed = [](const Var& v) { return scale_gradient(v * v, -1) * v; };
  CHECK(numbers(reversed(x)) == Numbers{8, 27});
  sum(reversed(x)).backward();
  CHECK(numbers(x.grad()) == Numbers{4 - 2 * 4, 9 - 2 * 9});  // x² - 2 x x
  // Of the first x², which comes by the reversing way, -2 x, and of the rest -4 x.
  const Var slope = grad(sum(reversed(x)), {x}, {.create_graph = true})[0];
  CHECK(numbers(grad(sum(slope), {x})[0]) == Numbers{-12, -18});
}

TEST_CASE("grad: of several outputs for several inputs, summed, leaving grad() alone") {
  const Var a = leaf({2}), b = leaf({3});
  const Var outputs[] = {a * b, a * a, b * 4.0};
  const Var inputs[] = {b, a};
  const std::vector<Var> result = grad(outputs, inputs);
  CHECK(numbers(result[0]) == Numbers{6});  // a + 4
  CHECK(numbers(result[1]) == Numbers{7});  // b + 2 a
  CHECK_FALSE(a.grad().defined());
  CHECK_FALSE(b.grad().defined());
}

TEST_CASE("grad: cotangents weigh the outputs, and the same output may come twice") {
  const Var x = leaf({2, 3});
  const Var y = x * x;
  const Var outputs[] = {y, y};
  const Var inputs[] = {x};
  CHECK(numbers(grad(outputs, inputs, {.cotangents = {constant({1, 0}), constant({10, 1})}})[0]) ==
        Numbers{44, 6});
  const Var z = sum(x);
  CHECK(first_line<GraphError>([&] {
          grad(z, {x}, {.cotangents = {Var(), Var()}});
        }) == "GraphError: grad: 2 cotangents for 1 outputs");
  CHECK(numbers(grad(z, {x}, {.cotangents = {Var()}})[0]) == Numbers{1, 1});
}

TEST_CASE("grad: for intermediates, for leaves behind them, for an output itself, and for one input twice") {
  const Var x = leaf({2});
  const Var y = x * x, z = sum(y * y);
  const std::vector<Var> result = grad(z, {y, x, z, x});
  CHECK(numbers(result[0]) == Numbers{8});
  CHECK(numbers(result[1]) == Numbers{32});
  CHECK(result[2].item() == 1);
  CHECK(numbers(result[3]) == Numbers{32});
}

TEST_CASE("grad: leaves unrelated parts of the graph as they are") {
  const Var a = leaf({2}), b = leaf({3});
  const Var shared = a * b, y = sum(shared + b * b);
  grad(y, {shared});
  shared.backward();  // what lies behind the input was not consumed
  CHECK(numbers(a.grad()) == Numbers{3});
}

TEST_CASE("grad: an input that no output depends on is an error, or undefined where allowed") {
  const Var x = leaf({2, 3}), other = leaf({1, 2}), fixed = constant({1});
  const auto y = [&] { return sum(x * x); };
  CHECK(first_line<GraphError>([&] {
          grad(y(), {x, other});
        }) == "GraphError: grad: no output depends on input 1 (parameter [2])");
  CHECK(first_line<GraphError>([&] { grad(y(), {fixed}); }) ==
        "GraphError: grad: no output depends on input 0 (constant [1])");
  const std::vector<Var> result = grad(y(), {other, x, fixed}, {.allow_unused = true});
  CHECK_FALSE(result[0].defined());
  CHECK(numbers(result[1]) == Numbers{4, 6});
  CHECK_FALSE(result[2].defined());
}

TEST_CASE("grad: an input that gets nothing from what depends on it has the gradient 0") {
  const Var x = leaf({1, 2}), w = leaf({3, 4});
  const Var y = record("given", x.value() * w.value(), wrt(x, [w](const Var& dy) { return dy * w; }),
                       wrt(w, [](const Var&) { return Var(); }));
  for (const bool allow_unused : {false, true}) {
    const std::vector<Var> result = grad(sum(y), {x, w}, {.retain_graph = true, .allow_unused = allow_unused});
    CHECK(numbers(result[0]) == Numbers{3, 4});
    CHECK(numbers(result[1]) == Numbers{0, 0});
  }
}

TEST_CASE("backward: a freed graph names the backward that freed it, and where the operation was") {
  const Var x = leaf({2});
  const Var y = sum(x * x);
  const int line = __LINE__ - 1;
  y.backward();
  const std::string file = "tests/autograd/backward_test.cpp:";
  CHECK_THAT(thrown<GraphError>([&] { y.backward(); }),
             ContainsSubstring(text("sum at ", file, line, "    freed at ", file, line + 2, "\n")));
}

TEST_CASE("grad: through a freed graph is an error, even where an unused input would be allowed") {
  const Var x = leaf({2});
  const Var y = x * x, z = sum(y);
  grad(z, {x});
  const std::string expected = "GraphError: backward: the graph behind sum was freed by an earlier backward";
  CHECK(first_line<GraphError>([&] { grad(z, {x}); }) == expected);
  CHECK(first_line<GraphError>([&] { grad(z, {x}, {.allow_unused = true}); }) == expected);
  // A second way to x that still stands does not hide the one that was freed.
  CHECK(first_line<GraphError>([&] { grad(sum(y * x), {x}); }) ==
        "GraphError: backward: the graph behind multiply was freed by an earlier backward");
}

TEST_CASE("grad: needs nothing from behind its inputs, freed or not") {
  const Var x = leaf({2});
  const Var y = x * x;
  sum(y).backward();
  CHECK(numbers(grad(sum(y * y), {y})[0]) == Numbers{8});
  const Var later = leaf({5});
  CHECK(numbers(grad(sum(y * later), {later})[0]) == Numbers{4});
}

TEST_CASE("create_graph: derivatives of x^4 up to the fourth, beyond which there is none") {
  const Var x = scalar_leaf(2);
  Var y = x * x * x * x;
  const Numbers expected{32, 48, 48, 24};
  for (const double derivative : expected) {
    y = grad(y, {x}, {.create_graph = true})[0];
    CHECK(y.item() == derivative);
  }
  // The fourth is a constant.
  CHECK_FALSE(grad(y, {x}, {.allow_unused = true})[0].defined());
  CHECK(first_line<GraphError>([&] { grad(y, {x}); }) ==
        "GraphError: grad: nothing that this value depends on requires a gradient");
}

TEST_CASE("create_graph: a gradient penalty reaches the weights through backward()") {
  const Var x = scalar_leaf(3), w = scalar_leaf(2);
  const Var slope = grad(w * w * x * x, {x}, {.create_graph = true})[0];  // 2 w² x
  (slope * slope).backward();                                             // 4 w⁴ x²
  CHECK(w.grad().item() == 16 * 8 * 9);
  CHECK(x.grad().item() == 8 * 16 * 3);
}

TEST_CASE("create_graph: backward() leaves a gradient that can be differentiated") {
  Var x = scalar_leaf(3);
  (x * x * x).backward({.create_graph = true});
  const Var slope = x.grad();
  CHECK(slope.item() == 27);
  x.zero_grad();
  slope.backward();
  CHECK(x.grad().item() == 18);
  x.zero_grad();
}

TEST_CASE("create_graph: cotangents are differentiated too") {
  const Var x = leaf({3}), v = leaf({5});
  const Var dx = grad(x * x, {x}, {.cotangents = {v}, .create_graph = true})[0];  // 2 x v
  const std::vector<Var> second = grad(dx, {x, v});
  CHECK(numbers(second[0]) == Numbers{10});
  CHECK(numbers(second[1]) == Numbers{6});
}

TEST_CASE("backward: the same computation gives the same bits, in f32 and f64") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    std::vector<Tensor> runs;
    for (int run = 0; run < 2; ++run) {
      Rng rng(4);
      const Var w = Var::parameter(Tensor::normal({7, 7}, 0, 0.4, rng, dtype));
      Var h(Tensor::normal({5, 7}, 0, 1, rng, dtype));
      for (int i = 0; i < 6; ++i) h = tanh(matmul(h, w) + matmul(h, transpose(w)));
      sum(h * h).backward();
      runs.push_back(w.grad().value());
    }
    CHECK(identical(runs[0], runs[1]));
    CHECK(runs[0].dtype() == dtype);
  }
}

}  // namespace
}  // namespace heed::tests
