#include "layers/lstm.h"

#include "autograd/backward.h"
#include "autograd/ops/shape.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// The weights of a layer, for calling operations on them.
LstmWeights weights_of(const LSTM& layer) {
  const std::vector<Var> all = layer.parameters();
  return {all[0], all[1], all[2]};
}

// A layer with those values, and what it gives: outputs in the order hs, h, c, inputs x, h0, c0.
struct Case {
  std::int64_t batch = 4, time = 5, in = 3, hidden = 4;
  Rng rng{7};
  LSTM layer{in, hidden, rng};
  Var x, h0, c0;
  std::vector<Var> cotangents;

  Case() {
    take_random_parameters(layer, rng);
    x = normal_leaf({batch, time, in}, rng);
    h0 = normal_leaf({batch, hidden}, rng);
    c0 = normal_leaf({batch, hidden}, rng);
    cotangents = {Var(normal({batch, time, hidden}, rng)), Var(normal({batch, hidden}, rng)),
                  Var(normal({batch, hidden}, rng))};
  }
  std::vector<Var> gradients(const LstmOutput& output) const {
    const std::vector<Var> outputs{output.hs, output.state.h, output.state.c};
    std::vector<Var> inputs = layer.parameters();
    inputs.insert(inputs.end(), {x, h0, c0});
    return grad(outputs, inputs, {.cotangents = cotangents});
  }
};

std::vector<Var> outputs(const LstmOutput& output) { return {output.hs, output.state.h, output.state.c}; }

void check_against(const std::string& file, std::int64_t in, std::int64_t hidden, bool with_lengths) {
  const Fixture numbers(file);
  Rng rng(1);
  LSTM layer(in, hidden, rng);
  take_parameters(layer, numbers);
  const Var x = Var::parameter(numbers["x"]), h0 = Var::parameter(numbers["h0"]),
            c0 = Var::parameter(numbers["c0"]);
  const LstmOutput output = layer(x, {h0, c0}, with_lengths ? numbers.ids("lengths") : Tensor());
  CHECK(largest_difference(output.hs.value(), numbers["hs"]) < kTolerance);
  CHECK(largest_difference(output.state.h.value(), numbers["h"]) < kTolerance);
  CHECK(largest_difference(output.state.c.value(), numbers["c"]) < kTolerance);
  std::vector<Var> inputs = layer.parameters();
  inputs.insert(inputs.end(), {x, h0, c0});
  const std::vector<Var> gradients =
      grad(outputs(output), inputs,
           {.cotangents = {Var(numbers["dy.hs"]), Var(numbers["dy.h"]), Var(numbers["dy.c"])}});
  const char* const names[] = {"d.wx", "d.wh", "d.bias", "d.x", "d.h0", "d.c0"};
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    INFO(names[i]);
    CHECK(largest_difference(gradients[i].value(), numbers[names[i]]) < kTolerance);
  }
}

}  // namespace

TEST_CASE("lstm: outputs, last state and all gradients are PyTorch's") { check_against("lstm", 4, 6, false); }

TEST_CASE("lstm: with lengths they are those of PyTorch's packed sequences") {
  check_against("lstm_lengths", 3, 4, true);
}

TEST_CASE("lstm: the layer is its definition, with and without state and lengths") {
  const Case c;
  const Tensor lengths = ids_of({3, 0, 5, 1}, {4});
  for (const bool with_state : {false, true})
    for (const bool with_lengths : {false, true}) {
      const LstmState initial = with_state ? LstmState{c.h0, c.c0} : LstmState{};
      const Tensor& real = with_lengths ? lengths : Tensor();
      const LstmOutput fused = c.layer(c.x, initial, real);
      const LstmOutput plain = definition::lstm(c.x, initial, weights_of(c.layer), real);
      CHECK(largest_difference(outputs(fused), outputs(plain)) < kTolerance);
      std::vector<Var> inputs = c.layer.parameters();
      inputs.push_back(c.x);
      if (with_state) inputs.insert(inputs.end(), {c.h0, c.c0});
      const GradOptions options{.cotangents = c.cotangents};
      CHECK(largest_difference(grad(outputs(fused), inputs, options), grad(outputs(plain), inputs, options)) <
            kTolerance);
    }
}

TEST_CASE("lstm: the four gates lie in the order forget, candidate, input, output") {
  // One unit, one step; only the gate under test is not 0, so that its place among the four shows in c.
  Rng rng(1);
  LSTM layer(1, 1, rng);
  layer.to(DType::f64);
  const auto c_after = [&](std::vector<double> bias) {
    layer.load_state(
        {{"wx", Tensor::zeros({1, 4})}, {"wh", Tensor::zeros({1, 4})}, {"bias", Tensor::of(bias, {4})}});
    const Var one(Tensor::ones({1, 1}, DType::f64));
    const LstmState state = layer(Var(Tensor::zeros({1, 1, 1}, DType::f64)), {one, one}).state;
    return std::pair(state.c.item(), state.h.item());
  };
  const auto sigma = [](double z) { return 1 / (1 + std::exp(-z)); };
  CHECK(c_after({2, 0, 0, 0}).first == Approx(sigma(2)));                       // keeps more
  CHECK(c_after({0, 2, 0, 0}).first == Approx(0.5 + 0.5 * std::tanh(2)));       // adds a candidate
  CHECK(c_after({0, 2, 1, 0}).first == Approx(0.5 + sigma(1) * std::tanh(2)));  // adds more of it
  CHECK(c_after({0, 0, 0, 2}).second == Approx(sigma(2) * std::tanh(0.5)));     // shows more
}

