#include "autograd/record.h"

#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>

#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// Counted by how many rules hold a copy.
using Token = std::shared_ptr<int>;

TEST_CASE("record: the rule of an operand that needs no gradient goes at once, with what it captured") {
  const Token token = std::make_shared<int>();
  const Var x = leaf({1}), c = constant({2});
  const Var y = record("product", x.value() * c.value(), wrt(x, [c](const Var& dy) { return dy * c; }),
                       wrt(c, [x, token](const Var& dy) { return dy * x; }));
  CHECK(token.use_count() == 1);
  CHECK(y.requires_grad());
}

TEST_CASE("record: unrecorded, no rule stays") {
  const Token token = std::make_shared<int>();
  const Var x = leaf({1});
  const NoGrad no_grad;
  const Var y = record("copy", x.value(), wrt(x, [token](const Var& dy) { return dy; }));
  CHECK(token.use_count() == 1);
  CHECK_FALSE(y.requires_grad());
}

TEST_CASE("record: a rule lives as long as its node, or until backward has used it") {
  const Token token = std::make_shared<int>();
  const Var x = leaf({1});
  const auto copy = [&] { return record("copy", x.value(), wrt(x, [token](const Var& dy) { return dy; })); };
  {
    const Var y = copy();
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
  const Var y = copy(), z = sum(y);
  z.backward({.retain_graph = true});
  CHECK(token.use_count() == 2);
  z.backward();
  CHECK(token.use_count() == 1);
}

TEST_CASE("record: a rule may ask for the output, whose node it does not keep alive") {
  const Var x = leaf({3});
  const auto root = [&] {
    return record("root", apply(kernels::Unary::sqrt, x.value(), "sqrt"),
                  wrt(x, [](const Var& dy, const Var& y) { return dy / (2.0 * y); }));
  };
  const std::int64_t before = bytes_in_use();
  root();
  CHECK(bytes_in_use() == before);
  root().backward();
  CHECK(x.grad().item() == Approx(0.5 / std::sqrt(3.0)));
}

TEST_CASE("record: an undefined gradient means 0") {
  const Var x = leaf({3}), z = leaf({4});
  const Var y = record("stop", x.value() * z.value(), wrt(x, [](const Var&) { return Var(); }),
                       wrt(z, [x](const Var& dy) { return dy * x; }));
  sum(y).backward();
  CHECK_FALSE(x.grad().defined());
  CHECK(numbers(z.grad()) == Numbers{3});
}

TEST_CASE("record: a gradient of the broadcast shape is summed to the operand's, a smaller one is an error") {
  const Var x = leaf({1, 2});
  const auto repeated = [&](const Shape& shape_of_gradient) {
    return record("repeat", x.value().expand({3, 2}),
                  wrt(x, [=](const Var&) { return Var(Tensor::ones(shape_of_gradient, DType::f64)); }));
  };
  sum(repeated({3, 2})).backward();
  CHECK(numbers(x.grad()) == Numbers{3, 3});
  CHECK(first_line<ShapeError>([&] { sum(repeated({1})).backward(); }) ==
        "ShapeError: sum_to: [2] does not broadcast to [1]");
}

TEST_CASE("record: one Var may be both operands") {
  const Var x = leaf({3});
  const Var y = record("product", x.value() * x.value(), wrt(x, [x](const Var& dy) { return dy * x; }),
                       wrt(x, [x](const Var& dy) { return dy * x; }));
  sum(y).backward();
  CHECK(numbers(x.grad()) == Numbers{6});
}

TEST_CASE("record: an exception thrown by a rule leaves the graph usable") {
  const Var x = leaf({3});
  bool fail = true;
  const Var shared = x * x;
  const Var y = record("fragile", shared.value(), wrt(shared, [&fail](const Var& dy) {
                         if (fail) throw std::runtime_error("no");
                         return dy;
                       }));
  const Var loss = sum(y * shared);
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), std::runtime_error);
  CHECK(is_recording());
  CHECK_FALSE(x.grad().defined());
  fail = false;
  CHECK(numbers(grad(loss, {x}, {.retain_graph = true})[0]) == Numbers{108});
  loss.backward();
  CHECK(numbers(x.grad()) == Numbers{108});
}

// ---- joint rules

// a b and a + b, with one rule for both.
std::array<Var, 2> product_and_sum(const Var& a, const Var& b, std::vector<bool>* defined = nullptr) {
  return record_joint("product_and_sum", std::array{a.value() * b.value(), a.value() + b.value()},
                      std::array{a, b}, [a, b, defined](std::span<const Var> dy) -> std::array<Var, 2> {
                        if (defined != nullptr) *defined = {dy[0].defined(), dy[1].defined()};
                        Var da, db;
                        if (dy[0].defined()) {
                          da = dy[0] * b;
                          db = dy[0] * a;
                        }
                        if (dy[1].defined()) {
                          da = da.defined() ? da + dy[1] : dy[1];
                          db = db.defined() ? db + dy[1] : dy[1];
                        }
                        return {da, db};
                      });
}

TEST_CASE("record_joint: several outputs carry their gradients to the operands together") {
  const Var a = leaf({2}), b = leaf({3});
  std::vector<bool> defined;
  const auto [product, total] = product_and_sum(a, b, &defined);
  CHECK(std::string(product.operation()) == "product_and_sum");
  sum(product * total).backward();  // ab(a + b)
  CHECK(numbers(a.grad()) == Numbers{21});
  CHECK(numbers(b.grad()) == Numbers{16});
  CHECK(defined == std::vector<bool>{true, true});
}

