#include "autograd/inspect/debugger.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograd/backward.h"
#include "autograd/checkpoint.h"
#include "autograd/inspect/debugger_text.h"
#include "autograd/ops.h"
#include "autograd/record.h"
#include "layers/module.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using Names = std::vector<std::string>;

// "tanh" forward, "tanh'" backward.
std::string name_of(const DebugStep& step) { return step.is_forward() ? step.name : step.name + "'"; }

// Where a run stops with one breakpoint.
template <class Run>
Names stops_of(const Breakpoint& breakpoint, Run run) {
  Names stops;
  Debugger debugger(
      [&](const DebugStep& step, Debugger&) {
        stops.push_back(name_of(step));
        CHECK(step.breakpoints == std::vector<int>{1});
        return Go::run_on;
      },
      {.at_once = false});
  CHECK(debugger.add(breakpoint) == 1);
  run();
  return stops;
}

template <class Run>
Names stops_of(std::string_view breakpoint, Run run) {
  return stops_of(parse_breakpoint(breakpoint), run);
}

// Two modules, one in the other.
class Inner : public Module {
 public:
  Inner() : Module("Inner"), w_(register_parameter("w", Tensor::ones({2}, DType::f64))) {}
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return tanh(x * w_);
  }

 private:
  Var w_;
};

class Outer : public Module {
 public:
  Outer() : Module("Outer") {
    register_module("first", first_);
    register_module("second", second_);
  }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return second_(exp(first_(first_(x))));
  }

 private:
  Inner first_, second_;
};

void run_model(const Outer& model) { sum(model(constant({0.5, -0.25}))).backward(); }

// Answers in turn, then Go::run_on; returns where it was asked.
template <class Run>
Names asked_at(std::vector<Go> answers, Run run) {
  Names stops;
  Debugger debugger([&](const DebugStep& step, Debugger&) {
    stops.push_back(name_of(step) + (step.module.empty() ? "" : " in " + step.module));
    return stops.size() <= answers.size() ? answers[stops.size() - 1] : Go::run_on;
  });
  run();
  return stops;
}

TEST_CASE("debugger: operations, the nodes that gradients reach, and leaves are steps, one after the other") {
  const Var w = leaf({1, 2}, "w");
  const Var x = constant({3, 4});
  std::vector<DebugStep> steps;
  Debugger debugger([&](const DebugStep& step, Debugger&) {
    steps.push_back(step);
    return Go::step;
  });
  const Var product = w * x;
  const int line = __LINE__ - 1;
  sum(product).backward();

  REQUIRE(steps.size() == 5);
  Names names;
  for (const DebugStep& step : steps) {
    names.push_back(name_of(step));
    CHECK(step.number == names.size());
    CHECK(step.stops);
    CHECK(step.breakpoints.empty());
  }
  CHECK(names == Names{"multiply", "sum", "sum'", "multiply'", "w'"});
  CHECK(steps[0].operation == 1);
  CHECK(text(steps[0].at) == text("tests/autograd/inspect/debugger_test.cpp:", line));
  CHECK(steps[0].values.at(0).to_vector() == Numbers{3, 8});
  CHECK(steps[0].gradients.empty());
  CHECK(steps[3].kind == DebugKind::backward);
  CHECK(steps[3].operation == 1);
  CHECK(steps[3].values.at(0).to_vector() == Numbers{3, 8});
  CHECK(steps[3].gradients.at(0).to_vector() == Numbers{1, 1});
  CHECK(steps[3].sent.at(0).to_vector() == Numbers{3, 4});
  CHECK_FALSE(steps[3].sent.at(1).defined());
  CHECK(steps[4].kind == DebugKind::leaf);
  CHECK(steps[4].operation == 0);
  CHECK(steps[4].values.at(0).to_vector() == Numbers{1, 2});
  CHECK(steps[4].gradients.at(0).to_vector() == Numbers{3, 4});
  CHECK(debugger.recent().size() == 5);
  CHECK(debugger.recent().back().values.empty());
}

