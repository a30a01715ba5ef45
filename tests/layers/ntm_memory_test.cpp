#include "layers/ntm_memory.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/layers/layer_testing.h"

namespace heed::tests {
namespace {

Tensor wide(std::initializer_list<double> values, const Shape& shape) {
  return Tensor::of(values, shape, DType::f64);
}

// Heads of one machine that all want the same, each [1, H, ·].
ntm::Address address_of(std::int64_t heads, const Tensor& key, double beta, double gate, const Tensor& shift,
                        double gamma) {
  const auto each = [&](const Tensor& row) { return Var(row.expand({1, heads, row.extent(0)}).clone()); };
  const auto number = [&](double value) { return Var(Tensor::full({1, heads, 1}, value, DType::f64)); };
  return {each(key), number(beta), number(gate), each(shift), number(gamma)};
}

// A random memory of N rows, weightings before, and addresses in their ranges.
struct Drawn {
  Rng rng{5};
  Var memory = normal_leaf({2, 7, 4}, rng);
  Var before = Var(softmax(normal({2, 3, 7}, rng)));
  ntm::Address address{normal_leaf({2, 3, 4}, rng), Var(Tensor::uniform({2, 3, 1}, 0, 4, rng, DType::f64)),
                       Var(Tensor::uniform({2, 3, 1}, 0, 1, rng, DType::f64)),
                       Var(softmax(normal({2, 3, 5}, rng))),
                       Var(Tensor::uniform({2, 3, 1}, 1, 4, rng, DType::f64))};
};

const Tensor kStay = wide({0, 1, 0}, {3}), kOn = wide({0, 0, 1}, {3}), kBack = wide({1, 0, 0}, {3});

Tensor one_hot(std::int64_t at, std::int64_t rows, std::int64_t heads = 1) {
  Tensor x = Tensor::zeros({1, heads, rows}, DType::f64);
  x.select(2, at).fill(1);
  return x;
}

}  // namespace

TEST_CASE("ntm weighting: values and all gradients are those of the paper's equations in PyTorch") {
  const Fixture numbers("ntm_weighting");
  const Var memory = leaf(numbers, "memory"), before = leaf(numbers, "before");
  const ntm::Address address{leaf(numbers, "key"), leaf(numbers, "beta"), leaf(numbers, "gate"),
                             leaf(numbers, "shift"), leaf(numbers, "gamma")};
  const Var weights = ntm::weighting(memory, before, address);
  CHECK(largest_difference(weights.value(), numbers["y"]) < kTolerance);
  weights.backward({.cotangent = Var(numbers["dy.y"])});
  for (const auto& [name, var] :
       {std::pair("memory", memory), std::pair("before", before), std::pair("key", address.key),
        std::pair("beta", address.beta), std::pair("gate", address.gate), std::pair("shift", address.shift),
        std::pair("gamma", address.gamma)}) {
    INFO(name);
    CHECK(largest_difference(var.grad().value(), numbers[text("d.", name)]) < kTolerance);
  }
}

TEST_CASE("ntm weighting: not negative, and the sum is 1") {
  const Drawn drawn;
  const Tensor w = ntm::weighting(drawn.memory, drawn.before, drawn.address).value();
  CHECK(largest_difference(sum(w, -1), Tensor::ones({2, 3}, DType::f64)) < 1e-14);
  for (const double weight : w.to_vector()) CHECK(weight >= 0);
}

TEST_CASE("ntm weighting: by content alone, rows in another order are found in that order") {
  Drawn drawn;
  drawn.address.gate = Var(Tensor::ones({2, 3, 1}, DType::f64));
  drawn.address.shift = Var(wide({0, 0, 1, 0, 0}, {5}).expand({2, 3, 5}).clone());
  const auto turned = [](const Var& x, int axis) {
    return concat({slice(x, axis, 3, 7), slice(x, axis, 0, 3)}, axis);  // n -> n + 4
  };
  const Tensor w = ntm::weighting(drawn.memory, drawn.before, drawn.address).value();
  const Tensor of_turned = ntm::weighting(turned(drawn.memory, 1), drawn.before, drawn.address).value();
  CHECK(largest_difference(of_turned, turned(Var(w), 2).value()) < 1e-14);
}

TEST_CASE("ntm weighting: a sure head finds the one row that is like its key, by direction") {
  const Var memory(wide({0, 1, 5, 0, -3, 0}, {1, 3, 2}));
  const ntm::Address address = address_of(1, wide({0.1, 0}, {2}), 100, 1, kStay, 1);
  const Tensor w = ntm::weighting(memory, Var(one_hot(0, 3)), address).value();
  CHECK(largest_difference(w, one_hot(1, 3)) < 1e-14);
}

TEST_CASE("ntm weighting: a head that goes by place moves a one-hot weighting by a row, around the ring") {
  const Var memory(Tensor::ones({1, 4, 2}, DType::f64));
  for (std::int64_t at = 0; at < 4; ++at)
    for (const auto& [shift, by] : {std::pair(kStay, 0), std::pair(kOn, 1), std::pair(kBack, 3)}) {
      const ntm::Address address = address_of(2, wide({1, 1}, {2}), 1, 0, shift, 1);
      const Tensor w = ntm::weighting(memory, Var(one_hot(at, 4, 2)), address).value();
      CHECK(largest_difference(w, one_hot((at + by) % 4, 4, 2)) < 1e-15);
    }
}

TEST_CASE("ntm weighting: what a spread of shifts blurs, gamma sharpens") {
  const Var memory(Tensor::ones({1, 5, 2}, DType::f64)), before(one_hot(2, 5));
  const auto at_centre = [&](double gamma) {
    const ntm::Address address = address_of(1, wide({1, 1}, {2}), 1, 0, wide({0.1, 0.8, 0.1}, {3}), gamma);
    return ntm::weighting(memory, before, address).value().at({0, 0, 2});
  };
  CHECK(at_centre(1) == Approx(0.8));
  CHECK(at_centre(2) == Approx(0.64 / 0.66));
  CHECK(at_centre(30) == Approx(1));
}

TEST_CASE("ntm weighting: an empty memory and a key of zeros give finite weights and gradients") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Var memory = Var::parameter(Tensor::zeros({1, 4, 3}, dtype)),
              key = Var::parameter(Tensor::zeros({1, 1, 3}, dtype)),
              before = Var::parameter(one_hot(1, 4).to(dtype));
    ntm::Address address = address_of(1, wide({0, 0, 0}, {3}), 50, 1, kStay, 40);
    for (Var* const part : {&address.beta, &address.gate, &address.shift, &address.gamma})
      *part = Var(part->value().to(dtype));
    address.key = key;
    const Var w = ntm::weighting(memory, before, address);
    CHECK(largest_difference(w.value(), Tensor::full({1, 1, 4}, 0.25, dtype)) < 1e-6);
    Rng rng(1);
    w.backward({.cotangent = Var(normal({1, 1, 4}, rng, dtype))});
    for (const Var& var : {memory, key, before}) CHECK(std::isfinite(largest(var.grad().value())));
  }
}

