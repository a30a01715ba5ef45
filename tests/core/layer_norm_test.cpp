#include "core/layer_norm.h"

#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

constexpr double kEpsilon = 1e-5;

struct Plain {
  Values y, mean, rstd, dx, dgain, dbias;
};

// The formulas of Ba et al. 2016 and their derivative, row by row.
Plain plain_layer_norm(const Tensor& x_, const Tensor& gain_, const Tensor& bias_, const Tensor& dy_) {
  const Values x = x_.to_vector(), gain = gain_.to_vector(), bias = bias_.to_vector(), dy = dy_.to_vector();
  const std::size_t n = gain.size(), rows = x.size() / n;
  const double width = static_cast<double>(n);
  Plain r{Values(x.size()), Values(rows), Values(rows), Values(x.size()), Values(n, 0.0), Values(n, 0.0)};
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t at = row * n;
    double mean = 0, variance = 0;
    for (std::size_t j = 0; j < n; ++j) mean += x[at + j] / width;
    for (std::size_t j = 0; j < n; ++j) variance += (x[at + j] - mean) * (x[at + j] - mean) / width;
    const double rstd = 1 / std::sqrt(variance + kEpsilon);
    r.mean[row] = mean;
    r.rstd[row] = rstd;
    double total = 0, along = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const double normalised = (x[at + j] - mean) * rstd, d = dy[at + j] * gain[j];
      r.y[at + j] = normalised * gain[j] + bias[j];
      r.dgain[j] += dy[at + j] * normalised;
      r.dbias[j] += dy[at + j];
      total += d / width;
      along += d * normalised / width;
    }
    for (std::size_t j = 0; j < n; ++j)
      r.dx[at + j] = rstd * (dy[at + j] * gain[j] - total - (x[at + j] - mean) * rstd * along);
  }
  return r;
}

TEST_CASE("layer_norm: forward and backward agree with the formulas, on any strides, in f32 and f64") {
  for (const std::int64_t width : {1, 2, 7, 8, 17, 40}) {
    INFO(width);
    const Tensor x = normal({3, 5, width}, 1), dy = normal({3, 5, width}, 2), gain = normal({width}, 3),
                 bias = normal({width}, 4);
    const Plain expected = plain_layer_norm(x, gain, bias, dy);
    const LayerNormForward forward = layer_norm_forward(strided(x), strided(gain), strided(bias), kEpsilon);
    CHECK(forward.y.shape() == x.shape());
    CHECK(forward.mean.shape() == Shape{15});
    // A row of one element has variance 0 and rstd 316, which multiplies the rounding.
    CHECK(difference(forward.y, expected.y) <= 1e-11);
    CHECK(difference(forward.mean, expected.mean) <= 1e-13);
    CHECK(difference(forward.rstd, expected.rstd) <= 1e-9);
    const LayerNormBackward backward = layer_norm_backward(strided(x), strided(gain), forward, strided(dy));
    CHECK(difference(backward.dx, expected.dx) <= 1e-10);
    CHECK(difference(backward.dgain, expected.dgain) <= 1e-11);
    CHECK(difference(backward.dbias, expected.dbias) <= 1e-12);
    if (width < 7) continue;
    const Tensor small = x.to(DType::f32), small_gain = gain.to(DType::f32);
    const LayerNormForward rough = layer_norm_forward(small, small_gain, bias.to(DType::f32), kEpsilon);
    CHECK(difference(rough.y, expected.y) <= 2e-5);
    CHECK(difference(layer_norm_backward(small, small_gain, rough, dy.to(DType::f32)).dx, expected.dx) <= 1e-4);
  }
}

TEST_CASE("layer_norm: a constant row gives the bias, far from zero too") {
  const Tensor x = Tensor::full({2, 64}, 1e4), gain = Tensor::full({64}, 3), bias = Tensor::full({64}, 0.5);
  CHECK(difference(layer_norm_forward(x, gain, bias, kEpsilon).y, Values(128, 0.5)) <= 1e-3);
}

