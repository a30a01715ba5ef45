// What the tests of layers share: values from fixtures, comparison with them, models and batches.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/losses.h"
#include "core/elementwise.h"
#include "core/tokens.h"
#include "layers/module.h"
#include "tests/catch.h"
#include "tests/fixture.h"

namespace heed::tests {

/// What f64 may differ by: a few hundred roundings of 1e-16 each, far below any mistake.
inline constexpr double kTolerance = 1e-10;

inline Tensor normal(const Shape& shape, Rng& rng, DType dtype = DType::f64) {
  return Tensor::normal(shape, 0, 1, rng, dtype);
}
inline Var normal_leaf(const Shape& shape, Rng& rng, std::string name = {}) {
  return Var::parameter(normal(shape, rng), std::move(name));
}
/// An i32 matrix of ids.
inline Tensor ids_of(const std::vector<std::int32_t>& values, const Shape& shape) {
  return Tensor::of(values, shape);
}

/// Makes all parameters f64 and gives them the fixture's values.
inline void take_parameters(Module& module, const Fixture& from) {
  module.to(DType::f64);
  NamedTensors state;
  for (const Var& parameter : module.parameters()) state.emplace_back(parameter.name(), from[parameter.name()]);
  module.load_state(state);
}

/// Draws all parameters anew, f64 and far from 0, so that no test passes on values too small to matter.
inline void take_random_parameters(Module& module, Rng& rng, double deviation = 0.7) {
  module.to(DType::f64);
  for (Var parameter : module.parameters())
    parameter.mutable_value().copy_from(Tensor::normal(parameter.shape(), 0, deviation, rng, DType::f64));
}

/// The largest difference of the parameters' gradients from the fixture's; infinite when one is missing.
inline double gradient_difference(const Module& module, const Fixture& from) {
  double largest = 0;
  for (const Var& parameter : module.parameters()) {
    const Var& gradient = parameter.grad();
    const double difference =
        gradient.defined() ? largest_difference(gradient.value().to(DType::f64), from["d." + parameter.name()])
                           : INFINITY;
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/// The parameters' gradients, to compare two ways of computing them; zeroed in the module.
inline std::vector<Tensor> take_gradients(Module& module) {
  std::vector<Tensor> gradients;
  for (const Var& parameter : module.parameters())
    gradients.push_back(parameter.grad().defined() ? parameter.grad().value().clone()
                                                   : Tensor::zeros(parameter.shape(), parameter.dtype()));
  module.zero_grad();
  return gradients;
}

inline double largest_difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (const double d = heed::largest_difference(a[i], b[i]); !(d <= largest)) largest = d;
  return largest;
}

inline double largest_difference(const std::vector<Var>& a, const std::vector<Var>& b) {
  std::vector<Tensor> values_a, values_b;
  for (const Var& var : a) values_a.push_back(var.value());
  for (const Var& var : b) values_b.push_back(var.value());
  return largest_difference(values_a, values_b);
}

/// The largest absolute value: what a comparison with 0, or a proof that something is not 0, asks for.
inline double largest(const Tensor& x) {
  return heed::largest_difference(x, Tensor::zeros(x.shape(), x.dtype()));
}

/// A leaf with the values of the fixture.
inline Var leaf(const Fixture& numbers, const std::string& name) { return Var::parameter(numbers[name]); }

/// Checks that y, and after backward from the fixture's cotangent all gradients, are the fixture's.
inline void check_against(const Fixture& numbers, const Module& layer, const Var& y,
                          std::initializer_list<std::pair<const char*, Var>> inputs) {
  CHECK(largest_difference(y.value(), numbers["y"]) < kTolerance);
  y.backward({.cotangent = Var(numbers["dy.y"])});
  CHECK(gradient_difference(layer, numbers) < kTolerance);
  for (const auto& [name, input] : inputs) {
    INFO(name);
    CHECK(largest_difference(input.grad().value(), numbers[text("d.", name)]) < kTolerance);
  }
}

/// Checks a model: the scores that `forward` gives, their cross-entropy against `target_out` and all gradients
/// are those of the fixture, in f64, and in f32 as near as `near_f32`.
template <class Forward>
void check_scores(Module& model, const Fixture& numbers, double near_f32, Forward forward) {
  take_parameters(model, numbers);
  const Var scores = forward();
  const Var loss = cross_entropy(scores, numbers.ids("target_out"));
  CHECK(largest_difference(scores.value(), numbers["scores"]) < kTolerance);
  CHECK(largest_difference(loss.value(), numbers["loss"]) < kTolerance);
  loss.backward();
  CHECK(gradient_difference(model, numbers) < kTolerance);

  model.to(DType::f32);
  const Var loss_f32 = cross_entropy(forward(), numbers.ids("target_out"));
  CHECK(largest_difference(loss_f32.value().to(DType::f64), numbers["loss"]) < near_f32);
  loss_f32.backward();
  CHECK(gradient_difference(model, numbers) < near_f32);
}

/// The same for a model of a source and the targets so far.
template <class Model>
void check_model(Model& model, const Fixture& numbers, const Tokens& source, double near_f32) {
  const Tokens target_in{numbers.ids("target_in"), {}};
  check_scores(model, numbers, near_f32, [&] { return model(source, target_in); });
}

}  // namespace heed::tests
