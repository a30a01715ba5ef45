// Operations of users, checked on their first use.
#include "autograd/custom.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/inspect/trace.h"
#include "autograd/ops.h"
#include "autograd/record.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

int calls_of_cube = 0;

// x³, whose rule is right when `factor` is 3. A name of its own for each test: a first use comes once.
Var cube(const char* name, const Var& x, double factor = 3) {
  const auto definition = [=](const Var& in) {
    ++calls_of_cube;
    return record(name, in.value() * in.value() * in.value(),
                  wrt(in, [in, factor](const Var& dy) { return dy * factor * square(in); }));
  };
  return custom_operation(name, definition, x);
}

// a b, or with a rule for b that has forgotten a.
Var product(const char* name, const Var& a, const Var& b, bool right) {
  const auto definition = [=](const Var& p, const Var& q) {
    return record(name, p.value() * q.value(), wrt(p, [q](const Var& dy) { return dy * q; }),
                  wrt(q, [p, right](const Var& dy) { return right ? dy * p : dy; }));
  };
  return custom_operation(name, definition, a, b);
}

TEST_CASE("custom_operation: gives what the definition gives, checked or not") {
  for (const bool on : {false, true}) {
    const CheckCustomOperations checks(on);
    const Var x = leaf({1, -2});
    const Var y = cube("same", x);
    CHECK(numbers(y) == Numbers{1, -8});
    sum(y).backward();
    CHECK(numbers(x.grad()) == Numbers{3, 12});
  }
}

TEST_CASE("custom_operation: the first use with a wrong rule throws, naming element and both values") {
  const CheckCustomOperations checks(true);
  const Var x = Var::parameter(Tensor::matrix({{0, 0, 0}, {0, 2, 0}}, DType::f64), "x");
  const std::string message = thrown<GraphError>([&] { cube("twice", x, 6); });
  CHECK_THAT(message, ContainsSubstring("GraphError: twice: its gradient is not its derivative: at [1, 1] of "
                                        "operand 0 [2, 3], for a random dy, the rule gives "));
  CHECK_THAT(message, ContainsSubstring(", differences give "));
  CHECK_THAT(message, ContainsSubstring("\n  requires |analytic - numeric| <= 1e-06 + 1e-05 |numeric|\n"));
  CHECK_THAT(message,
             ContainsSubstring("\n  operand 0: parameter \"x\"    likely: it is 2 times too large: added "
                               "twice, or not divided by a count\n"));
  CHECK_THAT(message, ContainsSubstring("\n  in: gradient check of twice on its first use"));
  // And again, as long as it is wrong.
  CHECK_THROWS_AS(cube("twice", x, 6), GraphError);
  cube("twice", x, 3);
}

TEST_CASE("custom_operation: names the operand that is wrong; a right one may be constant") {
  const CheckCustomOperations checks(true);
  const Var a = leaf({2, 3}), b = leaf({4, 5}), fixed = constant({6, 7});
  CHECK_THAT(thrown<GraphError>([&] { product("careless", a, b, false); }),
             ContainsSubstring(" of operand 1 [2], for a random dy, the rule gives "));
  product("careless", a, fixed, false);  // the wrong rule takes no part
  CHECK_THROWS_AS(product("careless", fixed, b, false), GraphError);
  CHECK(numbers(product("careful", a, b, true)) == Numbers{8, 15});
}

TEST_CASE("custom_operation: is checked once for a name and shapes, where something requires a gradient") {
  const CheckCustomOperations checks(true);
  const auto calls = [](const Var& x) {
    calls_of_cube = 0;
    cube("counted", x);
    return calls_of_cube;
  };
  CHECK(calls(constant({1, 2, 3})) == 1);
  {
    const NoGrad no_grad;
    CHECK(calls(leaf({1, 2, 3})) == 1);
  }
  CHECK(calls(leaf({1, 2, 3})) == 1 + 2 * 3 + 1);  // recorded, twice an element, and the use itself
  CHECK(calls(leaf({4, 5, 6})) == 1);
  CHECK(calls(leaf({1, 2})) == 1 + 2 * 2 + 1);
  CHECK(calls(Var::parameter(Tensor::ones({3}))) == 1);  // f32 is checked in f64 as well
  const CheckCustomOperations few(true, 2);
  CHECK(calls(Var::parameter(Tensor::ones({50}))) == 1 + 2 * 2 + 1);
  const CheckCustomOperations off(false);
  CHECK(calls(leaf({1, 2, 3, 4})) == 1);
}

TEST_CASE("custom_operation: is checked by default where assertions are on") {
#ifdef NDEBUG
  CHECK_FALSE(custom_operations::checks.on);
#else
  CHECK(custom_operations::checks.on);
#endif
  {
    const CheckCustomOperations checks(true, 5);
    CHECK(custom_operations::checks.on);
    CHECK(custom_operations::checks.most == 5);
  }
  CHECK(custom_operations::checks.most == 64);
}

TEST_CASE("custom_operation: a check changes no operand and no gradient, and observers do not see it") {
  const CheckCustomOperations checks(true);
  Var x = leaf({1, 2});
  x.set_grad(constant({7, 8}));
  Trace trace;
  const Var y = cube("quiet", x);
  CHECK(trace.operations().size() == 1);
  CHECK(numbers(x) == Numbers{1, 2});
  CHECK(numbers(x.grad()) == Numbers{7, 8});
  sum(y).backward();
  CHECK(numbers(x.grad()) == Numbers{10, 20});
}

TEST_CASE("custom_operation: several outputs, ids among the operands, and an operand left out") {
  const CheckCustomOperations checks(true);
  const auto rows = [](const Var& table, const Var& ids, const Var& bias) {
    const Var y = embedding(table, ids.value());
    return std::array{bias.defined() ? y + bias : y, square(y)};
  };
  const Var table = Var::parameter(Tensor::matrix({{1, 2}, {3, 4}, {5, 6}}));
  const Var ids(Tensor::of(std::vector<std::int32_t>{2, 0}, {2}));
  const auto [y, squares] = custom_operation("rows", rows, table, ids, Var());
  CHECK(numbers(y) == Numbers{5, 6, 1, 2});
  CHECK(numbers(squares) == Numbers{25, 36, 1, 4});
  CHECK(y.dtype() == DType::f32);
}

TEST_CASE("custom_operation: an operation through which nothing flows, and one without f64, are said") {
  const CheckCustomOperations checks(true);
  const Var x = leaf({1, 2});
  CHECK(first_line<GraphError>([&] {
          custom_operation(
              "cut", [](const Var& in) { return record("cut", in.value()); }, x);
        }) ==
        "GraphError: cut: its gradient cannot be checked: no output depends on an input that requires a "
        "gradient");
  const auto single = [](const Var& in) {
    in.value().data<float>();
    return in * 2.0;
  };
  const std::string message =
      thrown<DTypeError>([&] { custom_operation("single", single, Var::parameter(Tensor::ones({2}))); });
  CHECK_THAT(message, ContainsSubstring("\n  in: gradient check of single on its first use"));
}

}  // namespace
}  // namespace heed::tests
