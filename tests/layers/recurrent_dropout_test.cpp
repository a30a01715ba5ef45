// Dropout of the state of recurrent layers, one mask for all steps of a sequence: of the cells, to which the
// factors are given, and of RecurrentStack, which draws them.
#include <cmath>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "layers/recurrent_stack.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

std::vector<Var> all_of(const RecurrentOutput& output) { return {output.hs, output.state}; }
std::vector<Var> all_of(const LstmOutput& output) { return {output.hs, output.state.h, output.state.c}; }

template <class Cell>
struct Case {
  std::int64_t batch, time = 5, in = 3, hidden = 4;
  Rng rng{7};
  Cell layer{in, hidden, rng};
  Var x;
  Tensor factors;

  explicit Case(std::int64_t sequences) : batch(sequences) {
    take_random_parameters(layer, rng);
    x = normal_leaf({batch, time, in}, rng);
    factors = dropout_factors({batch, hidden}, 0.4, rng, DType::f64);
  }
  std::vector<Var> gradients(const std::vector<Var>& outputs) const {
    std::vector<Var> inputs = layer.parameters(), cotangents;
    inputs.push_back(x);
    Rng draws(8);
    for (const Var& output : outputs) cotangents.emplace_back(normal(output.shape(), draws));
    return grad(outputs, inputs, {.cotangents = cotangents});
  }
};

// Values and all gradients for factors and lengths of the fixture.
template <class Cell>
void check_against(const std::string& file) {
  constexpr bool kLstm = std::is_same_v<Cell, LSTM>;
  const Fixture numbers(file);
  Rng rng(1);
  Cell layer(3, 4, rng);
  take_parameters(layer, numbers);
  const Var x = leaf(numbers, "x"), h0 = leaf(numbers, "h0");
  std::vector<Var> inputs = layer.parameters(), cotangents;
  std::vector<const char*> names{"hs", "h"};
  inputs.insert(inputs.end(), {x, h0});
  typename Cell::State initial;
  if constexpr (kLstm) {
    inputs.push_back(leaf(numbers, "c0"));
    names.push_back("c");
    initial = {h0, inputs.back()};
  } else {
    initial = h0;
  }
  const std::vector<Var> outputs = all_of(layer(x, initial, numbers.ids("lengths"), numbers["factors"]));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    INFO(names[i]);
    CHECK(largest_difference(outputs[i].value(), numbers[names[i]]) < kTolerance);
    cotangents.emplace_back(numbers[text("dy.", names[i])]);
  }
  const std::vector<Var> gradients = grad(outputs, inputs, {.cotangents = cotangents});
  const std::size_t parameters = layer.parameters().size();
  const char* const of_inputs[] = {"x", "h0", "c0"};
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::string name = i < parameters ? inputs[i].name() : of_inputs[i - parameters];
    INFO(name);
    CHECK(largest_difference(gradients[i].value(), numbers["d." + name]) < kTolerance);
  }
}

}  // namespace

TEST_CASE("recurrent dropout: values and all gradients are those of PyTorch's layers, step by step") {
  SECTION("RNN") { check_against<RNN>("dropped_rnn"); }
  SECTION("GRU") { check_against<GRU>("dropped_gru"); }
  SECTION("LSTM") { check_against<LSTM>("dropped_lstm"); }
}

TEMPLATE_TEST_CASE("recurrent dropout: of one sequence it is one of the rows of Wh, in values and gradients",
                   "", RNN, GRU, LSTM, LayerNormLSTM) {
  Case<TestType> c(1);
  const std::vector<Var> dropped = all_of(c.layer(c.x, {}, {}, c.factors));
  const std::vector<Var> of_dropped = c.gradients(dropped);
  NamedTensors state = c.layer.state();
  const Tensor of_rows = c.factors.transpose();  // [H, 1]
  for (auto& [name, value] : state) value = name == "wh" ? value * of_rows : value.clone();
  c.layer.load_state(state);
  const std::vector<Var> without = all_of(c.layer(c.x));
  std::vector<Var> of_without = c.gradients(without);
  of_without[1] = of_without[1] * Var(of_rows);
  CHECK(largest_difference(dropped, without) < kTolerance);
  CHECK(largest_difference(of_dropped, of_without) < kTolerance);
}

