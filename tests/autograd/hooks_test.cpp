#include "autograd/hooks.h"

#include <stdexcept>
#include <utility>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("hooks: run once a backward, with the complete gradient") {
  const Var x = leaf({1, 2});
  const Var y = x * 3.0;
  std::vector<Numbers> seen;
  add_hook(y, [&](const Var& dy) {
    seen.push_back(numbers(dy));
    return Var();
  });
  sum(y + y * y).backward();
  CHECK(seen == std::vector<Numbers>{{7, 13}});  // 1 + 2 y
  CHECK(numbers(x.grad()) == Numbers{21, 39});
}

TEST_CASE("hooks: run in the order in which they were added, each on what the one before returned") {
  const Var x = leaf({1});
  add_hook(x, [](const Var& dx) { return dx + 1.0; });
  add_hook(x, [](const Var&) { return Var(); });
  add_hook(x, [](const Var& dx) { return dx * 10.0; });
  sum(x).backward();
  CHECK(numbers(x.grad()) == Numbers{20});
}

TEST_CASE("hooks: what one on an intermediate returns flows on") {
  const Var x = leaf({1, 2});
  Var y = x * 3.0;
  y.keep_grad();
  add_hook(y, [](const Var&) { return constant({5, 7}); });
  sum(y).backward();
  CHECK(numbers(y.grad()) == Numbers{5, 7});
  CHECK(numbers(x.grad()) == Numbers{15, 21});
}

TEST_CASE("hooks: run in grad() too, for inputs and on the way to them") {
  const Var x = leaf({1});
  const Var y = x * 3.0;
  add_hook(y, [](const Var& dy) { return dy * 2.0; });
  add_hook(x, [](const Var& dx) { return dx + 0.5; });
  CHECK(numbers(grad(sum(y), {x})[0]) == Numbers{6.5});
}

TEST_CASE("hooks: stay when the handle goes, end with remove(), which may be called twice") {
  const Var x = leaf({1});
  int calls = 0;
  const auto count = [&](const Var&) {
    ++calls;
    return Var();
  };
  add_hook(x, count);
  HookHandle handle = add_hook(x, count);
  sum(x).backward();
  CHECK(calls == 2);
  handle.remove();
  handle.remove();
  sum(x).backward();
  CHECK(calls == 3);
}

TEST_CASE("hooks: one may remove itself or a later one while it runs; the later one still runs this time") {
  const Var x = leaf({1});
  std::vector<HookHandle> handles;
  std::string order;
  handles.push_back(add_hook(x, [&](const Var&) {
    order += 'a';
    for (HookHandle& handle : handles) handle.remove();
    return Var();
  }));
  handles.push_back(add_hook(x, [&](const Var&) {
    order += 'b';
    return Var();
  }));
  sum(x).backward();
  sum(x).backward();
  CHECK(order == "ab");
}

TEST_CASE("hooks: one may add another, which runs from the next backward on") {
  const Var x = leaf({1});
  int added = 0;
  add_hook(x, [&, once = false](const Var&) mutable {
    if (!once)
      add_hook(x, [&](const Var&) {
        ++added;
        return Var();
      });
    once = true;
    return Var();
  });
  sum(x).backward();
  CHECK(added == 0);
}

TEST_CASE("hooks: a result of another shape or type is an error") {
  const Var x = leaf({1, 2});
  HookHandle handle = add_hook(x, [](const Var&) { return constant({1}); });
  CHECK(first_line<ShapeError>([&] { sum(x).backward(); }) == "ShapeError: hook: returned f64 [1]");
  handle.remove();
  add_hook(x, [](const Var& dx) { return Var(dx.value().to(DType::f32)); });
  CHECK(first_line<ShapeError>([&] { sum(x).backward(); }) == "ShapeError: hook: returned f32 [2]");
}

TEST_CASE("hooks: a Var that requires no gradient takes none") {
  const std::string expected = "GraphError: add_hook: no gradient flows to this variable";
  CHECK(first_line<GraphError>([] { add_hook(constant({1}), nullptr); }) == expected);
  CHECK(first_line<GraphError>([] { add_hook(Var(), nullptr); }) == expected);
}

