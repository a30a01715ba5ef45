// Losses: against PyTorch, and what they promise at their edges.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograd/observer.h"
#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/fixture.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Values = std::vector<double>;
using Leaves = std::vector<Var>;

Tensor values(std::initializer_list<double> numbers, const Shape& shape) {
  return Tensor::of(numbers, shape, DType::f64);
}

Tensor ids(std::initializer_list<std::int32_t> numbers, const Shape& shape) {
  return Tensor::of(std::span(numbers.begin(), numbers.size()), shape);
}

bool all_finite(const Tensor& x) { return identical(isfinite(x), Tensor::ones(x.shape(), DType::boolean)); }

struct Case {
  const char* name;
  std::vector<const char*> leaves;
  std::function<Var(const Leaves&, Reduction)> loss;
};

void check(const Fixture& given, const Case& c) {
  INFO(c.name);
  Leaves leaves;
  for (const char* leaf : c.leaves) leaves.push_back(Var::parameter(given[leaf]));
  const Tensor each = c.loss(leaves, Reduction::none).value();
  CHECK(largest_difference(each, given[c.name]) <= 1e-14);
  CHECK(std::abs(c.loss(leaves, Reduction::sum).item() - sum(each).item()) <= 1e-12);
  const Var mean_loss = c.loss(leaves, Reduction::mean);
  CHECK(largest_difference(mean_loss.value(), given[text("mean.", c.name)]) <= 1e-14);
  mean_loss.backward();
  for (std::size_t i = 0; i < leaves.size(); ++i)
    CHECK(largest_difference(leaves[i].grad().value(), given[text("d.", c.name, ".", c.leaves[i])]) <= 1e-14);
}

TEST_CASE("losses of classes: values, means and gradients are PyTorch's") {
  const Fixture given("losses");
  const Tensor ids = given.ids("ids"), every = given.ids("every"), weights = given["weights"];
  const auto with = [&](double smoothing, const Tensor& w) {
    return [=](const Leaves& in, Reduction r) {
      return cross_entropy(in[0], ids, {.reduction = r, .label_smoothing = smoothing, .class_weights = w});
    };
  };
  check(given, {"cross_entropy_plain", {"scores"}, with(0, {})});
  check(given, {"cross_entropy_smoothed", {"scores"}, with(0.1, {})});
  check(given, {"cross_entropy_weighted", {"scores"}, with(0, weights)});
  check(given, {"cross_entropy_smoothed_weighted", {"scores"}, with(0.3, weights)});
  check(given, {"nll", {"scores"}, [&](const Leaves& in, Reduction r) {
                  return nll(in[0], ids, {.reduction = r, .class_weights = weights});
                }});
  for (const bool squared : {false, true})
    check(given, {squared ? "multi_class_margin_2" : "multi_class_margin_1",
                  {"scores"},
                  [&](const Leaves& in, Reduction r) {
                    return multi_class_margin(in[0], every,
                                              {.margin = 0.8, .squared = squared, .reduction = r});
                  }});
  check(given, {"binary", {"a"}, [&](const Leaves& in, Reduction r) {
                  return binary_cross_entropy(in[0], given["targets"], {.reduction = r});
                }});
  check(given, {"binary_weighted", {"a"}, [&](const Leaves& in, Reduction r) {
                  return binary_cross_entropy(in[0], given["targets"],
                                              {.positive_weight = given["heavier"], .reduction = r});
                }});
  check(given, {"kl_divergence", {"a"}, [&](const Leaves& in, Reduction r) {
                  return kl_divergence(log_softmax(in[0]), given["p"], r);
                }});
}

TEST_CASE("losses of numbers, margins and ranks: values, means and gradients are PyTorch's") {
  const Fixture given("losses");
  const Tensor labels = given["labels"], signs = given["targets"] * 2 - 1;
  check(given, {"mse", {"a", "b"}, [](const Leaves& in, Reduction r) { return mse(in[0], in[1], r); }});
  check(given, {"l1", {"a", "b"}, [](const Leaves& in, Reduction r) { return l1(in[0], in[1], r); }});
  check(given, {"huber", {"a", "b"}, [](const Leaves& in, Reduction r) {
                  return huber(in[0], in[1], {.delta = 0.7, .reduction = r});
                }});
  check(given, {"smooth_l1", {"a", "b"}, [](const Leaves& in, Reduction r) {
                  return smooth_l1(in[0], in[1], {.delta = 0.7, .reduction = r});
                }});
  check(given,
        {"hinge", {"a"}, [&](const Leaves& in, Reduction r) { return hinge(in[0], signs, {.reduction = r}); }});
  check(given, {"cosine_embedding", {"a", "b"}, [&](const Leaves& in, Reduction r) {
                  return cosine_embedding(in[0], in[1], labels, {.margin = 0.1, .reduction = r});
                }});
  check(given, {"triplet", {"a", "b", "c"}, [](const Leaves& in, Reduction r) {
                  return triplet(in[0], in[1], in[2], {.margin = 0.6, .reduction = r});
                }});
  const Var a = Var::parameter(given["a"].select(1, 0).clone()), b(given["b"].select(1, 0));
  const Var loss = margin_ranking(a, b, labels.to(DType::i32), {.margin = 0.3});
  loss.backward();
  CHECK(largest_difference(loss.value(), given["mean.margin_ranking"]) <= 1e-14);
  CHECK(largest_difference(a.grad().value(), given["d.margin_ranking.a"]) <= 1e-14);
}