TEMPLATE_TEST_CASE("recurrent dropout: two halves with one mask are the whole, in values and gradients", "",
                   RNN, GRU, LSTM, LayerNormLSTM) {
  const Case<TestType> c(6);
  const auto whole = c.layer(c.x, {}, {}, c.factors);
  const auto first = c.layer(slice(c.x, 1, 0, 2), {}, {}, c.factors);
  const auto second = c.layer(slice(c.x, 1, 2, 5), first.state, {}, c.factors);
  std::vector<Var> joined = all_of(second);
  joined[0] = concat({first.hs, second.hs}, 1);
  CHECK(largest_difference(joined, all_of(whole)) < kTolerance);
  CHECK(largest_difference(c.gradients(joined), c.gradients(all_of(whole))) < kTolerance);
}

TEST_CASE("recurrent dropout: a GRU's update gate carries over what is dropped") {
  Rng rng(1);
  GRU layer(1, 2, rng);
  Tensor bias = Tensor::zeros({6});
  bias.slice(0, 0, 2).fill(50);  // z = 1: keeps all of h
  layer.load_state({{"wx", Tensor::zeros({1, 6})},
                    {"wh", Tensor::zeros({2, 6})},
                    {"bias", bias},
                    {"recurrent_bias", Tensor::zeros({2})}});
  const Tensor h = Tensor::of({0.5, -2}, {1, 2});
  const Tensor kept = layer(Var(Tensor::ones({1, 3, 1})), Var(h), {}, Tensor::zeros({1, 2})).state.value();
  CHECK(identical(kept, h));
}

TEST_CASE("recurrent dropout: a LayerNormLSTM's gradients are the derivatives") {
  const Case<LayerNormLSTM> c(3);
  const Tensor lengths = ids_of({3, 5, 2}, {3});
  Rng rng(9);
  const std::vector<Var> inputs{c.x, normal_leaf({3, 4}, rng), normal_leaf({3, 4}, rng)};
  const auto run = [&](std::span<const Var> in) {
    return all_of(c.layer(in[0], {in[1], in[2]}, lengths, c.factors));
  };
  const GradcheckReport report = gradcheck(run, inputs);
  INFO(to_string(report));
  CHECK(report);
}

TEST_CASE("recurrent stack: dropout of the state takes one mask for all steps of a sequence") {
  // A cell that gives max(0, h), from a state of ones: a unit that is dropped stays 0, the others double.
  Rng rng(1);
  RecurrentStack<RNN> stack({.in = 1, .hidden = 40, .recurrent_dropout = 0.5}, rng, RnnActivation::relu);
  Tensor identity = Tensor::zeros({40, 40});
  for (std::int64_t i = 0; i < 40; ++i) identity.set({i, i}, 1);
  stack.load_state({{"0.wx", Tensor::zeros({1, 40})}, {"0.wh", identity}, {"0.bias", Tensor::zeros({40})}});
  const Tensor hs = stack(Var(Tensor::ones({3, 6, 1})), {Var(Tensor::ones({3, 40}))}, {}, &rng).hs.value();
  int dropped = 0;
  for (std::int64_t b = 0; b < 3; ++b)
    for (std::int64_t unit = 0; unit < 40; ++unit) {
      const bool is_dropped = hs.at({b, 0, unit}) == 0;
      dropped += is_dropped ? 1 : 0;
      for (std::int64_t t = 0; t < 6; ++t)
        CHECK(hs.at({b, t, unit}) == (is_dropped ? 0 : std::pow(2.0, static_cast<double>(t + 1))));
    }
  CHECK_FALSE(identical(hs.select(0, 0), hs.select(0, 1)));
  CHECK(dropped > 120 * 0.5 - 5 * std::sqrt(30.0));  // five deviations
  CHECK(dropped < 120 * 0.5 + 5 * std::sqrt(30.0));
}