TEST_CASE("debugger: an operation with several outputs is one step, with all that arrived") {
  const LstmWeights weights{Var::parameter(Tensor::ones({2, 8}, DType::f64)),
                            Var::parameter(Tensor::ones({2, 8}, DType::f64)),
                            Var::parameter(Tensor::ones({8}, DType::f64))};
  const Var x = Var::parameter(Tensor::ones({1, 3, 2}, DType::f64));
  std::vector<DebugStep> steps;
  Debugger debugger([&](const DebugStep& step, Debugger&) {
    if (step.name == "lstm") steps.push_back(step);
    return Go::step;
  });
  const LstmOutput out = lstm(x, {}, weights);
  sum(out.state.h).backward();
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].values.size() == 3);
  REQUIRE(steps[1].gradients.size() == 3);
  CHECK_FALSE(steps[1].gradients[0].defined());
  CHECK(steps[1].gradients[1].defined());
  REQUIRE(steps[1].sent.size() == 6);
  CHECK(steps[1].sent[0].shape() == Shape{1, 3, 2});
  CHECK_FALSE(steps[1].sent[1].defined());
}

TEST_CASE("debugger: breakpoints of each kind hold where they say") {
  const Var w = leaf({1, 2, 3}, "layer.w");
  const Var x = constant({1, -1, 0.5});
  int line = 0;
  const auto run = [&] {
    Var hidden = tanh(w * x);
    hidden.named("hidden");
    line = __LINE__ + 1;
    const Var scaled = hidden * 10;
    sum(scaled * reshape(x, {1, 3})).backward();
  };
  CHECK(stops_of("tanh", run) == Names{"tanh", "tanh'"});
  CHECK(stops_of("tan*", run) == Names{"tanh", "tanh'"});
  CHECK(stops_of("hidden", run) == Names{"tanh'"});  // it had no name when it was computed
  CHECK(stops_of("layer.w", run) == Names{"layer.w'"});
  CHECK(stops_of("[1, 3]", run) == Names{"reshape", "multiply", "multiply'"});
  CHECK(stops_of("[..., 3] and backward", run) ==
        Names{"multiply'", "multiply'", "tanh'", "multiply'", "layer.w'"});
  CHECK(stops_of("extent 1", run) == Names{"reshape", "multiply", "multiply'"});
  CHECK(stops_of(text("debugger_test.cpp:", line), run) == Names{"multiply", "multiply'"});
  CHECK(stops_of(text("inspect/debugger_test.cpp:", line, " and forward"), run) == Names{"multiply"});
  CHECK(stops_of(text("bugger_test.cpp:", line), run).empty());
  CHECK(stops_of("norm > 10", run) == Names{"tanh'"});
  CHECK(stops_of("nan", run).empty());
  CHECK(stops_of("every", run).size() == 12);
  CHECK(stops_of("multiply and [3] and forward", run) == Names{"multiply", "multiply"});
}

TEST_CASE("debugger: a module's breakpoint holds where it begins and where a gradient comes into it") {
  const Outer model;
  const auto run = [&] { run_model(model); };
  CHECK(stops_of("module first", run) == Names{"multiply", "multiply", "tanh'"});
  CHECK(stops_of("first", run) == Names{"multiply", "multiply", "tanh'"});
  CHECK(stops_of("module *", run) == Names{"multiply", "multiply", "multiply", "tanh'", "tanh'"});
  CHECK(stops_of("module second and forward", run) == Names{"multiply"});
  CHECK(stops_of("module fir", run).empty());
}

