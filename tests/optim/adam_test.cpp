#include "optim/adam.h"

#include "tests/catch.h"
#include "tests/optim/update_fixture.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

template <class Options>
struct Case {
  Options options;
  std::array<Triple, 4> expected;
};

// Made by run() of update_fixture.h:
//   run(torch.optim.Adam, lr=0.1)
//   run(torch.optim.Adam, lr=0.1, betas=(0.8, 0.98), eps=1e-3, weight_decay=0.2)
const std::vector<Case<AdamOptions>> kAdam = {
    {{.learning_rate = 0.1},
     {{{0.900000009999999, -1.9000000005, 0.4000000003333333},
       {0.9559503574851284, -1.8530531837013349, 0.33299417523562697},
       {0.9228415530469758, -1.8137077981048515, 0.31526745551886176},
       {0.882608103929411, -1.7901854980300986, 0.30074507053759025}}}},
    {{.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.98, .epsilon = 1e-3, .weight_decay = 0.2},
     {{{0.9003322259136213, -1.9000416493127863, 0.4000322476620445},
       {0.8961035814911991, -1.8409262876504484, 0.3348724301458411},
       {0.8301534236838053, -1.7851155494062492, 0.3220160285436497},
       {0.7588689926170235, -1.7407012963770976, 0.3108587405779701}}}},
};

//   run(torch.optim.AdamW, lr=0.1)
//   run(torch.optim.AdamW, lr=0.1, betas=(0.8, 0.98), eps=1e-3, weight_decay=0.2)
const std::vector<Case<AdamWOptions>> kAdamW = {
    {{.learning_rate = 0.1},
     {{{0.8990000099999991, -1.8980000005, 0.3995000003333333},
       {0.9540513574751285, -1.8491551837008349, 0.3320946752352936},
       {0.9199885016795007, -1.8079606429206507, 0.3140358608432931},
       {0.8788350640602565, -1.7826303822029772, 0.2991994400011783}}}},
    {{.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.98, .epsilon = 1e-3, .weight_decay = 0.2},
     {{{0.880990099009901, -1.8600499750124937, 0.3900333222259247},
       {0.9238710428100607, -1.7807680201900522, 0.31908876804845776},
       {0.8669616622928864, -1.7111541491131939, 0.30376876558777677},
       {0.8049019858430706, -1.6610026420608797, 0.290832245914889}}}},
};

template <class Rule, class Options>
void check_against_pytorch(const std::vector<Case<Options>>& cases) {
  for (const Case<Options>& c : cases) {
    INFO("weight decay " << c.options.weight_decay);
    const auto make = [&](std::vector<Var> p) { return Rule(std::move(p), c.options); };
    CHECK(difference_from_pytorch(make, c.expected, DType::f64) < 2e-15);
    CHECK(difference_from_pytorch(make, c.expected, DType::f32) < 1e-6);
  }
}

TEST_CASE("Adam: takes the steps of PyTorch in f64 and f32") { check_against_pytorch<Adam>(kAdam); }

TEST_CASE("AdamW: takes the steps of PyTorch in f64 and f32") { check_against_pytorch<AdamW>(kAdamW); }

// p = torch.tensor([1.0], requires_grad=True); q = torch.tensor([1.0], requires_grad=True)
// o = torch.optim.AdamW([p, q], lr=0.1, weight_decay=0.2)
// for t in range(4):
//     o.zero_grad(set_to_none=True)
//     p.grad = torch.tensor([0.3 * t - 0.2])
//     if t % 2: q.grad = torch.tensor([0.3 * t - 0.2])
//     o.step()
// print(p.tolist(), q.tolist())
TEST_CASE("AdamW: a parameter without a gradient is skipped, and its bias correction counts its own updates") {
  Var p = Var::parameter(Tensor::ones({1}, DType::f64));
  Var q = Var::parameter(Tensor::ones({1}, DType::f64));
  AdamW optimizer({p, q}, {.learning_rate = 0.1, .weight_decay = 0.2});
  for (int t = 0; t < 4; ++t) {
    optimizer.zero_grad();
    const Var gradient(Tensor::of({0.3 * t - 0.2}, {1}, DType::f64));
    p.set_grad(gradient);
    if (t % 2 == 1) q.set_grad(gradient);
    optimizer.step();
    if (t == 0) CHECK(q.value().item() == 1);
  }
  CHECK(p.value().item() == Approx(0.9281083146850037).epsilon(1e-14));
  CHECK(q.value().item() == Approx(0.7792620774150378).epsilon(1e-14));
}

// c = torch.tensor([3.0, -1.0, 0.25]); a = torch.tensor([1.0, 10.0, 0.1])
// p = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
// o = torch.optim.Adam([p], lr=0.05)
// for t in range(50):
//     o.zero_grad(); ((p - c).square() * a).sum().backward()
//     norm = torch.nn.utils.clip_grad_norm_([p], 1e9); o.step()
// print(p.tolist(), norm.item())
TEST_CASE("Adam: fifty steps down a quadratic end where PyTorch's do") {
  const Var c(Tensor::of({3.0, -1.0, 0.25}, {3}, DType::f64));
  const Var a(Tensor::of({1.0, 10.0, 0.1}, {3}, DType::f64));
  Var p = Var::parameter(triple(kStart, DType::f64));
  Adam optimizer({p}, {.learning_rate = 0.05});
  double norm = 0;
  for (int t = 0; t < 50; ++t) {
    sum(square(p - c) * a).backward();
    norm = optimizer.step();
    optimizer.zero_grad();
  }
  const Triple expected = {2.8850302633070264, -0.9621180016355397, 0.2636583757059638};
  CHECK(largest_difference(p.value(), triple(expected, DType::f64)) < 1e-12);
  CHECK(norm == Approx(0.962204131954706).epsilon(1e-11));
}

TEST_CASE("Adam: settings that make no sense are refused") {
  const std::vector<Var> p = {Var::parameter(Tensor::ones({2}))};
  const auto message = [&](const AdamOptions& options) {
    return thrown<ConfigError>([&] { Adam optimizer(p, options); });
  };
  CHECK(message({.beta1 = 1}) == "ConfigError: Adam: beta1 is 1\n  requires 0 <= beta1 < 1");
  CHECK(message({.beta2 = -0.5}) == "ConfigError: Adam: beta2 is -0.5\n  requires 0 <= beta2 < 1");
  CHECK(message({.epsilon = 0}) == "ConfigError: Adam: epsilon is 0\n  requires 0 < epsilon < infinity");
  CHECK(thrown<ConfigError>([&] { AdamW optimizer(p, {.weight_decay = -1}); }) ==
        "ConfigError: AdamW: weight_decay is -1\n  requires 0 <= weight_decay < infinity");
}

}  // namespace
}  // namespace heed::tests
