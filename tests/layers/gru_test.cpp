// GRU, RNN and LayerNormLSTM as layers; RecurrentStack's tests hold the first two against PyTorch.
#include "layers/gru.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "layers/layer_norm_lstm.h"
#include "layers/rnn.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

double sigma(double v) { return 1 / (1 + std::exp(-v)); }

Var number(double value) { return Var(Tensor::full({1, 1}, value, DType::f64)); }

}  // namespace

TEST_CASE("gru: gates lie in the order update, reset, candidate, and each variant is its equations") {
  // One unit, one step, with a state: every weight differs, so that no two can be confused.
  const double x = 0.7, h = -0.4;
  const double wx[] = {0.5, -1.1, 0.9}, wh[] = {1.3, 0.8, -0.6}, b[] = {0.2, -0.3, 0.4}, bh = 0.25;
  const double z = sigma(x * wx[0] + h * wh[0] + b[0]), r = sigma(x * wx[1] + h * wh[1] + b[1]);
  for (const bool after : {true, false})
    for (const bool keeps : {true, false}) {
      Rng rng(1);
      GRU layer(1, 1, rng,
                {after ? ResetGate::after_product : ResetGate::before_product,
                 keeps ? UpdateGate::keeps_state : UpdateGate::takes_candidate});
      layer.to(DType::f64);
      NamedTensors state{{"wx", Tensor::of({0.5, -1.1, 0.9}, {1, 3}, DType::f64)},
                         {"wh", Tensor::of({1.3, 0.8, -0.6}, {1, 3}, DType::f64)},
                         {"bias", Tensor::of({0.2, -0.3, 0.4}, {3}, DType::f64)}};
      if (after) state.emplace_back("recurrent_bias", Tensor::of({bh}, {1}, DType::f64));
      layer.load_state(state);
      const double n = std::tanh(x * wx[2] + b[2] + (after ? r * (h * wh[2] + bh) : r * h * wh[2]));
      const double expected = keeps ? (1 - z) * n + z * h : (1 - z) * h + z * n;
      const RecurrentOutput output = layer(Var(Tensor::full({1, 1, 1}, x, DType::f64)), number(h));
      CHECK(std::abs(output.state.item() - expected) < 1e-15);
      CHECK(std::abs(output.hs.item() - expected) < 1e-15);
    }
}

TEST_CASE("gru, rnn: initial values are within 1 / sqrt(hidden), and reach there") {
  Rng rng(1);
  const GRU gru(7, 100, rng), before(7, 100, rng, {ResetGate::before_product, UpdateGate::takes_candidate});
  const RNN rnn(7, 100, rng);
  for (const Module* const layer : std::initializer_list<const Module*>{&gru, &before, &rnn})
    for (const Var& parameter : layer->parameters()) {
      INFO(layer->description() << " " << parameter.name());
      CHECK(largest(parameter.value()) < 0.1);
      CHECK(largest(parameter.value()) > 0.09);
    }
  CHECK(gru.parameters().size() == 4);
  CHECK(before.parameters().size() == 3);
  CHECK(gru.parameters()[3].shape() == Shape{100});
}

TEST_CASE("gru, rnn: errors name the layer") {
  Rng rng(1);
  const GRU gru(3, 4, rng);
  const RNN rnn(3, 4, rng, RnnActivation::relu);
  const Var narrow(Tensor::ones({4, 5, 2}));
  CHECK_THAT(thrown<ShapeError>([&] { gru(narrow); }),
             ContainsSubstring("gru: x is [4, 5, 2]") && ContainsSubstring("in: GRU 3 -> 4"));
  CHECK_THAT(thrown<ShapeError>([&] { rnn(narrow); }),
             ContainsSubstring("rnn: x is [4, 5, 2]") && ContainsSubstring("in: RNN 3 -> 4, relu"));
}

