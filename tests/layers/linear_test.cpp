// The layers that know nothing of time, and the functions at the end of a model, against PyTorch.
#include "layers/linear.h"

#include "autograd/backward.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/softmax.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/layer_norm.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {

// The fixture's parameters and input in, and its output and all gradients out.
template <class Layer>
void check_against(const Fixture& numbers, Layer& layer) {
  take_parameters(layer, numbers);
  const Var x = Var::parameter(numbers["x"]);
  const Var y = layer(x);
  CHECK(largest_difference(y.value(), numbers["y"]) < kTolerance);
  y.backward({.cotangent = Var(numbers["dy.y"])});
  CHECK(largest_difference(x.grad().value(), numbers["d.x"]) < kTolerance);
  CHECK(gradient_difference(layer, numbers) < kTolerance);
}

TEST_CASE("linear: values and gradients are PyTorch's") {
  const Fixture numbers("linear");
  Rng rng(1);
  Linear layer(5, 4, rng);
  check_against(numbers, layer);
}

TEST_CASE("linear: without a bias it is the product alone and has one parameter") {
  Rng rng(1);
  Linear with(3, 2, rng), without(3, 2, rng, {.bias = false});
  CHECK(without.parameters().size() == 1);
  const Tensor weight = with.parameters()[0].value();
  without.load_state({{"weight", weight}});
  const Var x(normal({4, 3}, rng, DType::f32));
  CHECK(largest_difference(with(x).value(), without(x).value() + with.parameters()[1].value()) < 1e-6);
}

TEST_CASE("linear: initial values lie within 1 / sqrt(in) and fill that range") {
  Rng rng(3);
  const Linear layer(400, 30, rng);
  const double bound = 1.0 / 20;
  for (const Var& parameter : layer.parameters()) {
    CHECK(largest(parameter.value()) <= bound);
    CHECK(largest(parameter.value()) > 0.8 * bound);
  }
}

TEST_CASE("linear: an input of another width is an error that names the layer and its parameter") {
  Rng rng(1);
  const Linear layer(3, 2, rng);
  CHECK(thrown<ShapeError>([&] {
          layer(Var(Tensor::zeros({4, 5})));
        }) ==
        "ShapeError: linear: inner extents differ: x is [4, 5], w is [3, 2]\n"
        "  requires x.shape[-1] == w.shape[0], got 5 and 3\n"
        "  x: a tensor    w: parameter \"weight\"\n"
        "  in: Linear 3 -> 2");
}

TEST_CASE("embedding: values and gradient are PyTorch's, an id that comes several times gathers them") {
  const Fixture numbers("embedding");
  Rng rng(1);
  Embedding layer(7, 4, rng);
  take_parameters(layer, numbers);
  const Var y = layer(numbers.ids("ids"));
  CHECK(largest_difference(y.value(), numbers["y"]) < kTolerance);
  y.backward({.cotangent = Var(numbers["dy.y"])});
  CHECK(gradient_difference(layer, numbers) < kTolerance);
  CHECK(largest(layer.weight().grad().value().select(0, 2)) == 0);  // an id that never comes
}

TEST_CASE("embedding: an id outside the table is an error that names the id, the layer and its parameter") {
  Rng rng(1);
  const Embedding layer(7, 4, rng);
  for (const std::int32_t id : {7, -1}) {
    const std::string message = thrown<IndexError>([&] { layer(ids_of({0, 1, 2, 3, id, 5}, {2, 3})); });
    CHECK_THAT(message, ContainsSubstring(text("id ", id, " at position 4 of ids [2, 3]")));
    CHECK_THAT(message, ContainsSubstring("0 <= id < 7"));
    CHECK_THAT(message, ContainsSubstring("parameter \"weight\""));
    CHECK_THAT(message, ContainsSubstring("in: Embedding 7 x 4"));
  }
}

TEST_CASE("layer_norm: values and gradients are PyTorch's") {
  const Fixture numbers("layer_norm");
  LayerNorm layer(6);
  check_against(numbers, layer);
}

TEST_CASE("layer_norm: epsilon counts, as the option says") {
  const Tensor row = Tensor::of({-1, 1}, {1, 2}, DType::f64);  // mean 0, variance 1
  LayerNorm layer(2, {.epsilon = 3});
  layer.to(DType::f64);
  CHECK(largest_difference(layer(Var(row)).value(), row * 0.5) < kTolerance);
}

TEST_CASE("layer_norm: an input of another width is an error that names the layer") {
  const LayerNorm layer(6);
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(Var(Tensor::zeros({2, 5})));
             }),
             ContainsSubstring("in: LayerNorm 6"));
}

TEST_CASE("softmax: values and gradient are PyTorch's") {
  const Fixture numbers("softmax");
  const Var x = Var::parameter(numbers["x"]);
  const Var y = softmax(x);
  CHECK(largest_difference(y.value(), numbers["y"]) < kTolerance);
  y.backward({.cotangent = Var(numbers["dy.y"])});
  CHECK(largest_difference(x.grad().value(), numbers["d.x"]) < kTolerance);
}

TEST_CASE("cross_entropy: the mean over positions that are not ignored and its gradient are PyTorch's") {
  const Fixture numbers("cross_entropy");
  const Var scores = Var::parameter(numbers["scores"]);
  const Var loss = cross_entropy(scores, numbers.ids("ids"));
  CHECK(largest_difference(loss.value(), numbers["loss"]) < kTolerance);
  loss.backward();
  CHECK(largest_difference(scores.grad().value(), numbers["d.scores"]) < kTolerance);
  CHECK(largest(scores.grad().value().select(0, 1).slice(0, 1, 4)) == 0);  // the ignored positions
}

TEST_CASE("dropout: in training some elements are 0 and the others scaled up, in evaluation x is itself") {
  Dropout layer(0.25);
  Rng rng(5);
  const Var x(Tensor::ones({100, 100}));
  const Tensor y = layer(x, rng).value();
  std::int64_t zeros = 0, others = 0;
  for (const double value : y.to_vector()) (value == 0 ? zeros : others) += 1;
  CHECK(zeros == Approx(2500).margin(6 * 43.3));  // six deviations of the binomial distribution
  CHECK(largest_difference(y, where(equal(y, Tensor::scalar(0)), y, Tensor::scalar(1 / 0.75))) < 1e-6);

  layer.eval();
  const Rng::State before = rng.state();
  CHECK(identical(layer(x, rng).value(), x.value()));
  CHECK(rng.state() == before);  // evaluation draws nothing
}

TEST_CASE("dropout: a probability of 1 is an error") {
  CHECK_THAT(thrown<ConfigError>([] { const Dropout layer(1); }), ContainsSubstring("0 <= probability < 1"));
}

}  // namespace heed::tests
