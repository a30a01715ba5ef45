#include "layers/norm.h"

#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {

TEST_CASE("layer norm: over two axes together, values and gradients are PyTorch's") {
  const Fixture numbers("layer_norm_axes");
  LayerNorm layer({3, 4});
  take_parameters(layer, numbers);
  const Var x = leaf(numbers, "x");
  check_against(numbers, layer, layer(x), {{"x", x}});
}

TEST_CASE("layer norm: over two axes the elements of a sequence are one row, over one each step is") {
  Rng rng(1);
  const Tensor x = normal({2, 3, 4}, rng, DType::f32);
  const Tensor together = LayerNorm({3, 4})(Var(x)).value(), apart = LayerNorm(4)(Var(x)).value();
  CHECK(largest_difference(sum(together.reshape({2, 12}), -1), Tensor::zeros({2})) < 1e-5);
  CHECK(largest_difference(sum(together * together, -1), Tensor::full({2, 3}, 4)) > 0.1);
  CHECK(largest_difference(sum(apart * apart, -1), Tensor::full({2, 3}, 4)) < 1e-3);
}

TEST_CASE("layer norm: no axes, and an input that does not end with the axes, are errors") {
  CHECK_THROWS_AS(LayerNorm(Shape{}), ConfigError);
  const LayerNorm layer({3, 4});
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(Var(Tensor::zeros({3, 3, 5})));
             }),
             ContainsSubstring("layer norm: x is [3, 3, 5], normalised together are [3, 4]"));
  CHECK_THAT(thrown<ShapeError>([&] { layer(Var(Tensor::zeros({4}))); }),
             ContainsSubstring("in: LayerNorm [3, 4]"));
}

TEST_CASE("RMS norm: values and gradients are PyTorch's") {
  const Fixture numbers("rms_norm");
  RMSNorm layer(6);
  take_parameters(layer, numbers);
  const Var x = leaf(numbers, "x");
  check_against(numbers, layer, layer(x), {{"x", x}});
}

TEST_CASE("RMS norm: rows of any length come out alike, and epsilon counts") {
  Rng rng(2);
  const Tensor x = normal({3, 5}, rng, DType::f32);
  const RMSNorm layer(5);
  CHECK(largest_difference(layer(Var(x * 50)).value(), layer(Var(x * 500)).value()) < 1e-5);
  CHECK(largest_difference(layer(Var(x * -1)).value(), layer(Var(x)).value() * -1) == 0);
  const RMSNorm blunt(2, {.epsilon = 3});
  CHECK(largest_difference(blunt(Var(Tensor::of({1, -1}, {1, 2}))).value(), Tensor::of({0.5, -0.5}, {1, 2})) <
        1e-6);
  CHECK(thrown<ShapeError>([&] {
          layer(Var(Tensor::zeros({2, 4})));
        }) ==
        "ShapeError: rms_norm: x is [2, 4], gain is [5]\n"
        "  requires gain.shape == [x.shape[-1]]\n"
        "  x: a tensor    gain: parameter \"gain\"\n"
        "  in: RMSNorm 5");
}

TEST_CASE("norm: each kind is the layer of that name") {
  Rng rng(3);
  const Var x(normal({2, 4}, rng, DType::f32));
  Norm layer(NormKind::layer, 4), rms(NormKind::rms, 4);
  CHECK(layer.module().description() == "LayerNorm 4");
  CHECK(rms.module().description() == "RMSNorm 4");
  CHECK(identical(layer(x).value(), LayerNorm(4)(x).value()));
  CHECK(identical(rms(x).value(), RMSNorm(4)(x).value()));
}

}  // namespace heed::tests
