// What observers are told, and that Vars know where they come from.
#include "autograd/observer.h"

#include <string>
#include <vector>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// Everything that is told, a line each.
struct Log : Observer {
  void recorded(const Recorded& r) override {
    lines.push_back(
        text(r.output.operation(), "/", r.operands.size(), r.outputs > 1 ? text(" ", r.index) : ""));
  }
  void sweep_began(const SourceLocation&) override { lines.push_back("{"); }
  void sweep_ended() override { lines.push_back("}"); }
  void reached(const Node& node, std::span<const Var> dy) override {
    lines.push_back(text("reached ", node.operation, " ", dy.size()));
  }
  void rule_returned(const Node& node, std::size_t operand, const Var& gradient) override {
    lines.push_back(text(node.operation, " gave ", operand, gradient.defined() ? "" : " nothing"));
  }
  void left(const Node& node) override { lines.push_back(text("left ", node.operation)); }
  std::vector<std::string> take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
};
using Lines = std::vector<std::string>;

TEST_CASE("observer: is told of operations, of each gradient and each rule, in order") {
  const Var x = leaf({2, 3}), constant(Tensor::of({4, 5}, {2}, DType::f64));
  Log log;
  const Var loss = sum(constant * x);
  CHECK(log.take() == Lines{"multiply/2", "sum/1"});
  loss.backward();
  // The rule of the constant was dropped; the one of x multiplies.
  CHECK(log.take() == Lines{"{", "reached sum 1", "expand/1", "sum gave 0", "left sum", "reached multiply 1",
                            "multiply/2", "multiply gave 1", "left multiply", "reached parameter 1",
                            "left parameter", "}"});
}

TEST_CASE("observer: operations with several outputs are told of by output, under one number") {
  struct Ids : Observer {
    void recorded(const Recorded& r) override {
      if (r.outputs > 1) ids.push_back(r.id);
    }
    std::vector<std::uint64_t> ids;
  } ids;
  Log log;
  const Var x = leaf({2, 3});
  const auto parts =
      record_joint("both", std::array{x.value(), x.value()}, std::array{x},
                   [](std::span<const Var> dy) { return std::array{dy[0].defined() ? dy[0] : dy[1]}; });
  CHECK(log.take() == Lines{"both/1 0", "both/1 1"});
  REQUIRE(ids.ids.size() == 2);
  CHECK(ids.ids[0] == ids.ids[1]);
  CHECK(ids.ids[0] == id_of(*parts[0].node()));
  CHECK(ids.ids[0] == id_of(*parts[1].node()));
  CHECK(ids.ids[0] != id_of(*x.node()));
}

TEST_CASE("observer: what is computed without being recorded is told of as well") {
  Log log;
  const NoGrad no_grad;
  sum(leaf({2, 3}) + 1.0);
  CHECK(log.take() == Lines{"add/1", "sum/1"});
}

TEST_CASE("observer: scopes nest, and when one is over it is told no more") {
  Log outer;
  {
    Log inner;
    exp(leaf({1}));
    CHECK(inner.take() == Lines{"exp/1"});
  }
  log(leaf({1}));
  CHECK(outer.take() == Lines{"exp/1", "log/1"});
}

TEST_CASE("observer: is told of names that are given; an unobserved scope is told of to nobody") {
  struct Names : Observer {
    void noted(const Var& var, std::string_view name) override {
      lines.push_back(text(name, " ", var.operation(), " ", names::at_number(ErrorFrame::innermost_path())));
    }
    std::vector<std::string> lines;
  } given;
  Log log;
  Var y = exp(leaf({1}));
  y.named("y");
  CHECK(given.lines == Lines{"y exp "});
  {
    const Unobserved unobserved;
    CHECK_FALSE(Observer::watching());
    exp(leaf({1})).named("unseen");
    const Log inner;  // one that begins within it is told again
    exp(y);
    CHECK(inner.lines == Lines{"exp/1"});
  }
  CHECK(Observer::watching());
  CHECK(given.lines.size() == 1);
  CHECK(log.take() == Lines{"exp/1"});
}

TEST_CASE("observer: what it throws reaches the caller, and graph and engine stay usable") {
  struct Refuses : Observer {
    void recorded(const Recorded& r) override {
      if (std::string(r.output.operation()) == "exp") throw ConfigError({.what = "no exp"});
    }
    void reached(const Node& node, std::span<const Var>) override {
      if (std::string(node.operation) == "multiply") throw ConfigError({.what = "no multiply"});
    }
  };
  const Var x = leaf({2, 3});
  const Var y = sum(x * x);
  {
    const Refuses refuses;
    CHECK_THROWS_AS(exp(x), ConfigError);
    CHECK_THROWS_AS(y.backward({.retain_graph = true}), ConfigError);
  }
  y.backward();
  CHECK(numbers(x.grad()) == Numbers{4, 6});
}

TEST_CASE("observer: watching changes no bit") {
  Rng rng(1);
  const Var w = Var::parameter(Tensor::normal({3, 4}, 0, 1, rng));
  const Var x(Tensor::normal({5, 3}, 0, 1, rng));
  const auto run = [&] {
    w.node()->gradient = Var();
    const Var loss = sum(softmax(matmul(x, w)) * Var(Tensor::arange(4, DType::f32)));
    loss.backward();
    return w.grad().value();
  };
  const Tensor unwatched = run();
  Log log;
  CHECK(identical(run(), unwatched));
}

TEST_CASE("var: knows the line that made it, through operators and functions made of others") {
  const std::string file = "tests/autograd/observer_test.cpp:";
  const auto made_at = [](const Var& var) { return text(var.recorded_by()); };
  const Var x = leaf({2, 3});
  const int line = __LINE__;
  const Var sum_of_both = x + x;
  CHECK(made_at(sum_of_both) == text(file, line + 1));
  CHECK(made_at(1.0 / x) == text(file, __LINE__));
  CHECK(made_at(-x) == text(file, __LINE__));
  CHECK(made_at(mean(x)) == text(file, __LINE__));
  CHECK(made_at(stack(std::array{x, x}, 0)) == text(file, __LINE__));
  CHECK(made_at(cross_entropy(reshape(x, {1, 2}), Tensor::of(std::vector<std::int32_t>{1}, {1}))) ==
        text(file, __LINE__ - 1));
  CHECK(made_at(Var(x.value())) == text(file, __LINE__));
  sum_of_both.backward({.cotangent = Var(Tensor::ones({2}, DType::f64))});
  CHECK(made_at(sum_of_both) == text(file, line + 1));
}

}  // namespace
}  // namespace heed::tests
