#include "autograd/inspect/anomaly.h"

#include <cmath>
#include <functional>
#include <optional>
#include <string>

#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

const double kInf = INFINITY;

// What is found in `act`; nothing when all goes well.
std::optional<Anomaly> found_in(const std::function<void()>& act) {
  const DetectAnomaly detect;
  try {
    act();
  } catch (const AnomalyError& error) {
    return error.anomaly();
  }
  return {};
}

// Whether the operation at fault, and what is wrong with it, are these.
void check_found(const std::optional<Anomaly>& anomaly, const std::string& operation, const std::string& what) {
  REQUIRE(anomaly.has_value());
  CHECK(anomaly->operation == operation);
  CHECK(anomaly->what == what);
}

TEST_CASE("anomaly: a forward fault is found in the operation where it arises, not where it is seen") {
  struct Planted {
    const char* operation;
    std::function<Var(const Var& x)> compute;  // of x = [0, 2, −1]
    double value;
    std::int64_t index;
  };
  const std::vector<Planted> planted{
      {"log", [](const Var& x) { return log(x * x); }, -kInf, 0},
      {"log", [](const Var& x) { return log(x); }, -kInf, 0},
      {"sqrt", [](const Var& x) { return sqrt(x + 0.5); }, NAN, 2},
      {"divide", [](const Var& x) { return x / x; }, NAN, 0},
      {"divide", [](const Var& x) { return 1.0 / x; }, kInf, 0},
      {"exp", [](const Var& x) { return exp(x * 1000.0); }, kInf, 1},
      {"square", [](const Var& x) { return square(square(x + 1e80)); }, kInf, 0}};
  for (const Planted& fault : planted) {
    const Var x = leaf({0, 2, -1}, "x");
    const auto found = found_in([&] { sum(tanh(fault.compute(x) + 1.0)); });
    INFO(fault.operation);
    check_found(found, fault.operation, "its output");
    CHECK((found->value == fault.value || (std::isnan(found->value) && std::isnan(fault.value))));
    CHECK(found->index == std::vector<std::int64_t>{fault.index});
    CHECK_FALSE(found->in_backward);
    CHECK(found->chain.front().name == "parameter \"x\"");
    CHECK(found->chain.back().name == fault.operation);
  }
}

TEST_CASE("anomaly: a backward fault is found in the rule where it arises, with the operand") {
  struct Planted {
    const char* operation;
    const char* what;
    std::function<Var(const Var& x)> compute;  // finite for x = [0, 4]
  };
  const Tensor first = equal(Tensor::arange(2, DType::f64), Tensor::scalar(0, DType::f64));
  const std::vector<Planted> planted{
      {"sqrt", "the gradient of operand 0", [](const Var& x) { return sqrt(x * 3.0); }},
      {"sqrt", "the gradient of operand 0",  // 0 / 0: the root is not used
       [first](const Var& x) { return where(first, x, sqrt(x)); }},
      {"multiply", "the gradient of operand 1",
       [](const Var& x) { return Var(Tensor::full({2}, 1e200, DType::f64)) * (x * 1e-200) * 1e200; }},
      {"square", "the gradient of operand 0", [](const Var& x) { return square(x * 1e-10) * 1.5e308; }}};
  for (const Planted& fault : planted) {
    const Var x = leaf({0, 4}, "x");
    INFO(fault.operation);
    Var loss;
    CHECK_FALSE(found_in([&] { loss = sum(fault.compute(x)); }));
    const DetectAnomaly detect;
    std::optional<Anomaly> found;
    try {
      sum(fault.compute(x)).backward();
    } catch (const AnomalyError& error) {
      found = error.anomaly();
    }
    check_found(found, fault.operation, fault.what);
    CHECK(found->in_backward);
    CHECK(found->chain.front().name == "sum");
    CHECK(found->chain.back().name == fault.operation);
  }
}

TEST_CASE("anomaly: gradients that are finite from each use but not summed, and what backward starts from") {
  const Var x = leaf({-1});
  const Var y = exp(x);
  const auto summed = found_in([&] {
    const Var big = y * 1e308 + y * 1e308;
    sum(big).backward();
  });
  check_found(summed, "exp", "the gradient of its output");
  CHECK(summed->in_backward);
  const auto started = found_in([&] { exp(x).backward({.cotangent = constant({NAN})}); });
  check_found(started, "exp", "the gradient of its output");
  CHECK(started->chain.size() == 1);
}

TEST_CASE(
    "anomaly: −∞ that is meant passes: masks of scores, impossible classes, logarithms without gradient") {
  const Var scores = leaf({1, 2, 3});
  const Tensor allowed = less(Tensor::arange(3, DType::f64), Tensor::scalar(2, DType::f64));
  const Var impossible = constant({0, 0, -kInf});
  const auto check_fine = [](const std::function<void()>& act) {
    const auto found = found_in(act);
    INFO((found ? found->operation : "nothing"));
    CHECK_FALSE(found.has_value());
  };
  check_fine(
      [&] { sum(square(softmax(where(allowed, scores, Var(Tensor::scalar(-kInf, DType::f64)))))).backward(); });
  check_fine([&] { sum(square(softmax(transpose(reshape(scores + impossible, {3, 1}))))).backward(); });
  check_fine([&] { sum(square(softmax(scores, Mask::attend(allowed)))).backward(); });
  check_fine(
      [&] { sum(square(softmax(scores, Mask::attend(Tensor::zeros({3}).to(DType::boolean))))).backward(); });
  check_fine([&] {
    cross_entropy(reshape(scores + impossible, {1, 3}), Tensor::of(std::vector<std::int32_t>{1}, {1}))
        .backward();
  });
  check_fine([&] {
    const NoGrad no_grad;
    log(softmax(scores, Mask::attend(allowed)));
    log_softmax(scores + impossible);
  });
  check_fine([&] { log(constant({0, 1})); });
}