TEST_CASE("layer norm lstm: one step is the paper's equations") {
  Rng rng(2);
  LayerNormLSTM layer(3, 2, rng);
  take_random_parameters(layer, rng);
  const Var x = normal_leaf({4, 1, 3}, rng), h = normal_leaf({4, 2}, rng), c = normal_leaf({4, 2}, rng);
  const std::vector<Var> p = layer.parameters();  // wx, wh, bias, then gain and bias of the norms of x, h, c
  const auto norm = [](const Var& v, const Var& gain, const Var& bias) {
    return definition::layer_norm(v, gain, bias, 1e-5);
  };
  const Var gates = norm(matmul(select(x, 1, 0), p[0]), p[3], p[4]) + norm(matmul(h, p[1]), p[5], p[6]) + p[2];
  const auto gate = [&](int i) { return slice(gates, 1, 2 * i, 2 * i + 2); };
  const Var c_after = sigmoid(gate(0)) * c + tanh(gate(1)) * sigmoid(gate(2));
  const Var h_after = sigmoid(gate(3)) * tanh(norm(c_after, p[7], p[8]));
  const LstmOutput output = layer(x, {h, c});
  CHECK(largest_difference(output.state.h.value(), h_after.value()) < kTolerance);
  CHECK(largest_difference(output.state.c.value(), c_after.value()) < kTolerance);
  CHECK(largest_difference(output.hs.value().select(1, 0), h_after.value()) < kTolerance);
}

TEST_CASE("layer norm lstm: weights at any scale give the same outputs") {
  Rng rng(2);
  LayerNormLSTM layer(3, 4, rng, {.epsilon = 1e-14});
  take_random_parameters(layer, rng);
  const Var x = normal_leaf({4, 5, 3}, rng), h = normal_leaf({4, 4}, rng);
  const Tensor before = layer(x, {h, {}}).hs.value();
  for (Var parameter : layer.parameters())
    if (parameter.name() == "wx" || parameter.name() == "wh") scale(parameter.mutable_value(), 7);
  CHECK(largest_difference(layer(x, {h, {}}).hs.value(), before) < kTolerance);
}

TEST_CASE("layer norm lstm: gradients of first and second order are the derivatives, padding or not") {
  Rng rng(3);
  LayerNormLSTM layer(2, 3, rng);
  take_random_parameters(layer, rng);
  const Tensor lengths = ids_of({3, 2}, {2});
  std::vector<Var> inputs = layer.parameters();
  inputs.push_back(normal_leaf({2, 3, 2}, rng));
  inputs.push_back(normal_leaf({2, 3}, rng));
  inputs.push_back(normal_leaf({2, 3}, rng));
  const auto run = [&](std::span<const Var> in) {
    const std::size_t first = in.size() - 3;
    const LstmOutput output = layer(in[first], {in[first + 1], in[first + 2]}, lengths);
    return std::vector<Var>{output.hs, output.state.h, output.state.c};
  };
  const std::vector<Var> states(inputs.end() - 3, inputs.end());
  const GradcheckReport first = gradcheck(run, states), second = gradgradcheck(run, states);
  INFO(to_string(first) << to_string(second));
  CHECK(first);
  CHECK(second);
  // The parameters are changed where they stand, which moves the layer's own.
  const GradcheckReport of_parameters = gradcheck(run, inputs);
  INFO(to_string(of_parameters));
  CHECK(of_parameters);
}

TEST_CASE("layer norm lstm: what does not fit is refused as an LSTM does") {
  Rng rng(1);
  const LayerNormLSTM layer(3, 4, rng);
  const Var x(Tensor::ones({4, 5, 3}));
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(Var(Tensor::ones({4, 5, 2})));
             }),
             ContainsSubstring("layer_norm_lstm: x is [4, 5, 2], Wx is [3, 16]") &&
                 ContainsSubstring("in: LayerNormLSTM 3 -> 4"));
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(x, {{}, Var(Tensor::ones({4, 3}))});
             }),
             ContainsSubstring("an initial state is [4, 3]"));
  CHECK_THAT(thrown<IndexError>([&] {
               layer(x, {}, ids_of({1, 6, 0, 0}, {4}));
             }),
             ContainsSubstring("length 6 of sequence 1 is outside the 5 steps"));
  CHECK(layer(Var(Tensor::ones({4, 0, 3}))).hs.shape() == Shape{4, 0, 4});
}

}  // namespace heed::tests
