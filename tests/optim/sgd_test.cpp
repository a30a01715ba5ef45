#include "optim/sgd.h"

#include "tests/catch.h"
#include "tests/optim/update_fixture.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

struct Case {
  const char* what;
  SGDOptions options;
  std::array<Triple, 4> expected;
};

// Made by run() of update_fixture.h:
//   run(torch.optim.SGD, lr=0.1)
//   run(torch.optim.SGD, lr=0.1, weight_decay=0.2)
//   run(torch.optim.SGD, lr=0.1, momentum=0.9)
//   run(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.2)
//   run(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.2, nesterov=True)
const std::vector<Case> kCases = {
    {"plain",
     {.learning_rate = 0.1},
     {{{0.99, -1.8, 0.19999999999999998},
       {1.03, -1.85, 0.19999999999999998},
       {0.9600000000000001, -1.84, 0.35},
       {0.9400000000000001, -1.87, 0.34998999999999997}}}},
    {"weight decay",
     {.learning_rate = 0.1, .weight_decay = 0.2},
     {{{0.97, -1.76, 0.18999999999999997},
       {0.9905999999999999, -1.7748, 0.18619999999999998},
       {0.900787999999999, -1.729304, 0.332476},
       {0.86277224, -1.72471792, 0.32581648}}}},
    {"momentum",
     {.learning_rate = 0.1, .momentum = 0.9},
     {{{0.99, -1.8, 0.19999999999999998},
       {1.021, -1.67, -0.07000000000000005},
       {0.9788999999999999, -1.543, -0.16300000000000006},
       {0.9210099999999999, -1.4586999999999999, -0.2467100000000001}}}},
    {"momentum and weight decay",
     {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.2},
     {{{0.97, -1.76, 0.18999999999999997},
       {0.9636, -1.5588, -0.09280000000000002},
       {0.868568, -1.336544, -0.19546400000000003},
       {0.74566784, -1.13978272, -0.28396232000000005}}}},
    {"Nesterov momentum and weight decay",
     {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.2},
     {{{0.943, -1.544, -0.08900000000000009},
       {0.958866, -1.385928, -0.33671800000000013},
       {0.784682492, -1.154789936, -0.26347091600000017},
       {0.6403589881039999, -0.9938303648319999, -0.3286165695920002}}}},
};

TEST_CASE("SGD: every variant takes the steps of PyTorch in f64 and f32") {
  for (const Case& c : kCases) {
    INFO(c.what);
    const auto make = [&](std::vector<Var> p) { return SGD(std::move(p), c.options); };
    CHECK(difference_from_pytorch(make, c.expected, DType::f64) < 2e-15);
    CHECK(difference_from_pytorch(make, c.expected, DType::f32) < 5e-7);
  }
}

TEST_CASE("SGD: settings that make no sense are refused") {
  const std::vector<Var> p = {Var::parameter(Tensor::ones({2}))};
  const auto message = [&](const SGDOptions& options) {
    return thrown<ConfigError>([&] { SGD optimizer(p, options); });
  };
  CHECK(message({.learning_rate = -0.1}) ==
        "ConfigError: SGD: the learning rate is -0.1\n  requires 0 <= learning_rate < infinity");
  CHECK(message({.momentum = -1}) == "ConfigError: SGD: momentum is -1\n  requires 0 <= momentum < infinity");
  CHECK(message({.weight_decay = std::nan("")}) ==
        "ConfigError: SGD: weight_decay is nan\n  requires 0 <= weight_decay < infinity");
  CHECK(message({.nesterov = true}) ==
        "ConfigError: SGD: nesterov is set and momentum is 0\n  requires momentum > 0");
}

}  // namespace
}  // namespace heed::tests