TEST_CASE("debugger: a NaN's breakpoint holds where it arises, not where it goes on") {
  const auto run = [](double at) {
    const Var x = leaf({1, at}, "x");
    sum(exp(log(x)) * 2).backward();
  };
  // Backwards it arises again, where a rule uses what is NaN.
  CHECK(stops_of("nan", [&] { run(-1); }) == Names{"log", "exp'"});
  CHECK(stops_of("nan and forward", [&] { run(-1); }) == Names{"log"});
  CHECK(stops_of("nan", [&] { run(1); }).empty());
  // log(0) is −∞, exp of it 0, and its gradient 0 / 0.
  CHECK(stops_of("nan", [&] { run(0); }) == Names{"log'"});
  CHECK(stops_of("inf", [&] { run(0); }) == Names{"log"});
  CHECK(stops_of("nan and forward", [&] { run(NAN); }) == Names{"log"});
  // What the backward starts from is met first at the node that it starts at.
  CHECK(stops_of("nan", [] {
          const Var x = leaf({1, 2});
          (x * 2).backward({.cotangent = constant({NAN, 1})});
        }) == Names{"multiply'"});
  CHECK(stops_of("inf and backward", [] { sum(sqrt(leaf({0, 1}))).backward(); }) == Names{"sqrt'"});
}

TEST_CASE("debugger: next goes over the parts of a module, finish to where it is over") {
  const Outer model;
  const auto run = [&] { run_model(model); };
  CHECK(asked_at({}, run) == Names{"multiply in first"});
  CHECK(asked_at({Go::step, Go::step}, run) ==
        Names{"multiply in first", "tanh in first", "multiply in first"});
  // The second call of the same module is another one.
  CHECK(asked_at({Go::finish, Go::finish, Go::finish}, run) ==
        Names{"multiply in first", "multiply in first", "exp", "sum'"});
  CHECK(
      asked_at({Go::step, Go::step, Go::step, Go::step, Go::next, Go::next}, run) ==
      Names{"multiply in first", "tanh in first", "multiply in first", "tanh in first", "exp", "sum", "sum'"});
  CHECK(asked_at({Go::run_on}, run).size() == 1);
  CHECK(asked_at({Go::leave}, run).size() == 1);
}

TEST_CASE("debugger: quit throws from what is running, and the model is as good as before") {
  const Outer model;
  run_model(model);
  std::vector<Numbers> expected;
  for (const Var& parameter : model.parameters()) expected.push_back(numbers(parameter.grad()));

  for (const std::size_t at : {1u, 4u, 9u, 12u, 14u}) {
    for (const Var& parameter : model.parameters()) Var(parameter).zero_grad();
    const Var out = sum(model(constant({0.5, -0.25})));
    {
      Debugger debugger(
          [&](const DebugStep& step, Debugger&) { return step.number == at ? Go::quit : Go::step; });
      CHECK(first_line<DebuggerQuit>([&] {
              run_model(model);
            }).starts_with("DebuggerQuit: the debugger was quit at step"));
      CHECK(debugger.recent().back().number == at);
      exp(out);  // no more stops
      CHECK(debugger.recent().back().number == at);
    }
    for (const Var& parameter : model.parameters()) Var(parameter).zero_grad();
    out.backward();
    std::vector<Numbers> got;
    for (const Var& parameter : model.parameters()) got.push_back(numbers(parameter.grad()));
    CHECK(got == expected);
  }
}

TEST_CASE("debugger: a graph that is retained goes through another backward after a quit in the middle") {
  const Var w = leaf({1, 2}, "w");
  const Var loss = sum(tanh(w * w));
  {
    Debugger debugger(
        [](const DebugStep& step, Debugger&) { return step.name == "tanh" ? Go::quit : Go::step; });
    CHECK_THROWS_AS(loss.backward({.retain_graph = true}), DebuggerQuit);
  }
  CHECK_FALSE(w.grad().defined());
  loss.backward();
  CHECK(w.grad().value().to_vector()[1] == Approx(4 / std::pow(std::cosh(4.0), 2)));
}

TEST_CASE(
    "debugger: what the function throws reaches the caller, of a backward's last step the next operation") {
  const Var w = leaf({1, 2}, "w");
  struct Mine {};
  const auto throws_at = [&](const char* name, DebugKind kind) {
    return [=](const DebugStep& step, Debugger&) {
      if (step.name == name && step.kind == kind) throw Mine();
      return Go::step;
    };
  };
  {
    Debugger debugger(throws_at("tanh", DebugKind::forward));
    CHECK_THROWS_AS(tanh(w), Mine);
    CHECK_NOTHROW(exp(w));
  }
  {
    Debugger debugger(throws_at("tanh", DebugKind::backward));
    CHECK_THROWS_AS(sum(tanh(w)).backward(), Mine);
  }
  Debugger debugger(throws_at("w", DebugKind::leaf));
  CHECK_NOTHROW(sum(tanh(w)).backward());
  CHECK_THROWS_AS(exp(w), Mine);
  CHECK_NOTHROW(exp(w));
}

