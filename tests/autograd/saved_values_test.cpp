// That a value changed in place between forward and backward is found, and that nothing else is.
#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

std::string changed(const std::string& value, const std::string& operation) {
  return "GraphError: backward: " + value + " was changed in place after " + operation + " had saved it";
}

TEST_CASE("saved values: a parameter changed between forward and backward is found, by its name") {
  Var w = leaf({2, 3}, "w");
  const Var x = leaf({4, 5});
  const Var loss = sum(w * x);
  add_scaled(w.mutable_value(), -0.1, Tensor::ones({2}, DType::f64));  // as an optimiser does
  CHECK(first_line<GraphError>([&] { loss.backward(); }) == changed("parameter \"w\" [2]", "multiply"));
}

TEST_CASE("saved values: the message names the line that saved and the line that changed") {
  Var w = leaf({2, 3}, "w");
  const Var x = leaf({4, 5});
  const int saved = __LINE__ + 1;
  const Var loss = sum(w * x);
  w.mutable_value().fill(1);
  const std::string file = "tests/autograd/saved_values_test.cpp:";
  CHECK_THAT(thrown<GraphError>([&] { loss.backward(); }),
             ContainsSubstring(text("saved at ", file, saved, "    changed at ", file, saved + 1, "\n")));
  const Var other = sum(w * x);
  w.set_value(Tensor::of({7, 8}, {2}, DType::f64));
  CHECK_THAT(thrown<GraphError>([&] { other.backward(); }),
             ContainsSubstring(text("saved at ", file, saved + 5, "    changed at ", file, saved + 6, "\n")));
}

TEST_CASE("saved values: a change through a view is found") {
  Var w = leaf({2, 3}), x = leaf({4, 5});
  const Var loss = sum(w * x);
  Tensor part = x.value().slice(0, 1, 2);
  part.fill(0);
  CHECK(first_line<GraphError>([&] { loss.backward(); }) == changed("a tensor [2]", "multiply"));
}

TEST_CASE("saved values: a change of what a view was taken from is found") {
  const Var x = Var::parameter(Tensor::ones({2, 3}, DType::f64)),
            y = Var::parameter(Tensor::ones({3, 2}, DType::f64));
  const Var loss = sum(transpose(x) * y);
  Var(x).mutable_value().set({0, 0}, 5);
  CHECK_THROWS_AS(loss.backward(), GraphError);
}

TEST_CASE("saved values: a changed output that the rule needs is found") {
  const Var x = leaf({1, 2});
  Var y = tanh(x);
  const Var loss = sum(y);
  y.mutable_value().fill(0);
  CHECK(first_line<GraphError>([&] { loss.backward(); }) == changed("output of tanh [2]", "tanh"));
}

TEST_CASE("saved values: set_value() between forward and backward is found") {
  Var w = leaf({2, 3}, "w");
  const Var x = leaf({4, 5});
  const Var loss = sum(w * x);
  w.set_value(Tensor::of({7, 8}, {2}, DType::f64));
  CHECK(first_line<GraphError>([&] { loss.backward(); }) == changed("parameter \"w\" [2]", "multiply"));
}

TEST_CASE("saved values: changed tensors that are no Vars are found: ids, conditions, targets, lengths") {
  Rng rng(1);
  const Var table = Var::parameter(Tensor::normal({3, 2}, 0, 1, rng, DType::f64));
  Tensor ids = Tensor::of(std::vector<std::int32_t>{0, 2}, {2});
  const Var rows = embedding(table, ids),
            losses = cross_entropy(table, Tensor::of(std::vector<std::int32_t>{1, 0, 1}, {3}));
  Tensor condition = Tensor::of({1, 0}, {2}, DType::boolean);
  const Var chosen = where(condition, rows, rows * 2.0);
  Tensor targets = Tensor::of(std::vector<std::int32_t>{1, 0}, {2});
  const Var loss = cross_entropy(rows, targets);
  condition.fill(0);
  targets.fill(0);
  CHECK_THROWS_AS(sum(chosen).backward({.retain_graph = true}), GraphError);
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), GraphError);
  CHECK_THROWS_AS(grad(loss, {rows}, {.create_graph = true}), GraphError);
  ids.fill(1);
  CHECK_THROWS_AS(sum(rows).backward(), GraphError);
  losses.backward();
}