TEST_CASE("record_joint: the cotangent of an unused output is undefined, whether its Var lives or not") {
  const Var a = leaf({2}), b = leaf({3});
  std::vector<bool> defined;
  {
    const auto outputs = product_and_sum(a, b, &defined);
    sum(outputs[1]).backward();
    CHECK(defined == std::vector<bool>{false, true});
  }
  const Var product = product_and_sum(a, b, &defined)[0];
  sum(product).backward();
  CHECK(defined == std::vector<bool>{true, false});
  CHECK(numbers(a.grad()) == Numbers{4});
}

TEST_CASE("record_joint: an output is an input of grad() and takes hooks like any Var") {
  const Var a = leaf({2}), b = leaf({3});
  const auto [product, total] = product_and_sum(a, b);
  add_hook(total, [](const Var& dy) { return dy * 10.0; });
  const std::vector<Var> result = grad(sum(product + total * total), {total, a}, {.retain_graph = true});
  CHECK(numbers(result[0]) == Numbers{100});
  CHECK(numbers(result[1]) == Numbers{103});
  CHECK(numbers(grad(sum(product), {b})[0]) == Numbers{2});
}

TEST_CASE("record_joint: differentiates again") {
  const Var a = leaf({2}), b = leaf({3});
  const auto [product, total] = product_and_sum(a, b);
  const Var da = grad(sum(product * total), {a}, {.create_graph = true})[0];  // 2ab + b²
  const std::vector<Var> second = grad(sum(da), {a, b});
  CHECK(numbers(second[0]) == Numbers{6});
  CHECK(numbers(second[1]) == Numbers{10});
}

TEST_CASE("record_joint: gradients of operands that need none are ignored") {
  const Var a = leaf({2}), c = constant({3});
  sum(product_and_sum(a, c)[0]).backward();
  CHECK(numbers(a.grad()) == Numbers{3});
  CHECK_FALSE(c.grad().defined());
}

TEST_CASE("record_joint: a rule may ask for the output") {
  const Var a = leaf({2}), b = leaf({3});
  const Var y =
      record_joint("product", a.value() * b.value(), std::array{a, b}, [a, b](const Var& dy, const Var& out) {
        return std::vector<Var>{dy * out / a, dy * out / b};
      });
  sum(y).backward();
  CHECK(numbers(a.grad()) == Numbers{3});
  CHECK(numbers(b.grad()) == Numbers{2});
}

TEST_CASE("record_joint: a rule that returns too few gradients is an error") {
  const Var a = leaf({2}), b = leaf({3});
  const Var y = record_joint("pair", a.value() * b.value(), std::array{a, b},
                             [](const Var& dy) { return std::vector<Var>{dy}; });
  CHECK(thrown<GraphError>([&] { sum(y).backward(); }) ==
        "GraphError: backward: the rule of pair returned 1 gradients\n  requires one per operand, 2");
}

TEST_CASE("record_joint: more operands than 16 bits count") {
  const Var x = scalar_leaf(1);
  const std::vector<Var> operands(70'000, x);
  const Var y = record_joint("first_of_many", x.value(), operands,
                             [](const Var& dy) { return std::vector<Var>(70'000, dy); });
  y.backward();
  CHECK(x.grad().item() == 70'000);
}

// ---- definitions

TEST_CASE("differentiate_definition: a rule differentiates inside a rule, to any order") {
  const std::function<Var(const Var&)> cube = [&](const Var& x) {
    return record("cube", x.value() * x.value() * x.value(), wrt(x, [x](const Var& dy) {
                    if (!is_recording()) return dy * 3.0 * x * x;
                    return differentiate_definition<1>({x}, std::span(&dy, 1),
                                                       [](const std::array<Var, 1>& in) {
                                                         return std::vector<Var>{in[0] * in[0] * in[0]};
                                                       })[0];
                  }));
  };
  const Var x = scalar_leaf(2);
  Var y = cube(x * x);  // x^6
  for (const double derivative : {192.0, 480.0, 960.0}) {
    y = grad(y, {x}, {.create_graph = true})[0];
    CHECK(y.item() == derivative);
  }
}

TEST_CASE("differentiate_definition: undefined cotangents and operands stay out") {
  const Var a = leaf({2}), b = leaf({3});
  const Var cotangents[] = {Var(), constant({10})};
  const auto [da, none, db] =
      differentiate_definition<3>({a, Var(), b}, cotangents, [](const std::array<Var, 3>& in) {
        CHECK_FALSE(in[1].defined());
        return std::vector<Var>{in[0] * in[2], in[2] * in[2]};
      });
  CHECK_FALSE(da.defined());
  CHECK_FALSE(none.defined());
  CHECK(numbers(db) == Numbers{60});
}

TEST_CASE("differentiate_definition: one Var as two operands gets a gradient for each") {
  const Var a = leaf({2}), dy = constant({1});
  const auto [first, second] = differentiate_definition<2>(
      {a, a}, std::span(&dy, 1),
      [](const std::array<Var, 2>& in) { return std::vector<Var>{in[0] * in[0] * in[1]}; });
  CHECK(numbers(first) == Numbers{8});
  CHECK(numbers(second) == Numbers{4});
}

}  // namespace
}  // namespace heed::tests
