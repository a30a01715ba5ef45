#include "optim/optimizer.h"

#include <cmath>
#include <limits>
#include <memory>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

/// Two parameters that take gradients from a generator: one of many pieces, one of a few elements.
struct Pair {
  explicit Pair(DType dtype = DType::f32, std::int64_t rows = 5) {
    Rng rng(3);
    w = Var::parameter(Tensor::normal({rows, 7}, 0, 1, rng, dtype), "w");
    b = Var::parameter(Tensor::normal({7}, 0, 1, rng, dtype), "b");
  }
  std::vector<Var> parameters() const { return {w, b}; }
  void draw_gradients(Rng& rng) {
    w.set_grad(Var(Tensor::normal(w.shape(), 0, 1, rng, w.dtype())));
    b.set_grad(Var(Tensor::normal(b.shape(), 0, 1, rng, b.dtype())));
  }
  Var w, b;
};

Var vector_parameter(std::initializer_list<double> values, std::string name = {}) {
  return Var::parameter(Tensor::of(values, Shape{static_cast<std::int64_t>(values.size())}, DType::f64),
                        std::move(name));
}
Var vector_of(std::initializer_list<double> values) {
  return Var(Tensor::of(values, Shape{static_cast<std::int64_t>(values.size())}, DType::f64));
}

// ---- clipping

TEST_CASE("Optimizer: step returns the global norm before clipping and leaves gradients as they are") {
  Var p = vector_parameter({0, 0}), q = vector_parameter({0});
  SGD optimizer({p, q}, {.learning_rate = 1});
  p.set_grad(vector_of({3, 0}));
  q.set_grad(vector_of({-4}));
  CHECK(optimizer.step({.clip_norm = 2.5}) == 5);
  CHECK(p.grad().value().to_vector() == std::vector<double>{3, 0});
  CHECK(q.grad().value().to_vector() == std::vector<double>{-4});
  CHECK(p.value().to_vector() == std::vector<double>{-1.5, 0});
  CHECK(q.value().to_vector() == std::vector<double>{2});
}

TEST_CASE("Optimizer: clipping is scaling all gradients by hand") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Pair clipped(dtype), by_hand(dtype);
    Adam one(clipped.parameters()), other(by_hand.parameters());
    Rng rng(1), same_rng(1);
    for (int t = 0; t < 3; ++t) {
      clipped.draw_gradients(rng);
      by_hand.draw_gradients(same_rng);
      const Tensor before = clipped.w.grad().value().clone();
      const double norm = one.step({.clip_norm = 0.5});
      CHECK(norm > 0.5);
      CHECK(identical(clipped.w.grad().value(), before));
      for (Var* p : {&by_hand.w, &by_hand.b}) p->set_grad(Var(p->grad().value() * (0.5 / norm)));
      CHECK(other.step() == Approx(0.5).epsilon(1e-6));
    }
    const double tolerance = dtype == DType::f32 ? 1e-6 : 1e-14;
    CHECK(largest_difference(clipped.w.value(), by_hand.w.value()) < tolerance);
    CHECK(largest_difference(clipped.b.value(), by_hand.b.value()) < tolerance);
  }
}

TEST_CASE("Optimizer: a norm below clip_norm changes no bit of the step") {
  Pair clipped, free;
  Adam one(clipped.parameters()), other(free.parameters());
  Rng rng(1), same_rng(1);
  clipped.draw_gradients(rng);
  free.draw_gradients(same_rng);
  CHECK(one.step({.clip_norm = 1e3}) == other.step());
  CHECK(identical(clipped.w.value(), free.w.value()));
}

TEST_CASE("Optimizer: gradient_scale applies before the norm and the clipping") {
  Var p = vector_parameter({0, 0});
  SGD optimizer({p}, {.learning_rate = 1});
  p.set_grad(vector_of({6, 8}));
  CHECK(optimizer.step({.clip_norm = 2.5, .gradient_scale = 0.5}) == 5);
  CHECK(p.value().to_vector() == std::vector<double>{-1.5, -2});
}