TEST_CASE("ntm read: the rows weighted and added up") {
  const Var memory(wide({1, 2, 3, 4, 5, 6}, {1, 3, 2}));
  const Var weights(wide({0, 1, 0, 0.5, 0, 0.5}, {1, 2, 3}));
  CHECK(largest_difference(ntm::read(memory, weights).value(), wide({3, 4, 3, 4}, {1, 2, 2})) < 1e-15);
}

TEST_CASE("ntm write: a row is erased by share, then added to; others stay") {
  const Var memory(wide({1, 2, 3, 4, 5, 6}, {1, 3, 2}));
  const Var weights(wide({0, 0.5, 0}, {1, 1, 3})), erase(wide({1, 0.5}, {1, 1, 2})),
      add(wide({10, 20}, {1, 1, 2}));
  CHECK(largest_difference(ntm::write(memory, weights, erase, add).value(),
                           wide({1, 2, 1.5 + 5, 3 + 10, 5, 6}, {1, 3, 2})) < 1e-15);
}

TEST_CASE("ntm write: of several heads all erase before any adds, so their order does not matter") {
  Rng rng(2);
  const Var memory(normal({2, 5, 3}, rng)), weights(softmax(normal({2, 2, 5}, rng)));
  const Var erase(Tensor::uniform({2, 2, 3}, 0, 1, rng, DType::f64)), add(normal({2, 2, 3}, rng));
  const auto exchanged = [](const Var& x) { return concat({slice(x, 1, 1, 2), slice(x, 1, 0, 1)}, 1); };
  CHECK(largest_difference(ntm::write(memory, weights, erase, add).value(),
                           ntm::write(memory, exchanged(weights), exchanged(erase), exchanged(add)).value()) <
        1e-15);
  const Var both(wide({1, 0, 1, 0}, {1, 2, 2})), all(Tensor::ones({1, 2, 1}, DType::f64));
  const Var ones(Tensor::ones({1, 2, 1}, DType::f64));
  CHECK(largest_difference(ntm::write(ones, both, all, all).value(), wide({2, 1}, {1, 2, 1})) == 0);
}

TEST_CASE("ntm memory: addressing, writing and reading have right gradients, of second order too") {
  const auto machine = [](std::span<const Var> in) {
    const ntm::Address address{in[1], square(in[2]), sigmoid(in[3]), softmax(in[4]), 1.0 + square(in[5])};
    const Var w = ntm::weighting(in[0], softmax(in[6]), address);
    const Var memory = ntm::write(in[0], w, sigmoid(in[7]), in[8]);
    return std::vector<Var>{w, ntm::read(memory, w)};
  };
  Rng rng(3);
  std::vector<Var> inputs;
  for (const Shape& shape : {Shape{1, 3, 2}, Shape{1, 2, 2}, Shape{1, 2, 1}, Shape{1, 2, 1}, Shape{1, 2, 3},
                             Shape{1, 2, 1}, Shape{1, 2, 3}, Shape{1, 2, 2}, Shape{1, 2, 2}})
    inputs.push_back(normal_leaf(shape, rng));
  const GradcheckReport first = gradcheck(machine, inputs), second = gradgradcheck(machine, inputs);
  INFO(to_string(first) << "\n" << to_string(second));
  CHECK(first);
  CHECK(second);
}

TEST_CASE("ntm memory: parts that do not fit are errors") {
  Drawn drawn;
  CHECK_THROWS_AS(ntm::weighting(Var(Tensor::zeros({2, 7, 3}, DType::f64)), drawn.before, drawn.address),
                  ShapeError);
  CHECK_THROWS_AS(ntm::weighting(drawn.memory, Var(Tensor::zeros({2, 3, 6}, DType::f64)), drawn.address),
                  ShapeError);
  drawn.address.shift = Var(Tensor::zeros({2, 3, 4}, DType::f64));
  CHECK_THROWS_AS(ntm::weighting(drawn.memory, drawn.before, drawn.address), ShapeError);
}

}  // namespace heed::tests