TEST_CASE("saved values: a changed output of a fused recurrence is found") {
  Rng rng(1);
  const auto parameter = [&](const Shape& shape) { return Var::parameter(Tensor::normal(shape, 0, 1, rng)); };
  const Var x = parameter({1, 3, 2}), wx = parameter({2, 8}), wh = parameter({2, 8}), bias = parameter({8});
  LstmOutput out = lstm(x, {}, {wx, wh, bias});
  const Var loss = sum(out.hs);
  out.hs.mutable_value().fill(0);
  CHECK(first_line<GraphError>([&] { loss.backward(); }) == changed("output of lstm [1, 3, 2]", "lstm"));
}

TEST_CASE("saved values: changed lengths and factors of a fused recurrence are found") {
  Rng rng(1);
  const auto parameter = [&](const Shape& shape) { return Var::parameter(Tensor::normal(shape, 0, 1, rng)); };
  const Var x = parameter({1, 3, 2}), wx = parameter({2, 6}), wh = parameter({2, 6}), bias = parameter({6});
  for (const bool create_graph : {false, true})
    for (const bool changes_factors : {false, true}) {
      Tensor lengths = Tensor::of(std::vector<std::int32_t>{2}, {1}), factors = Tensor::ones({1, 2});
      const Var loss = sum(gru(x, {}, {wx, wh, bias, {}}, {}, lengths, factors).hs);
      (changes_factors ? factors : lengths).fill(1);
      CHECK_THROWS_AS(grad(loss, {x}, {.create_graph = create_graph}), GraphError);
    }
}

TEST_CASE("saved values: a change before the forward is no fault") {
  Var w = leaf({2, 3});
  w.mutable_value().fill(5);
  w.set_value(w.value().clone());
  sum(w * w).backward();
  CHECK(numbers(w.grad()) == Numbers{10, 10});
}

TEST_CASE("saved values: a change of what no rule saved is no fault") {
  Var a = leaf({1, 2}), b = leaf({3, 4});
  Var y = a + b;
  const Var loss = sum(y * 2.0);
  a.mutable_value().fill(0);
  y.mutable_value().fill(0);
  loss.backward();
  CHECK(numbers(a.grad()) == Numbers{2, 2});
}

TEST_CASE("saved values: what only the rule of an untracked operand would need may change") {
  Var w = leaf({2, 3});
  const Var x = constant({4, 5});
  const Var loss = sum(w * x);  // dw needs x; dx, which would need w, is not asked for
  w.mutable_value().fill(0);
  loss.backward();
  CHECK(numbers(w.grad()) == Numbers{4, 5});
}

TEST_CASE("saved values: a rule may change temporaries of its own") {
  const Var x = leaf({1, 2});
  const Var y = record("twice", x.value() * 2.0, wrt(x, [](const Var& dy) {
                         Tensor buffer = Tensor::zeros(dy.shape(), dy.dtype());
                         add_scaled(buffer, 2.0, dy.value());
                         return Var(buffer) * 1.0;
                       }));
  sum(y).backward();
  CHECK(numbers(x.grad()) == Numbers{2, 2});
}

TEST_CASE("saved values: a cotangent or a hook's result kept in a buffer that changes is no fault") {
  Var buffer = constant({0, 0});
  const Var x = leaf({1, 2});
  const Var y = tanh(x) * x;
  buffer.mutable_value().fill(1);
  y.backward({.cotangent = buffer, .retain_graph = true});
  const Tensor expected = x.grad().value();
  Var(x).zero_grad();
  add_hook(y, [&](const Var&) {
    buffer.mutable_value().fill(1);
    return buffer;
  });
  y.backward({.cotangent = constant({5, 5}), .retain_graph = true});
  CHECK(identical(x.grad().value(), expected));
  CHECK(identical(grad(y, {x}, {.cotangents = {buffer}, .create_graph = true})[0].value(), expected));
}

TEST_CASE("saved values: steps of forward, backward and change in place follow each other") {
  Var w = leaf({2});
  for (int step = 0; step < 3; ++step) {
    w.zero_grad();
    sum(w * w).backward();
    add_scaled(w.mutable_value(), -0.25, w.grad().value());
  }
  CHECK(numbers(w) == Numbers{0.25});
}

TEST_CASE("saved values: the check is off again after it has thrown") {
  Var w = leaf({2});
  const Var loss = sum(w * w);
  w.mutable_value().fill(1);
  CHECK_THROWS_AS(loss.backward(), GraphError);
  CHECK(numbers(w) == Numbers{1});
  sum(w * w).backward();
  CHECK(numbers(w.grad()) == Numbers{2});
}

}  // namespace
}  // namespace heed::tests