TEST_CASE("cross_entropy: smoothing and weights agree with the plain loss where they change nothing") {
  Rng rng(3);
  const Var scores(Tensor::normal({6, 5}, 0, 2, rng, DType::f64));
  const Tensor targets = ids({0, 4, -1, 2, 2, 1}, {6});
  const double plain = cross_entropy(scores, targets).item();
  CHECK(cross_entropy(scores, targets, {.class_weights = Tensor::full({5}, 3, DType::f64)}).item() ==
        Approx(plain).epsilon(1e-14));
  CHECK(cross_entropy(scores, targets, {.label_smoothing = 1e-15}).item() == Approx(plain).epsilon(1e-13));
  CHECK(nll(log_softmax(scores), targets).item() == Approx(plain).epsilon(1e-14));
  // All of the target spread: the id does not matter.
  const Tensor others = ids({3, 0, -1, 1, 0, 4}, {6});
  CHECK(cross_entropy(scores, targets, {.label_smoothing = 1}).item() ==
        Approx(cross_entropy(scores, others, {.label_smoothing = 1}).item()).epsilon(1e-14));
}

TEST_CASE("cross_entropy and nll: when all are ignored, loss and gradient are 0") {
  const Tensor none = ids({-1, -1}, {2}), weights = values({1, 2, 3}, {3});
  for (const double smoothing : {0.0, 0.1})
    for (const Tensor& w : {Tensor(), weights})
      for (const auto f :
           {+[](const Var&x, const Tensor&i, const CrossEntropyOptions&o) { return cross_entropy(x, i, o); },
            +[](const Var&x, const Tensor&i, const CrossEntropyOptions&o) { return nll(x, i, o); }}) {
        const Var x = Var::parameter(Tensor::ones({2, 3}, DType::f64));
        const Var loss = f(x, none, {.label_smoothing = smoothing, .class_weights = w});
        CHECK(loss.item() == 0);
        loss.backward();
        CHECK(x.grad().value().to_vector() == Values(6, 0));
      }
  const Var x = Var::parameter(Tensor::ones({2, 3}, DType::f64));
  multi_class_margin(x, none).backward();
  CHECK(x.grad().value().to_vector() == Values(6, 0));
}

TEST_CASE("cross_entropy, nll, multi_class_margin: ignored positions may hold anything") {
  const Tensor targets = ids({1, -1, -1, -1}, {4});
  const Tensor scores =
      values({1, 2, 3, NAN, 1, 2, kInfinity, 0, 0, -kInfinity, -kInfinity, -kInfinity}, {4, 3});
  const auto alone = [&](const auto& f) {
    const Var x = Var::parameter(scores), y = Var::parameter(scores.slice(0, 0, 1).clone());
    const Var loss = f(x, targets), expected = f(y, targets.slice(0, 0, 1));
    CHECK(loss.item() == Approx(expected.item()).epsilon(1e-14));
    loss.backward();
    expected.backward();
    CHECK(largest_difference(x.grad().value().slice(0, 0, 1), y.grad().value()) <= 1e-15);
    CHECK(x.grad().value().slice(0, 1, 4).to_vector() == Values(9, 0));
  };
  alone([](const Var& x, const Tensor& t) { return cross_entropy(x, t); });
  alone([](const Var& x, const Tensor& t) { return cross_entropy(x, t, {.label_smoothing = 0.2}); });
  alone([](const Var& x, const Tensor& t) {
    return cross_entropy(x, t, {.class_weights = values({1, 2, 3}, {3})});
  });
  alone([](const Var& x, const Tensor& t) { return nll(x, t); });
  alone([](const Var& x, const Tensor& t) { return multi_class_margin(x, t); });
}