TEST_CASE("debugger: a rule that fails is no step, and its error goes on") {
  const Var w = leaf({1, 2}, "w");
  const Var fails =
      record("fails", w.value(), wrt(w, [](const Var&) -> Var { throw IndexError({.what = "mine"}); }));
  Names steps;
  Debugger debugger([&](const DebugStep& step, Debugger&) {
    steps.push_back(name_of(step));
    return Go::step;
  });
  CHECK_THROWS_AS(sum(fails).backward(), IndexError);
  CHECK(steps == Names{"sum", "sum'"});
  sum(w * 1).backward();
  CHECK(steps.back() == "w'");
}

TEST_CASE(
    "debugger: operations of gradient rules are no steps; what a checkpoint computes again goes backward") {
  const Var w = leaf({1, 2}, "w");
  Names steps;
  Debugger debugger([&](const DebugStep& step, Debugger& its) {
    steps.push_back(name_of(step));
    CHECK_FALSE(written_step(step, its).empty());
    CHECK_FALSE(written_where(step, its).empty());
    return Go::step;
  });
  const Var loss = sum(tanh(w));
  const Var first = grad(std::span(&loss, 1), std::span(&w, 1), {.create_graph = true}).front();
  CHECK(steps == Names{"tanh", "sum", "sum'", "tanh'", "w'"});
  steps.clear();
  sum(first).backward();
  CHECK(steps.front() == "sum");
  CHECK(steps.back() == "w'");
  steps.clear();
  sum(checkpoint([](const Var& x) { return tanh(exp(x)); }, w)).backward();
  CHECK(std::count(steps.begin(), steps.end(), "tanh'") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "exp'") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "w'") == 1);
}

TEST_CASE("debugger: a long training keeps the operations of the latest passes only, numbered on") {
  const Var w = leaf({1, 2}, "w");
  std::size_t latest = 0;
  Debugger debugger(
      [&](const DebugStep& step, Debugger& its) {
        if (step.is_forward()) {
          CHECK(step.operation == latest + 1);
          latest = step.operation;
          CHECK(its.operation(latest)->name == step.name);
        }
        return Go::step;
      },
      {.keep_bytes = 10'000});
  for (int round = 0; round < 10; ++round) sum(tanh(w * 2)).backward();
  CHECK(latest == 30);
  CHECK(debugger.trace().operations().size() < 12);
  CHECK(debugger.first_operation() > 12);
  CHECK(debugger.operation(5) == nullptr);
  CHECK(debugger.last_operation() == 30);
}

TEST_CASE("debugger: being watched, and looked at, changes no bit") {
  const auto train = [](bool watched) {
    Outer model;
    std::vector<Numbers> all;
    std::optional<Debugger> debugger;
    if (watched) {
      debugger.emplace([](const DebugStep& step, Debugger& its) {
        written_step(step, its);
        const Var looked = exp(Var(step.values.front()));  // not watched itself
        CHECK(looked.defined());
        return Go::step;
      });
      debugger->add({.nan = true});
      debugger->add({.gradient_norm = 1e-3});
    }
    for (int round = 0; round < 3; ++round) {
      const Var x = constant({0.5, -0.25});
      const Var loss = sum(square(model(x) + model(x * 2)));
      loss.backward();
      for (Var parameter : model.parameters()) {
        all.push_back(numbers(parameter.grad()));
        parameter.set_value(parameter.value() - parameter.grad().value() * 0.1);
      }
    }
    return all;
  };
  CHECK(train(false) == train(true));
}

}  // namespace
}  // namespace heed::tests