TEST_CASE("Optimizer: a norm that is not finite leaves parameters and state as they were") {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Var p = vector_parameter({1, 2}, "p"), q = vector_parameter({3}, "q");
    Adam optimizer({p, q});
    p.set_grad(vector_of({1, bad}));
    q.set_grad(vector_of({1}));
    CHECK_FALSE(std::isfinite(optimizer.step({.clip_norm = 1})));
    CHECK(p.value().to_vector() == std::vector<double>{1, 2});
    CHECK(q.value().to_vector() == std::vector<double>{3});
    CHECK(optimizer.steps() == 1);
    const NamedTensors state = optimizer.state();
    CHECK(state[1].second.item() == 0);                               // adam.steps.p
    CHECK(state[2].second.to_vector() == std::vector<double>{0, 0});  // adam.m.p
  }
}

// ---- gradients and threads

TEST_CASE("Optimizer: a gradient that is a view gives the step of its copy") {
  Rng rng(2);
  const Tensor gradient = Tensor::normal({4, 3}, 0, 1, rng, DType::f64).transpose();
  const Tensor start = Tensor::normal({3, 4}, 0, 1, rng, DType::f64);
  Var p = Var::parameter(start.clone()), q = Var::parameter(start.clone());
  Adam one({p}), other({q});
  REQUIRE_FALSE(gradient.contiguous());
  p.set_grad(Var(gradient));
  q.set_grad(Var(gradient.clone()));
  CHECK(one.step() == other.step());
  CHECK(identical(p.value(), q.value()));
  CHECK_FALSE(identical(p.value(), start));
}