TEST_CASE("nll: classes that are impossible do no harm unless they are asked for") {
  const Var x = Var::parameter(values({-kInfinity, std::log(0.5), std::log(0.5)}, {1, 3}));
  const Var loss = nll(x, ids({2}, {1}));
  CHECK(loss.item() == Approx(std::log(2.0)));
  loss.backward();
  CHECK(x.grad().value().to_vector() == Values{0, 0, -1});
  CHECK(nll(x, ids({0}, {1})).item() == kInfinity);
}

TEST_CASE("binary_cross_entropy: what the definition says, and finite for any score") {
  Var scores = Var::parameter(values({-2, 0.5, 1000, -1000, 3, 50, -50}, {7}));
  const Tensor targets = values({0, 1, 1, 1, 0.25, 1, 0}, {7});
  const auto log_p = [](double score) { return -std::log1p(std::exp(-score)); };
  const Tensor expected = values(
      {-log_p(2), -log_p(0.5), 0, 1000, -0.25 * log_p(3) - 0.75 * log_p(-3), std::exp(-50), std::exp(-50)},
      {7});
  for (const Tensor& weight : {Tensor(), Tensor::ones({}, DType::f64)}) {
    const Var losses =
        binary_cross_entropy(scores, targets, {.positive_weight = weight, .reduction = Reduction::none});
    CHECK(largest_difference(losses.value(), expected) < 1e-12);
    CHECK(losses.value().at({5}) == Approx(std::exp(-50)).epsilon(1e-13));
    CHECK(losses.value().at({6}) == Approx(std::exp(-50)).epsilon(1e-13));
    sum(losses).backward();
    CHECK(all_finite(scores.grad().value()));
    CHECK(scores.grad().value().at({3}) == Approx(-1));
    scores.zero_grad();
  }
}

TEST_CASE("kl_divergence: 0 of equal distributions, positive of others; a 0 in p counts nothing") {
  const Tensor p = values({0.2, 0.3, 0.5}, {1, 3});
  CHECK(std::abs(kl_divergence(Var(log(p)), p).item()) < 1e-15);
  CHECK(kl_divergence(Var(values({std::log(0.5), std::log(0.5), -kInfinity}, {1, 3})), p).item() == kInfinity);
  const Tensor some = values({0.5, 0.5, 0}, {1, 3});
  const Var log_q = Var::parameter(values({std::log(0.25), std::log(0.75), -kInfinity}, {1, 3}));
  const Var q = Var::parameter(some), loss = kl_divergence(log_q, q);
  CHECK(loss.item() == Approx(0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3)));
  loss.backward();
  CHECK(log_q.grad().value().to_vector() == Values{-0.5, -0.5, 0});
  CHECK(q.grad().value().at({0, 2}) == 0);
}

TEST_CASE("losses of numbers: gradients at equality and at the joint, and flow to a target that is a Var") {
  Var y = Var::parameter(values({1, 2, 4}, {3})), t = Var::parameter(values({1, 1, 1}, {3}));
  l1(y, t, Reduction::sum).backward();
  CHECK(y.grad().value().to_vector() == Values{0, 1, 1});
  CHECK(t.grad().value().to_vector() == Values{0, -1, -1});
  y.zero_grad();
  const Var loss = huber(y, t.value(), {.delta = 1, .reduction = Reduction::none});
  CHECK(loss.value().to_vector() == Values{0, 0.5, 2.5});
  sum(loss).backward();
  CHECK(y.grad().value().to_vector() == Values{0, 1, 1});
  CHECK(huber(y, t, {.delta = 1e9}).item() == Approx(mse(y, t).item() / 2));
  CHECK(smooth_l1(y, t, {.delta = 1e-9}).item() == Approx(l1(y, t).item()));
}

TEST_CASE("triplet and paired_cosine: finite values and gradients for equal vectors and vectors of 0") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Var a = Var::parameter(Tensor::zeros({2, 3}, dtype)),
              b = Var::parameter(Tensor::zeros({2, 3}, dtype));
    triplet(a, b, b).backward();
    CHECK(all_finite(a.grad().value()));
    cosine_embedding(a, b, ids({1, -1}, {2})).backward();
    CHECK(all_finite(a.grad().value()));
    CHECK(paired_cosine(a, b).value().to_vector() == Values{0, 0});
  }
}