TEST_CASE("hooks: may differentiate another graph") {
  const Var x = leaf({2}), z = leaf({3});
  const Var other = sum(z * z * z);
  Numbers inner;
  add_hook(x, [&](const Var& dx) {
    inner = numbers(grad(other, {z})[0]);
    return dx * 2.0;
  });
  sum(x * x).backward();
  CHECK(inner == Numbers{27});
  CHECK(numbers(x.grad()) == Numbers{8});
}

TEST_CASE("hooks: may differentiate the graph that is being differentiated") {
  const Var x = leaf({2});
  const Var y = x * x, loss = sum(y * y);
  bool inside = false;
  Numbers inner;
  add_hook(y, [&](const Var&) {
    if (inside) return Var();
    inside = true;
    inner = numbers(grad(loss, {x}, {.retain_graph = true})[0]);
    return Var();
  });
  loss.backward({.retain_graph = true});
  CHECK(inner == Numbers{32});
  CHECK(numbers(x.grad()) == Numbers{32});
}

TEST_CASE("hooks: a differentiation inside another leaves alone what waits there for its turn") {
  const Var x = leaf({2});
  const Var foot = x * x, y = foot * 1.0, loss = sum(y * y) + sum(foot * 3.0);
  std::vector<Numbers> at_foot;
  add_hook(foot, [&](const Var& dy) {
    at_foot.push_back(numbers(dy));
    return Var();
  });
  bool inside = false;
  add_hook(y, [&](const Var&) {
    // foot has its part from the second sum already
    if (!std::exchange(inside, true)) grad(loss, {x}, {.retain_graph = true});
    return Var();
  });
  loss.backward({.retain_graph = true});
  CHECK(at_foot == std::vector<Numbers>{{11}, {11}});  // complete, once in each
  CHECK(numbers(x.grad()) == Numbers{44});
}

TEST_CASE("hooks: one that frees the graph being differentiated is told so, and nothing is torn down twice") {
  const Var x = leaf({2});
  const Var y = x * x, loss = sum(y * y);
  bool inside = false;
  add_hook(y, [&](const Var&) {
    if (!inside) {
      inside = true;
      loss.backward({.retain_graph = false});
    }
    return Var();
  });
  // sum and multiply are freed already when the hook runs, so the inner backward meets a freed graph first.
  CHECK(first_line<GraphError>([&] { loss.backward(); }) ==
        "GraphError: backward: the graph behind sum was freed by an earlier backward");
}

TEST_CASE("hooks: one that frees what still waits for its turn makes the outer backward say so") {
  const Var x = leaf({2});
  const Var y = x * x, other = sum(y), loss = sum(y * y);
  add_hook(loss, [&](const Var&) {
    other.backward();
    return Var();
  });
  CHECK(first_line<GraphError>([&] { loss.backward(); }) ==
        "GraphError: backward: the graph behind multiply was freed by an earlier backward");
}

TEST_CASE("hooks: one that throws leaves graph and engine usable") {
  const Var x = leaf({2}), z = leaf({3});
  const Var y = x * x, loss = sum(y * z);
  HookHandle handle = add_hook(y, [](const Var&) -> Var { throw std::runtime_error("no"); });
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), std::runtime_error);
  handle.remove();
  Var(x).zero_grad();
  Var(z).zero_grad();
  loss.backward();
  CHECK(numbers(x.grad()) == Numbers{12});
  CHECK(numbers(z.grad()) == Numbers{4});
}

TEST_CASE("hooks: compute unrecorded, unless create_graph is asked for") {
  const Var x = leaf({2});
  std::vector<bool> recorded;
  add_hook(x, [&](const Var& dx) {
    recorded.push_back((dx * x).requires_grad());
    return Var();
  });
  grad(sum(x * x), {x});
  grad(sum(x * x), {x}, {.create_graph = true});
  CHECK(recorded == std::vector<bool>{false, true});
}

}  // namespace
}  // namespace heed::tests