TEST_CASE("Optimizer: norm and step have the same bits at any number of threads") {
  const int before = threads();
  const auto run = [](int n, auto make) {
    set_threads(n);
    Pair pair(DType::f32, 60'000);
    auto optimizer = make(pair.parameters());
    Rng rng(5);
    pair.draw_gradients(rng);
    double norms = 0;  // of many steps: workers that have just started would miss the first ones
    for (int t = 0; t < 50; ++t) norms += optimizer.step({.clip_norm = 3});
    return std::tuple(norms / 50, pair.w.value(), pair.b.value());
  };
  const auto check = [&](auto make) {
    const auto [norm, w, b] = run(1, make);
    CHECK(norm == Approx(std::sqrt(420'007.0)).epsilon(0.01));
    for (const int n : {2, 3}) {
      const auto [other_norm, other_w, other_b] = run(n, make);
      CHECK(other_norm == norm);
      CHECK(identical(other_w, w));
      CHECK(identical(other_b, b));
    }
  };
  check([](std::vector<Var> p) { return AdamW(std::move(p)); });
  check([](std::vector<Var> p) { return SGD(std::move(p), {.momentum = 0.9}); });
  set_threads(before);
}

TEST_CASE("Optimizer: one step updates f32, f64 and empty parameters together") {
  Var a = Var::parameter(Tensor::ones({2}, DType::f32));
  Var empty = Var::parameter(Tensor::ones({0, 3}, DType::f32));
  Var b = Var::parameter(Tensor::ones({1}, DType::f64));
  SGD optimizer({a, empty, b}, {.learning_rate = 0.5});
  a.set_grad(Var(Tensor::of({2.0, 4.0}, {2}, DType::f32)));
  empty.set_grad(Var(Tensor::ones({0, 3}, DType::f32)));
  b.set_grad(Var(Tensor::of({4.0}, {1}, DType::f64)));
  CHECK(optimizer.step() == 6);
  CHECK(a.value().to_vector() == std::vector<double>{0, -1});
  CHECK(b.value().to_vector() == std::vector<double>{-1});
}

TEST_CASE("Optimizer: a graph that saved a parameter before the step refuses to run backwards after it") {
  Var p = vector_parameter({1, 2});
  SGD optimizer({p});
  Var loss = sum(square(p));
  p.set_grad(vector_of({1, 1}));
  optimizer.step();
  CHECK_THAT(thrown<GraphError>([&] { loss.backward(); }), ContainsSubstring("was changed in place after"));
}

TEST_CASE("Optimizer: zero_grad drops the gradients") {
  Pair pair;
  SGD optimizer(pair.parameters());
  Rng rng(1);
  pair.draw_gradients(rng);
  optimizer.zero_grad();
  CHECK_FALSE(pair.w.grad().defined());
  CHECK_FALSE(pair.b.grad().defined());
}

// ---- state

TEST_CASE("Optimizer: a step after loading the state has the bits of the step without saving") {
  const auto check = [](DType dtype, auto make) {
    Pair whole(dtype);
    auto optimizer = make(whole.parameters());
    Rng rng(9);
    for (int t = 0; t < 3; ++t) {
      whole.draw_gradients(rng);
      optimizer->step({.clip_norm = 1});
    }
    NamedTensors saved = optimizer->state();
    std::swap(saved.front(), saved.back());  // any order will do
    Pair resumed(dtype);
    resumed.w.mutable_value().copy_from(whole.w.value());
    resumed.b.mutable_value().copy_from(whole.b.value());
    auto other = make(resumed.parameters());
    Rng same_rng = rng;

    for (int t = 0; t < 2; ++t) {
      whole.draw_gradients(rng);
      optimizer->step();
    }
    other->load_state(saved);  // after the other went on: a state is a copy
    CHECK(other->steps() == 3);
    for (int t = 0; t < 2; ++t) {
      resumed.draw_gradients(same_rng);
      other->step();
    }
    CHECK(identical(whole.w.value(), resumed.w.value()));
    CHECK(identical(whole.b.value(), resumed.b.value()));
  };
  for (const DType dtype : {DType::f32, DType::f64}) {
    check(dtype, [](std::vector<Var> p) { return std::make_unique<Adam>(std::move(p)); });
    check(dtype, [](std::vector<Var> p) {
      return std::make_unique<SGD>(std::move(p), SGDOptions{.momentum = 0.9, .nesterov = true});
    });
  }
}

TEST_CASE("Optimizer: entries of a state are named after optimiser, quantity and parameter") {
  Var named = vector_parameter({1, 2}, "out.weight");
  Var unnamed = vector_parameter({1});
  Var same_name = vector_parameter({1}, "out.weight");
  const auto names = [](const Optimizer& optimizer) {
    std::vector<std::string> all;
    for (const auto& [name, value] : optimizer.state()) all.push_back(name);
    return all;
  };
  CHECK(names(Adam({named, unnamed})) == std::vector<std::string>{"adam.steps", "adam.steps.out.weight",
                                                                  "adam.m.out.weight", "adam.v.out.weight",
                                                                  "adam.steps.1", "adam.m.1", "adam.v.1"});
  CHECK(names(SGD({named, same_name}, {.momentum = 0.9})) ==
        std::vector<std::string>{"sgd.steps", "sgd.steps.out.weight", "sgd.momentum.out.weight",
                                 "sgd.steps.out.weight#2", "sgd.momentum.out.weight#2"});
  CHECK(names(AdamW({unnamed})).back() == "adamw.v.0");
}

TEST_CASE("Optimizer: load_state reports every entry that does not fit and changes nothing") {
  Var p = vector_parameter({1, 2}, "p");
  Adam optimizer({p});
  p.set_grad(vector_of({1, 1}));
  optimizer.step();
  NamedTensors state = optimizer.state();
  const NamedTensors before = optimizer.state();
  state[0].second = Tensor::scalar(7, DType::f64);
  state[2].first = "adam.m.q";
  state[3].second = Tensor::ones({3});
  CHECK(thrown<ConfigError>([&] { optimizer.load_state(state); }) ==
        "ConfigError: Adam.load_state: the state does not fit: 1 missing, 1 unexpected, 1 different\n"
        "  requires the entries that state() has, each of its shape and type\n"
        "  missing: adam.m.p\n"
        "  unexpected: adam.m.q\n"
        "  different: adam.v.p is f32 [3], not f64 [2]");
  CHECK(optimizer.steps() == 1);
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(identical(optimizer.state()[i].second, before[i].second));

  CHECK(thrown<ConfigError>([&] { optimizer.load_state({}); }) ==
        "ConfigError: Adam.load_state: the state does not fit: 4 missing, 0 unexpected, 0 different\n"
        "  requires the entries that state() has, each of its shape and type\n"
        "  missing: adam.steps, adam.steps.p, adam.m.p, adam.v.p");
  state = before;
  state.push_back(state[3]);
  state[1].second = Tensor::scalar(0.5, DType::f64);
  state[2].second = Tensor();
  CHECK(thrown<ConfigError>([&] { optimizer.load_state(state); }) ==
        "ConfigError: Adam.load_state: the state does not fit: 0 missing, 1 unexpected, 2 different\n"
        "  requires the entries that state() has, each of its shape and type\n"
        "  unexpected: adam.v.p for a second time\n"
        "  different: adam.steps.p is 0.5, not a count, adam.m.p is undefined");
}

TEST_CASE("Optimizer: a long report of load_state ends with a count") {
  const std::vector<Var> parameters = {vector_parameter({1}), vector_parameter({1})};
  Adam optimizer(parameters);
  CHECK_THAT(thrown<ConfigError>([&] { optimizer.load_state({}); }),
             ContainsSubstring("missing: adam.steps, adam.steps.0, adam.m.0, adam.v.0 and 3 more"));
}

// ---- misuse

TEST_CASE("Optimizer: parameters that cannot be trained are refused by name") {
  Var w = vector_parameter({1, 2}, "w"), unnamed = vector_parameter({1});
  const auto message = [](std::vector<Var> parameters) {
    return thrown<ConfigError>([&] { Adam optimizer(std::move(parameters)); });
  };
  CHECK(message({}) == "ConfigError: Adam: there are no parameters");
  CHECK(message({w, Var()}) == "ConfigError: Adam: parameter 1 is an undefined Var");
  CHECK(message({w, w * w}) ==
        "ConfigError: Adam: parameter 1 is the output of multiply\n"
        "  requires leaves: what Var::parameter has made");
  CHECK(message({Var(Tensor::ones({2})).named("x")}) ==
        "ConfigError: Adam: no gradient flows to parameter 0 (\"x\")\n  hint: make it with Var::parameter");
  CHECK(message({w, unnamed, w}) ==
        "ConfigError: Adam: parameter 2 (\"w\") is the same variable as parameter 0\n"
        "  requires each parameter once");
  CHECK(message({Var::parameter(Tensor::ones({2, 3}).transpose(), "t")}) ==
        "ConfigError: Adam: parameter 0 (\"t\") [3, 2] is not contiguous\n"
        "  hint: make it from a clone() of the value");
  CHECK_THROWS_AS(SGD({Var::parameter(Tensor::arange(3, DType::i32))}), DTypeError);
}

TEST_CASE("Optimizer: steps that make no sense are refused") {
  Var p = vector_parameter({1, 2}, "p");
  SGD optimizer({p});
  CHECK(thrown<GraphError>([&] { optimizer.step(); }) ==
        "GraphError: SGD.step: no parameter has a gradient\n"
        "  hint: call backward() before step(), and zero_grad() after it");
  p.set_grad(vector_of({1, 1}));
  CHECK(thrown<ConfigError>([&] { optimizer.step({.clip_norm = -1}); }) ==
        "ConfigError: SGD: clip_norm is -1\n  requires clip_norm >= 0; 0 does not clip");
  CHECK(thrown<ConfigError>([&] { optimizer.step({.gradient_scale = 0}); }) ==
        "ConfigError: SGD: gradient_scale is 0\n  requires 0 < gradient_scale < infinity");
  CHECK(thrown<ConfigError>([&] { optimizer.set_learning_rate(std::nan("")); }) ==
        "ConfigError: SGD: the learning rate is nan\n  requires 0 <= learning_rate < infinity");
  CHECK(optimizer.learning_rate() == 0.01);
  p.set_value(Tensor::ones({3}));
  p.set_grad(Var(Tensor::ones({3})));
  CHECK(thrown<ShapeError>([&] { optimizer.step(); }) ==
        "ShapeError: SGD.step: parameter 0 (\"p\") is f32 [3], and was f64 [2] when the optimiser was made\n"
        "  requires the same shape and type, and contiguous elements");
  CHECK(optimizer.steps() == 0);
}

}  // namespace
}  // namespace heed::tests