TEST_CASE("lstm: what stands in padding changes nothing, in values and gradients") {
  const Case c;
  const Tensor lengths = ids_of({3, 5, 1, 4}, {4});
  const LstmOutput clean = c.layer(c.x, {c.h0, c.c0}, lengths);
  const std::vector<Var> of_clean = c.gradients(clean);

  const std::vector<std::int64_t> real{3, 5, 1, 4};
  Case dirty;  // the same draws
  for (std::int64_t b = 0; b < 4; ++b)
    dirty.x.mutable_value().select(0, b).slice(0, real[static_cast<std::size_t>(b)], 5).fill(1e3);
  const LstmOutput output = dirty.layer(dirty.x, {dirty.h0, dirty.c0}, lengths);
  CHECK(largest_difference(outputs(output), outputs(clean)) == 0);
  CHECK(largest_difference(dirty.gradients(output), of_clean) == 0);
  for (std::int64_t b = 0; b < 4; ++b) {
    const std::int64_t length = real[static_cast<std::size_t>(b)];
    CHECK(largest(clean.hs.value().select(0, b).slice(0, length, 5)) == 0);
    CHECK(largest(of_clean[3].value().select(0, b).slice(0, length, 5)) == 0);
    CHECK(identical(clean.state.h.value().select(0, b), clean.hs.value().select(0, b).select(0, length - 1)));
  }
}

TEST_CASE("lstm: a sequence in a padded batch gives what it gives alone") {
  const Case c;
  const Tensor lengths = ids_of({3, 5, 1, 4}, {4});
  const LstmOutput together = c.layer(c.x, {c.h0, c.c0}, lengths);
  for (std::int64_t b = 0; b < 4; ++b) {
    const auto length = static_cast<std::int64_t>(lengths.at({b}));
    const auto row = [&](const Var& v) { return Var(v.value().slice(0, b, b + 1)); };
    const LstmOutput alone = c.layer(Var(row(c.x).value().slice(1, 0, length)), {row(c.h0), row(c.c0)});
    CHECK(largest_difference(alone.hs.value(), row(together.hs).value().slice(1, 0, length)) < kTolerance);
    CHECK(largest_difference(alone.state.c.value(), row(together.state.c).value()) < kTolerance);
  }
}

TEST_CASE("lstm: two halves with the state passed on are the whole, in values and gradients") {
  const Case c;
  const LstmOutput whole = c.layer(c.x, {c.h0, c.c0});
  const LstmOutput first = c.layer(slice(c.x, 1, 0, 2), {c.h0, c.c0});
  const LstmOutput second = c.layer(slice(c.x, 1, 2, 5), first.state);
  const LstmOutput joined{concat({first.hs, second.hs}, 1), second.state};
  CHECK(largest_difference(outputs(joined), outputs(whole)) < kTolerance);
  CHECK(largest_difference(c.gradients(joined), c.gradients(whole)) < kTolerance);
}

TEST_CASE("lstm: the order of sequences in the batch is the order of the results") {
  const Case c;
  const LstmOutput output = c.layer(c.x, {c.h0, c.c0});
  const auto turned = [](const Var& v) {
    return concat({slice(v, 0, 2, v.extent(0)), slice(v, 0, 0, 2)}, 0);  // b -> b + 2
  };
  const LstmOutput of_turned = c.layer(turned(c.x), {turned(c.h0), turned(c.c0)});
  CHECK(largest_difference(of_turned.hs.value(), turned(output.hs).value()) < kTolerance);
  CHECK(largest_difference(of_turned.state.c.value(), turned(output.state.c).value()) < kTolerance);
}

TEST_CASE("lstm: errors name the layer") {
  const Case c;
  const auto zeros = [](const Shape& shape) { return Var(Tensor::zeros(shape, DType::f64)); };
  const std::string path = "in: LSTM 3 -> 4";
  const std::string width = thrown<ShapeError>([&] { c.layer(zeros({4, 5, 2})); });
  CHECK_THAT(width, ContainsSubstring("x is [4, 5, 2], Wx is [3, 16]"));
  CHECK_THAT(width, ContainsSubstring("Wx: parameter \"wx\""));
  CHECK_THAT(width, ContainsSubstring(path));
  CHECK_THAT(thrown<ShapeError>([&] { c.layer(c.x, {zeros({3, 4}), {}}); }), ContainsSubstring(path));
  CHECK_THAT(thrown<IndexError>([&] {
               c.layer(c.x, {}, ids_of({1, 6, 0, 0}, {4}));
             }),
             ContainsSubstring("length 6 of sequence 1 is outside the 5 steps\n  " + path));
}

}  // namespace heed::tests