TEST_CASE("layer_norm: no rows and no columns give empty results and zero gradients") {
  const Tensor one = Tensor::ones({4}), none = Tensor::ones({0});
  const LayerNormForward rows = layer_norm_forward(Tensor::ones({0, 4}), one, one, kEpsilon);
  CHECK(rows.y.shape() == Shape{0, 4});
  const LayerNormBackward zero = layer_norm_backward(Tensor::ones({0, 4}), one, rows, Tensor::ones({0, 4}));
  CHECK(zero.dgain.to_vector() == Values(4, 0.0));
  CHECK(zero.dbias.to_vector() == Values(4, 0.0));
  const LayerNormForward columns = layer_norm_forward(Tensor::ones({3, 0}), none, none, kEpsilon);
  CHECK(columns.y.shape() == Shape{3, 0});
  CHECK(layer_norm_backward(Tensor::ones({3, 0}), none, columns, Tensor::ones({3, 0})).dgain.shape() ==
        Shape{0});
}

TEST_CASE("layer_norm: what does not fit is an error that shows all three shapes") {
  const Tensor x = Tensor::ones({2, 4}), four = Tensor::ones({4}), three = Tensor::ones({3});
  CHECK(thrown<ShapeError>([&] { layer_norm_forward(x, three, four, kEpsilon); }) ==
        "ShapeError: layer_norm: x is [2, 4], gain is [3], bias is [4]\n"
        "  requires gain.shape == bias.shape == [x.shape[-1]]\n"
        "  x: a tensor    gain: a tensor    bias: a tensor");
  CHECK_THROWS_AS(layer_norm_forward(x, four, three, kEpsilon), ShapeError);
  CHECK_THROWS_AS(layer_norm_forward(Tensor::scalar(1), four, four, kEpsilon), ShapeError);
  CHECK_THROWS_AS(layer_norm_forward(x, Tensor::ones({4}, DType::f64), four, kEpsilon), DTypeError);
  CHECK_THROWS_AS(layer_norm_forward(x, four, Tensor::ones({4}, DType::f64), kEpsilon), DTypeError);
  const LayerNormForward forward = layer_norm_forward(x, four, four, kEpsilon);
  CHECK(first_line(thrown<ShapeError>([&] { layer_norm_backward(x, four, forward, four); })) ==
        "ShapeError: layer_norm_backward: x is [2, 4], dy is [4], gain is [4]");
}

TEST_CASE("layer_norm: the same bits at any number of threads, for sizes that are cut") {
  const Tensor x = normal({1500, 67}, 5, DType::f32), dy = normal({1500, 67}, 6, DType::f32);
  const Tensor gain = normal({67}, 7, DType::f32), bias = normal({67}, 8, DType::f32);
  const auto backward = [&] {
    return layer_norm_backward(x, gain, layer_norm_forward(x, gain, bias, kEpsilon), dy);
  };
  CHECK(all_same(on_any_threads([&] { return layer_norm_forward(x, gain, bias, kEpsilon).y; })));
  CHECK(all_same(on_any_threads([&] { return backward().dx; })));
  CHECK(all_same(on_any_threads([&] { return backward().dgain; })));
  CHECK(all_same(on_any_threads([&] { return backward().dbias; })));
  const Plain expected = plain_layer_norm(x, gain, bias, dy);
  CHECK(difference(backward().dgain, expected.dgain) <= 1e-3);
}

TEST_CASE("layer_norm: a gradient that is one expanded number gives the bits of its copy") {
  const Tensor x = normal({3, 41, 19}, 9, DType::f32), gain = normal({19}, 10, DType::f32);
  const LayerNormForward forward = layer_norm_forward(x, gain, gain, kEpsilon);
  for (const Tensor& given : {Tensor::scalar(0.3), normal({41, 1}, 11, DType::f32)}) {
    const Tensor dy = given.expand(x.shape());
    const LayerNormBackward got = layer_norm_backward(x, gain, forward, dy),
                            want = layer_norm_backward(x, gain, forward, dy.clone());
    CHECK(identical(got.dx, want.dx));
    CHECK(identical(got.dgain, want.dgain));
    CHECK(identical(got.dbias, want.dbias));
  }
}

}  // namespace
}  // namespace heed::tests