TEST_CASE("losses and composed operations: all that they record is recorded at the line of their call") {
  struct Elsewhere : Observer {
    void recorded(const Recorded& r) override {
      if (text(r.output.recorded_by()).rfind("tests/autograd/losses_op_test.cpp:", 0) != 0)
        found.push_back(text(r.output.operation(), " at ", r.output.recorded_by()));
    }
    std::vector<std::string> found;
  };
  const Var x = Var::parameter(Tensor::ones({2, 4})), y(Tensor::zeros({2, 4}));
  const Tensor classes = ids({0, 2}, {2}), labels = Tensor::ones({2, 4}), one_each = Tensor::ones({2});
  Rng rng(1);
  Elsewhere elsewhere;
  mse(x, y), l1(x, y, Reduction::sum), huber(x, y), smooth_l1(x, y);
  cross_entropy(x, classes, {.label_smoothing = 0.1}), nll(x, classes), multi_class_margin(x, classes);
  cross_entropy(x, classes, {.class_weights = Tensor::ones({4})}), kl_divergence(x, labels);
  binary_cross_entropy(x, labels), binary_cross_entropy(x, labels, {.positive_weight = labels});
  hinge(x, labels), margin_ranking(x, y, labels), cosine_embedding(x, y, one_each), triplet(x, y, y);
  softmin(x), softmax(x, 0), log_softmax(x, 0), logsumexp(x), sparsemax(x, Mask::causal(2, 4));
  gumbel_softmax(x, {.hard = true, .axis = 0}, rng), glu(x, 0), maximum(x, 0.5), minimum(0.5, x), pow(2.0, x);
  CHECK(elsewhere.found == std::vector<std::string>{});
}

TEST_CASE("losses: operands that do not fit are errors that say how") {
  const Var x(Tensor::zeros({2, 3})), y(Tensor::zeros({2, 1}));
  CHECK(thrown<ShapeError>([&] { mse(x, y); }) ==
        "ShapeError: mse: shapes differ: y [2, 3], target [2, 1]\n"
        "  requires y.shape == target.shape\n"
        "  y: a tensor    target: a tensor");
  CHECK_THROWS_AS(l1(x, y), ShapeError);
  CHECK_THROWS_AS(huber(x, y), ShapeError);
  CHECK_THROWS_AS(smooth_l1(x, y), ShapeError);
  CHECK_THROWS_AS(kl_divergence(x, y), ShapeError);
  CHECK_THROWS_AS(hinge(x, y.value()), ShapeError);
  CHECK_THROWS_AS(triplet(x, x, y), ShapeError);
  CHECK_THROWS_AS(paired_cosine(x, y), ShapeError);
  CHECK_THROWS_AS(margin_ranking(x, x, y.value()), ShapeError);
  CHECK_THROWS_AS(cosine_embedding(x, x, x.value()), ShapeError);
  CHECK_THAT(
      thrown<ShapeError>([&] { binary_cross_entropy(x, y.value()); }),
      ContainsSubstring("differ: scores [2, 3], targets [2, 1]\n  requires scores.shape == targets.shape"));
  CHECK_THROWS_AS(binary_cross_entropy(x, x.value(), {.positive_weight = Tensor::ones({2})}), ShapeError);
  CHECK(thrown<ConfigError>([&] {
          hinge(x, Tensor::zeros({2, 3}));
        }) == "ConfigError: hinge: a label is 0\n  requires 1 or -1");
  CHECK(thrown<ConfigError>([&] { huber(x, x, {.delta = 0}); }) ==
        "ConfigError: huber: delta 0\n  requires delta > 0");
  CHECK_THROWS_AS(smooth_l1(x, x, {.delta = -1}), ConfigError);
}

TEST_CASE("losses of classes: options and ids that do not fit are errors that say how") {
  const Var x(Tensor::zeros({2, 3}));
  const Tensor good = ids({0, 2}, {2}), bad = ids({0, 3}, {2});
  CHECK(thrown<ConfigError>([&] { cross_entropy(x, good, {.label_smoothing = 1.5}); }) ==
        "ConfigError: cross_entropy: label_smoothing 1.5\n  requires 0 <= label_smoothing <= 1");
  CHECK(thrown<ShapeError>([&] { cross_entropy(x, good, {.class_weights = Tensor::ones({2})}); }) ==
        "ShapeError: cross_entropy: scores are [2, 3], class weights are [2]\n"
        "  requires weights.shape == [scores.shape[-1]], [3]");
  CHECK_THROWS_AS(nll(x, good, {.class_weights = Tensor::ones({3}, DType::f64)}), DTypeError);
  for (const double smoothing : {0.0, 0.1})
    CHECK(thrown<IndexError>([&] { cross_entropy(x, bad, {.label_smoothing = smoothing}); }) ==
          "IndexError: cross_entropy: id 3 at position 1 of ids [2] is not a class\n"
          "  requires 0 <= id < 3, or -1 to be ignored");
  CHECK_THAT(thrown<IndexError>([&] { nll(x, bad); }), ContainsSubstring("nll: id 3 at position 1"));
  CHECK_THAT(thrown<ShapeError>([&] { multi_class_margin(x, ids({0}, {1})); }),
             ContainsSubstring("multi_class_margin: scores are [2, 3], ids are [1]"));
}

}  // namespace
}  // namespace heed::tests
