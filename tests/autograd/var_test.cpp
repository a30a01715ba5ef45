#include "autograd/var.h"

#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("Var: copies are the same variable") {
  const Var a = leaf({1, 2});
  Var b = a;
  CHECK(b.same_as(a));
  b.mutable_value().set({0}, 7);
  CHECK(numbers(a) == Numbers{7, 2});
  b.set_grad(constant({3, 4}));
  CHECK(numbers(a.grad()) == Numbers{3, 4});
  CHECK_FALSE(Var(a.value()).same_as(a));
}

TEST_CASE("Var: moving leaves an undefined Var, assignment to itself changes nothing") {
  Var a = leaf({1});
  Var b = std::move(a);
  CHECK_FALSE(a.defined());  // NOLINT: what a moved-from Var is, is promised
  const Var& same = b;
  b = same;
  CHECK(numbers(b) == Numbers{1});
}

TEST_CASE("Var: an undefined one has no value, requires nothing and says so") {
  const Var none;
  CHECK_FALSE(none.defined());
  CHECK_FALSE(none.requires_grad());
  const std::string expected = "GraphError: an undefined Var has no value";
  CHECK(first_line<GraphError>([&] { none.value(); }) == expected);
  CHECK(first_line<GraphError>([&] { none.grad(); }) == expected);
  CHECK(first_line<GraphError>([&] { none.operation(); }) == expected);
  CHECK(first_line<GraphError>([&] { none + none; }) == expected);
  CHECK(first_line<GraphError>([&] { none.detach(); }) == expected);
}

TEST_CASE("Var: constants need no gradient, parameters do, results do when an operand does") {
  const Var c = constant({1}), p = leaf({2}, "p");
  CHECK_FALSE(c.requires_grad());
  CHECK(p.requires_grad());
  CHECK_FALSE((c * c).requires_grad());
  CHECK((c * p).requires_grad());
  CHECK(std::string(c.operation()) == "constant");
  CHECK(std::string(p.operation()) == "parameter");
  CHECK(std::string((c * p).operation()) == "multiply");
  CHECK(p.name() == "p");
  CHECK(c.name().empty());
}

TEST_CASE("Var: a leaf is what no recorded operation made") {
  const Var p = leaf({2});
  CHECK(p.is_leaf());
  CHECK(constant({2}).is_leaf());
  CHECK((constant({2}) + constant({2})).is_leaf());
  const Var y = sum(p * p);
  CHECK_FALSE(y.is_leaf());
  y.backward();
  CHECK_FALSE(y.is_leaf());
}

TEST_CASE("set_value: the leaf takes the value, loses its gradient and keeps its name in messages") {
  Var p = leaf({1, 2}, "w");
  sum(p).backward();
  p.set_value(Tensor::of({5, 6, 7}, {3}, DType::f64));
  CHECK(numbers(p) == Numbers{5, 6, 7});
  CHECK_FALSE(p.grad().defined());
  CHECK(p.value().origin() == "parameter \"w\"");
  sum(p * p).backward();
  CHECK(numbers(p.grad()) == Numbers{10, 12, 14});
}

TEST_CASE("set_value: the output of an operation is not set") {
  Var y = leaf({1}) + 1.0;
  CHECK(first_line<GraphError>([&] { y.set_value(Tensor::scalar(1)); }) ==
        "GraphError: set_value: the output of add is computed, not set");
}

TEST_CASE("set_grad: takes what has the value's shape and type only") {
  Var p = leaf({1, 2});
  p.set_grad(constant({3, 4}));
  CHECK(numbers(p.grad()) == Numbers{3, 4});
  CHECK(first_line<ShapeError>([&] { p.set_grad(constant({3})); }) ==
        "ShapeError: set_grad: the gradient is f64 [1]");
  CHECK(first_line<ShapeError>([&] { p.set_grad(Var(Tensor::ones({2}))); }) ==
        "ShapeError: set_grad: the gradient is f32 [2]");
  CHECK(numbers(p.grad()) == Numbers{3, 4});
  p.zero_grad();
  CHECK_FALSE(p.grad().defined());
}

TEST_CASE("detach: the same elements, no gradient") {
  const Var x = leaf({2, 3});
  const Var y = x * x;
  const Var cut = y.detach();
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.is_leaf());
  CHECK(cut.value().bytes() == y.value().bytes());
  sum(cut * x).backward();
  CHECK(numbers(x.grad()) == Numbers{4, 9});
}

TEST_CASE("NoGrad: nothing is recorded while it lives, and it nests") {
  const Var x = leaf({2});
  {
    const NoGrad outer;
    CHECK_FALSE(is_recording());
    CHECK_FALSE((x * x).requires_grad());
    {
      const Recording inner(true);
      CHECK((x * x).requires_grad());
    }
    CHECK_FALSE(is_recording());
  }
  CHECK(is_recording());
  CHECK((x * x).requires_grad());
}

TEST_CASE("NoGrad: ends when an exception passes") {
  try {
    const NoGrad no_grad;
    Var().value();
  } catch (const GraphError&) {
  }
  CHECK(is_recording());
}

TEST_CASE("named: an intermediate keeps its gradient and says its name") {
  const Var x = leaf({2, 3});
  Var y = x * x;
  y.named("squares");
  sum(y * y).backward();
  CHECK(y.name() == "squares");
  CHECK(numbers(y.grad()) == Numbers{8, 18});
  CHECK(y.value().origin() == "\"squares\"");
}

TEST_CASE(
    "var: x += y is another place in the graph, of this line; copies of x and gradients are as of x + y") {
  const Var x = leaf({1, 2}), y = leaf({3, 4});
  Var z = x;
  z += y;
  const int line = __LINE__ - 1;
  CHECK(text(z.recorded_by()) == text("tests/autograd/var_test.cpp:", line));
  CHECK(numbers(x) == Numbers{1, 2});
  const Var sum_of_both = z;
  z *= x;
  z -= 1;
  CHECK(text(z.recorded_by()) == text("tests/autograd/var_test.cpp:", __LINE__ - 1));
  z /= y;
  z += z;
  z -= x;
  z *= 2.5f;
  z /= 2;
  CHECK(numbers(sum_of_both) == Numbers{4, 6});
  const Var same = (((x + y) * x - 1.0) / y * 2.0 - x) * 1.25;
  CHECK(largest_difference(z.value(), same.value()) < 1e-15);
  const auto of_z = grad(sum(z), {x, y}), of_same = grad(sum(same), {x, y});
  for (const std::size_t i : {0, 1}) CHECK(largest_difference(of_z[i].value(), of_same[i].value()) < 1e-14);
}

}  // namespace
}  // namespace heed::tests