TEST_CASE("anomaly: −∞ that becomes something else does not pass") {
  const Var scores = leaf({1, 2, 3}), impossible = constant({-kInf, 0, 0});
  check_found(found_in([&] { (scores + impossible) * 0.0; }), "multiply", "its output");
  check_found(found_in([&] { -(scores + impossible); }), "negate", "its output");
  check_found(
      found_in([&] {
        cross_entropy(reshape(scores + impossible, {1, 3}), Tensor::of(std::vector<std::int32_t>{0}, {1}));
      }),
      "cross_entropy", "its output");
  check_found(found_in([&] { softmax(scores + constant({-kInf, -kInf, -kInf})); }), "softmax", "its output");
  const auto without_gradient = found_in([&] {
    const NoGrad no_grad;
    const Var p = softmax(scores, Mask::attend(less(scores.value(), Tensor::scalar(2.5, DType::f64))));
    p* log(p);
  });
  check_found(without_gradient, "multiply", "its output");
}

TEST_CASE(
    "anomaly: NaN that comes in from outside is found at its first use, and traced to where it came from") {
  const Var w = leaf({1, NAN}, "w");
  const auto found = found_in([&] { tanh(w * 2.0); });
  check_found(found, "multiply", "its output");
  REQUIRE(found->operands.size() == 1);
  CHECK(found->operands[0].origin == "parameter \"w\"");
  CHECK(found->operands[0].statistics.nan == 1);
  CHECK(found->chain.front().name == "parameter \"w\"");
}

TEST_CASE("anomaly: of several outputs it says which") {
  const std::int64_t H = 1;
  const LstmWeights weights{Var::parameter(Tensor::ones({1, 4 * H})), Var::parameter(Tensor::ones({H, 4 * H})),
                            Var::parameter(Tensor::ones({4 * H}))};
  const Var x(Tensor::ones({1, 2, 1}));
  check_found(found_in([&] {
                lstm(x, {Var(), Var(Tensor::full({1, H}, kInf))}, weights);
              }),
              "lstm", "its output 2");
}

TEST_CASE("anomaly: the message says where, with what, and how it came") {
  const Var w = leaf({0.5, 2, 0.25}, "w");
  const int line = __LINE__ + 3;
  const std::string message = thrown<AnomalyError>([&] {
    const DetectAnomaly detect;
    log(square(w - 2.0) * 3.0);
  });
  const std::string here = text("tests/autograd/inspect/anomaly_test.cpp:", line);
  CHECK(message ==
        "AnomalyError: log: its output [3] is −∞ at [1]: 1.91 … 2.22, mean 2.06, deviation 0.154, 1 of 3 −∞\n"
        "  requires a finite output\n"
        "  operand 0: output of multiply [3]: 0 … 9.19, mean 5.31, deviation 3.89, 1 of 3 zero\n"
        "  called at " +
            here +
            "\n"
            "  how it came, with the least and the greatest |value|:\n"
            "    parameter \"w\"  0.25 … 2  " +
            text(w.recorded_by()) +
            "\n"
            "    add            0 … 1.75  " +
            here +
            "\n"
            "    square         0 … 3.06  " +
            here +
            "\n"
            "    multiply       0 … 9.19  " +
            here +
            "\n"
            "    log            1.91 … ∞  " +
            here);
}

TEST_CASE("anomaly: a long chain is shown by its beginning and its end") {
  const std::string message = thrown<AnomalyError>([] {
    const DetectAnomaly detect;
    Var y = scalar_leaf(2, "x");
    for (int i = 0; i < 40; ++i) y = square(y);
  });
  CHECK(count_of(message, "    square  ") == 9);
  CHECK(count_of(message, "more") == 1);
}

TEST_CASE("anomaly: second derivatives are watched too, and a rule's own operations are judged by its result") {
  Var x = leaf({0, 1}, "x");
  const auto found = found_in([&] {
    const Var y = x * sqrt(x * x + 1.0);
    y.backward({.cotangent = constant({1, 1}), .create_graph = true});
    x.zero_grad();
    const Var cubed = x * x * sqrt(x * x);  // finite, and so is its first derivative but not as it is computed
    cubed.backward({.cotangent = constant({1, 1}), .create_graph = true});
  });
  check_found(found, "sqrt", "the gradient of operand 0");
}

TEST_CASE("anomaly: after one was found the scope goes on watching, and out of it nothing is thrown") {
  const Var x = leaf({0, 1});
  {
    const DetectAnomaly detect;
    for (int i = 0; i < 2; ++i) {
      CHECK_THROWS_AS(log(x), AnomalyError);
      CHECK_THROWS_AS(sum(sqrt(x)).backward(), AnomalyError);
    }
    sum(square(x)).backward();
  }
  CHECK_NOTHROW(log(x));
  CHECK_NOTHROW(sum(sqrt(x)).backward());
}

TEST_CASE("anomaly: watching changes no bit, and keeps no tensor") {
  Rng rng(1);
  const Var w = Var::parameter(Tensor::normal({6, 4}, 0, 1, rng));
  const Var x(Tensor::normal({5, 6}, 0, 1, rng));
  const auto run = [&] {
    w.node()->gradient = Var();
    sum(softmax(matmul(x, w)) * Var(Tensor::arange(4, DType::f32))).backward();
    return w.grad().value();
  };
  const Tensor unwatched = run();
  const DetectAnomaly detect;
  CHECK(identical(run(), unwatched));
  const std::int64_t before = bytes_in_use();
  for (int i = 0; i < 20; ++i) CHECK(identical(run(), unwatched));
  CHECK(bytes_in_use() <= before);
}

}  // namespace
}  // namespace heed::tests
