#include "layers/feed_forward.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {

TEST_CASE("feed-forward: activations and their gradients are PyTorch's") {
  const Fixture numbers("activations");
  for (const auto& [name, activation] :
       {std::pair("relu", Activation::relu), std::pair("gelu", Activation::gelu),
        std::pair("gelu_tanh", Activation::gelu_tanh), std::pair("silu", Activation::silu)}) {
    INFO(name);
    const Var x = leaf(numbers, "x"), y = activate(x, activation);
    CHECK(largest_difference(y.value(), numbers[name]) < kTolerance);
    y.backward({.cotangent = Var(numbers[text("dy.", name)])});
    CHECK(largest_difference(x.grad().value(), numbers[text("d.", name)]) < kTolerance);
  }
}

TEST_CASE("feed-forward: gelu is x times the normal distribution at x, its form with tanh is near that") {
  for (const double x : {-3.0, -0.5, 0.0, 0.1, 2.0, 6.0}) {
    const double expected = x * std::erfc(-x / std::sqrt(2)) / 2;
    const Var at(Tensor::full({1}, x, DType::f64));
    CHECK(std::abs(gelu(at).item() - expected) < 1e-14);
    CHECK(std::abs(gelu_tanh(at).item() - expected) < 5e-4);
  }
}

TEST_CASE("feed-forward: SwiGLU and GEGLU, values and all gradients are PyTorch's") {
  for (const auto& [name, activation] :
       {std::pair("swiglu", Activation::silu), std::pair("geglu", Activation::gelu)}) {
    INFO(name);
    const Fixture numbers(text("feed_forward_", name));
    Rng rng(1);
    FeedForward layer({.width = 4, .inner = 6, .activation = activation, .gated = true}, rng);
    take_parameters(layer, numbers);
    const Var x = leaf(numbers, "x");
    check_against(numbers, layer, layer(x), {{"x", x}});
  }
}

TEST_CASE("feed-forward: without bias there are weights only, and 0 stays 0") {
  Rng rng(2);
  for (const bool gated : {false, true}) {
    const FeedForward layer({.width = 4, .inner = 6, .gated = gated, .bias = false}, rng);
    CHECK(layer.parameters().size() == (gated ? 3 : 2));
    CHECK(largest(layer(Var(Tensor::zeros({2, 4}))).value()) == 0);
  }
}

TEST_CASE("feed-forward: an input of another width is an error that names the layer and the part") {
  Rng rng(3);
  const FeedForward layer({.width = 4, .inner = 6, .activation = Activation::silu, .gated = true}, rng);
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(Var(Tensor::zeros({2, 5})));
             }),
             ContainsSubstring("in: FeedForward 4 -> 6 -> 4, gated / inner (Linear 4 -> 6)"));
}

}  // namespace heed::tests