TEMPLATE_TEST_CASE("recurrent stack: dropout of the state draws a mask for each layer and direction, in order",
                   "", RNN, GRU, LSTM, LayerNormLSTM) {
  const StackConfig config{.in = 3,
                           .hidden = 4,
                           .layers = 2,
                           .bidirectional = true,
                           .dropout = 0.3,
                           .variational = true,
                           .recurrent_dropout = 0.4};
  Rng rng(5);
  RecurrentStack<TestType> stack(config, rng);
  take_random_parameters(stack, rng);
  const Var x = normal_leaf({6, 5, 3}, rng);
  const Tensor lengths = ids_of({3, 5, 1, 4, 2, 5}, {6});
  Rng of_stack(11), by_hand(11);
  const Tensor hs = stack(x, {}, lengths, &of_stack).hs.value();

  Var in = x;
  for (const char* const layer : {"0", "1"}) {
    if (*layer == '1') in = variational_dropout(in, 0.3, by_hand);
    const auto run = [&](const std::string& part, const Var& of) {
      TestType cell(of.extent(-1), 4, rng);
      cell.to(DType::f64);
      NamedTensors state;
      for (const auto& [name, value] : stack.state())
        if (name.starts_with(part + ".")) state.emplace_back(name.substr(part.size() + 1), value);
      cell.load_state(state);
      return cell(of, {}, lengths, dropout_factors({6, 4}, 0.4, by_hand, DType::f64)).hs;
    };
    const Var forward = run(layer, in);
    const Var backward = run(text(layer, "_reverse"), reverse_sequences(in, lengths));
    in = concat({forward, reverse_sequences(backward, lengths)}, -1);
  }
  CHECK(identical(hs, in.value()));
  CHECK(of_stack.state() == by_hand.state());
}

TEST_CASE("recurrent stack: dropout of the state is for training, and needs a generator there") {
  Rng rng(3);
  RecurrentStack<GRU> stack({.in = 3, .hidden = 4, .recurrent_dropout = 0.5}, rng);
  const Var x(Tensor::normal({2, 5, 3}, 0, 1, rng));
  CHECK_THAT(thrown<ConfigError>([&] { stack(x); }),
             ContainsSubstring("dropout in training needs a generator"));
  const Tensor trained = stack(x, {}, {}, &rng).hs.value();
  stack.eval();
  const Rng::State before = rng.state();
  const Tensor evaluated = stack(x, {}, {}, &rng).hs.value();
  CHECK(rng.state() == before);
  CHECK(identical(evaluated, stack(x).hs.value()));
  CHECK_FALSE(identical(evaluated, trained));
  // The first step has no state to drop.
  CHECK(identical(evaluated.select(1, 0), trained.select(1, 0)));
}

TEST_CASE("recurrent dropout: what does not fit is refused, with the path to the layer") {
  Rng rng(1);
  CHECK(thrown<ConfigError>([&] {
          RecurrentStack<RNN>({.in = 3, .hidden = 4, .recurrent_dropout = 1}, rng);
        }) == "ConfigError: RecurrentStack: a dropout of 1\n  requires 0 <= probability < 1");
  const Var x(Tensor::ones({2, 5, 3}));
  const Tensor narrow = Tensor::ones({2, 3});
  CHECK(thrown<ShapeError>([&] {
          LSTM(3, 4, rng)(x, {}, {}, narrow);
        }) == "ShapeError: lstm: h_factors is [2, 3]\n  requires [2, 4]\n  in: LSTM 3 -> 4");
  CHECK_THAT(thrown<ShapeError>([&] { LayerNormLSTM(3, 4, rng)(x, {}, {}, narrow); }),
             ContainsSubstring("layer_norm_lstm: h_factors is [2, 3]"));
}

}  // namespace heed::tests
