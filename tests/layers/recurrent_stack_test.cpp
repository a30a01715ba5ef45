#include "layers/recurrent_stack.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// A state's parts: h alone, or h and c.
std::vector<Var> parts(const Var& state) { return {state}; }
std::vector<Var> parts(const LstmState& state) { return {state.h, state.c}; }
template <class State>
State state_of(const std::vector<Var>& parts);
template <>
Var state_of<Var>(const std::vector<Var>& parts) {
  return parts[0];
}
template <>
LstmState state_of<LstmState>(const std::vector<Var>& parts) {
  return {parts[0], parts[1]};
}

// hs and all states.
template <class Output>
std::vector<Var> all_of(const Output& output) {
  std::vector<Var> all{output.hs};
  for (const auto& state : output.states)
    for (const Var& part : parts(state)) all.push_back(part);
  return all;
}

// The fixture's arrays "h" and "c" with that prefix and suffix, each [layers directions, B, H].
template <class State>
std::vector<Tensor> arrays_of_states(const Fixture& numbers, const std::string& before,
                                     const std::string& after) {
  std::vector<Tensor> all{numbers[before + "h" + after]};
  if constexpr (std::is_same_v<State, LstmState>) all.push_back(numbers[before + "c" + after]);
  return all;
}

// Two layers in both directions with lengths: values and all gradients.
template <class Cell, class... Options>
void check_against(const std::string& file, const Options&... options) {
  using State = typename Cell::State;
  const Fixture numbers(file);
  Rng rng(1);
  RecurrentStack<Cell> stack({.in = 3, .hidden = 4, .layers = 2, .bidirectional = true}, rng, options...);
  take_parameters(stack, numbers);
  const Var x = Var::parameter(numbers["x"]);
  std::vector<Var> initial;  // "h0" and perhaps "c0"
  for (const Tensor& array : arrays_of_states<State>(numbers, "", "0"))
    initial.push_back(Var::parameter(array));
  std::vector<State> states;
  for (int i = 0; i < 4; ++i) {
    std::vector<Var> of_state;
    for (const Var& array : initial) of_state.push_back(select(array, 0, i));
    states.push_back(state_of<State>(of_state));
  }
  const auto output = stack(x, states, numbers.ids("lengths"));
  CHECK(largest_difference(output.hs.value(), numbers["hs"]) < kTolerance);
  std::vector<Var> outputs{output.hs}, cotangents{Var(numbers["dy.hs"])};
  const std::vector<Tensor> last = arrays_of_states<State>(numbers, "", ""),
                            dlast = arrays_of_states<State>(numbers, "dy.", "");
  for (std::size_t part = 0; part < last.size(); ++part)
    for (std::size_t i = 0; i < 4; ++i) {
      const auto at = static_cast<std::int64_t>(i);
      outputs.push_back(parts(output.states[i])[part]);
      cotangents.emplace_back(dlast[part].select(0, at));
      CHECK(largest_difference(outputs.back().value(), last[part].select(0, at)) < kTolerance);
    }
  std::vector<Var> inputs = stack.parameters();
  std::vector<std::string> names;
  for (const Var& parameter : inputs) names.push_back("d." + parameter.name());
  inputs.push_back(x);
  inputs.insert(inputs.end(), initial.begin(), initial.end());
  for (const char* const name : {"d.x", "d.h0", "d.c0"}) names.push_back(name);
  const std::vector<Var> gradients = grad(outputs, inputs, {.cotangents = cotangents});
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    INFO(names[i]);
    CHECK(largest_difference(gradients[i].value(), numbers[names[i]]) < kTolerance);
  }
}

template <class Cell>
struct Case {
  std::int64_t batch = 4, time = 5;
  Rng rng{7};
  RecurrentStack<Cell> stack;
  Var x;
  Tensor lengths = ids_of({3, 5, 1, 4}, {4});

  explicit Case(const StackConfig& config) : stack(config, rng) {
    take_random_parameters(stack, rng);
    x = normal_leaf({batch, time, config.in}, rng);
  }
  std::vector<Var> gradients(const std::vector<Var>& outputs) const {
    std::vector<Var> inputs = stack.parameters(), cotangents;
    inputs.push_back(x);
    Rng draws(8);
    for (const Var& output : outputs) cotangents.emplace_back(normal(output.shape(), draws));
    return grad(outputs, inputs, {.cotangents = cotangents});
  }
};

const StackConfig kBoth{.in = 3, .hidden = 4, .layers = 2, .bidirectional = true};

}  // namespace

TEST_CASE("recurrent stack: two layers in both directions over lengths are PyTorch's, with all gradients") {
  SECTION("RNN, tanh") { check_against<RNN>("stack_rnn"); }
  SECTION("RNN, relu") { check_against<RNN>("stack_relu", RnnActivation::relu); }
  SECTION("GRU") { check_against<GRU>("stack_gru"); }
  SECTION("LSTM") { check_against<LSTM>("stack_lstm"); }
}

TEMPLATE_TEST_CASE("recurrent stack: what stands in padding changes nothing, in values and gradients", "", RNN,
                   GRU, LSTM, LayerNormLSTM) {
  StackConfig config = kBoth;
  config.residual = true;
  Case<TestType> c(config);
  const std::vector<Var> clean = all_of(c.stack(c.x, {}, c.lengths));
  const std::vector<Var> of_clean = c.gradients(clean);
  for (std::int64_t b = 0; b < 4; ++b) {
    const auto length = static_cast<std::int64_t>(c.lengths.at({b}));
    c.x.mutable_value().select(0, b).slice(0, length, 5).fill(NAN);
    CHECK(largest(clean[0].value().select(0, b).slice(0, length, 5)) == 0);
    CHECK(largest(of_clean.back().value().select(0, b).slice(0, length, 5)) == 0);
  }
  const std::vector<Var> dirty = all_of(c.stack(c.x, {}, c.lengths));
  CHECK(largest_difference(dirty, clean) == 0);
  CHECK(largest_difference(c.gradients(dirty), of_clean) == 0);
}

TEMPLATE_TEST_CASE(
    "recurrent stack: a sequence in a padded batch gives what it gives alone, in both directions", "", RNN, GRU,
    LSTM, LayerNormLSTM) {
  const Case<TestType> c(kBoth);
  const std::vector<Var> together = all_of(c.stack(c.x, {}, c.lengths));
  for (std::int64_t b = 0; b < 4; ++b) {
    const auto length = static_cast<std::int64_t>(c.lengths.at({b}));
    const auto row = [&](const Tensor& v) { return v.slice(0, b, b + 1); };
    const std::vector<Var> alone = all_of(c.stack(Var(row(c.x.value()).slice(1, 0, length))));
    CHECK(largest_difference(alone[0].value(), row(together[0].value()).slice(1, 0, length)) < kTolerance);
    for (std::size_t i = 1; i < alone.size(); ++i)
      CHECK(largest_difference(alone[i].value(), row(together[i].value())) < kTolerance);
  }
}

TEST_CASE("recurrent stack: one direction goes on from its states as if it had never stopped") {
  const Case<GRU> c({.in = 3, .hidden = 4, .layers = 3, .residual = true});
  const auto whole = c.stack(c.x);
  const auto first = c.stack(slice(c.x, 1, 0, 2));
  const auto second = c.stack(slice(c.x, 1, 2, 5), first.states);
  std::vector<Var> joined = all_of(second);
  joined[0] = concat({first.hs, second.hs}, 1);
  CHECK(largest_difference(joined, all_of(whole)) < kTolerance);
  CHECK(largest_difference(c.gradients(joined), c.gradients(all_of(whole))) < kTolerance);
}

TEST_CASE("recurrent stack: the way back is the way there over reversed sequences") {
  Case<LSTM> c({.in = 3, .hidden = 4, .layers = 1, .bidirectional = true});
  const Tensor hs = c.stack(c.x, {}, c.lengths).hs.value();
  NamedTensors swapped;
  for (const auto& [name, value] : c.stack.state())
    swapped.emplace_back(name[1] == '_' ? "0." + name.substr(10) : "0_reverse." + name.substr(2),
                         value.clone());
  c.stack.load_state(swapped);
  const Var of_reversed = c.stack(reverse_sequences(c.x, c.lengths), {}, c.lengths).hs;
  const Tensor back = reverse_sequences(of_reversed, c.lengths).value();
  CHECK(largest_difference(back.slice(-1, 0, 4), hs.slice(-1, 4, 8)) < kTolerance);
  CHECK(largest_difference(back.slice(-1, 4, 8), hs.slice(-1, 0, 4)) < kTolerance);
}

TEST_CASE("recurrent stack: a residual stack adds each layer's input to its output, from the second on") {
  Case<RNN> c({.in = 3, .hidden = 4, .layers = 2, .residual = true});
  for (Var parameter : c.stack.parameters())  // a second layer that gives 0
    if (parameter.name()[0] == '1') parameter.mutable_value().fill(0);
  Rng rng(1);
  RecurrentStack<RNN> first({.in = 3, .hidden = 4}, rng);
  first.to(DType::f64);
  NamedTensors state = c.stack.state();
  state.resize(3);
  first.load_state(state);
  CHECK(largest_difference(c.stack(c.x, {}, c.lengths).hs.value(), first(c.x, {}, c.lengths).hs.value()) == 0);
}

TEST_CASE(
    "recurrent stack: every layer is given the context beside what comes from below, which alone it adds") {
  Case<GRU> c({.in = 3, .hidden = 4, .layers = 3, .context = 2, .residual = true});
  CHECK(c.stack.description() == "RecurrentStack 3 -> 4, 3 layers, context 2, residual");
  const Var context(normal({4, 5, 2}, c.rng));
  Var below = c.x;
  for (int layer = 0; layer < 3; ++layer) {
    Rng rng(1);
    GRU cell(layer == 0 ? 5 : 6, 4, rng);
    cell.to(DType::f64);
    NamedTensors state;
    for (const auto& [name, value] : c.stack.state())
      if (name[0] == '0' + layer) state.emplace_back(name.substr(2), value);
    cell.load_state(state);
    const Var hs = cell(concat({below, context}, -1), {}, c.lengths).hs;
    below = layer == 0 ? hs : hs + below;
  }
  CHECK(largest_difference(c.stack(c.x, {}, c.lengths, nullptr, context).hs.value(), below.value()) <
        kTolerance);
  CHECK_THAT(thrown<ShapeError>([&] { c.stack(c.x); }), ContainsSubstring("0 (GRU 5 -> 4)"));
}

TEST_CASE("recurrent stack: dropout lies between the layers and on x, in training only") {
  Rng rng(3);
  const Case<RNN> between({.in = 3, .hidden = 4, .layers = 2, .dropout = 0.5});
  const auto a = between.stack(between.x, {}, {}, &rng), b = between.stack(between.x, {}, {}, &rng);
  CHECK(identical(a.states[0].value(), b.states[0].value()));
  CHECK_FALSE(identical(a.states[1].value(), b.states[1].value()));

  Case<RNN> on_x({.in = 3, .hidden = 4, .layers = 1, .input_dropout = 0.5, .dropout = 0.5});
  CHECK_FALSE(
      identical(on_x.stack(on_x.x, {}, {}, &rng).hs.value(), on_x.stack(on_x.x, {}, {}, &rng).hs.value()));
  on_x.stack.eval();
  const Rng::State before = rng.state();
  CHECK(identical(on_x.stack(on_x.x, {}, {}, &rng).hs.value(), on_x.stack(on_x.x).hs.value()));
  CHECK(rng.state() == before);
}

TEST_CASE("recurrent stack: the same generator gives the same dropout") {
  const Case<GRU> c(
      {.in = 3, .hidden = 4, .layers = 2, .bidirectional = true, .dropout = 0.5, .variational = true});
  const auto run = [&](std::uint64_t seed) {
    Rng rng(seed);
    return c.stack(c.x, {}, c.lengths, &rng).hs.value();
  };
  CHECK(identical(run(5), run(5)));
  CHECK_FALSE(identical(run(5), run(6)));
}

TEST_CASE("recurrent stack: variational dropout takes one mask for all steps of a sequence") {
  // A cell that gives max(0, x): what is dropped shows in its outputs.
  Rng rng(1);
  RecurrentStack<RNN> stack({.in = 40, .hidden = 40, .input_dropout = 0.5, .variational = true}, rng,
                            RnnActivation::relu);
  Tensor identity = Tensor::zeros({40, 40});
  for (std::int64_t i = 0; i < 40; ++i) identity.set({i, i}, 1);
  stack.load_state({{"0.wx", identity}, {"0.wh", Tensor::zeros({40, 40})}, {"0.bias", Tensor::zeros({40})}});
  const Tensor hs = stack(Var(Tensor::ones({3, 6, 40})), {}, {}, &rng).hs.value();
  for (std::int64_t t = 1; t < 6; ++t) CHECK(identical(hs.select(1, t), hs.select(1, 0)));
  CHECK_FALSE(identical(hs.select(0, 0), hs.select(0, 1)));
  int dropped = 0;
  for (const double v : hs.select(1, 0).to_vector()) {
    CHECK((v == 0 || v == 2));
    dropped += v == 0 ? 1 : 0;
  }
  CHECK(dropped > 120 * 0.5 - 5 * std::sqrt(30.0));  // five deviations
  CHECK(dropped < 120 * 0.5 + 5 * std::sqrt(30.0));
}

TEST_CASE("recurrent stack: parts are named as PyTorch's layers, and state and summary follow") {
  Rng rng(1);
  const RecurrentStack<LSTM> stack(kBoth, rng);
  std::vector<std::string> names;
  for (const Var& parameter : stack.parameters()) names.push_back(parameter.name());
  CHECK(names == std::vector<std::string>{"0.wx", "0.wh", "0.bias", "0_reverse.wx", "0_reverse.wh",
                                          "0_reverse.bias", "1.wx", "1.wh", "1.bias", "1_reverse.wx",
                                          "1_reverse.wh", "1_reverse.bias"});
  CHECK(stack.description() == "RecurrentStack 3 -> 8, 2 layers, both directions");
  CHECK(stack.parameters()[6].shape() == Shape{8, 16});
}

TEST_CASE("recurrent stack: what does not fit is refused, with the path to the cell") {
  Rng rng(1);
  const auto refused = [&](const StackConfig& config) {
    return thrown<ConfigError>([&] { RecurrentStack<RNN>(config, rng); });
  };
  CHECK(refused({.in = 3, .hidden = 4, .layers = 0}) ==
        "ConfigError: RecurrentStack: 0 layers\n  requires at least one");
  CHECK(refused({.in = 3, .hidden = 4, .dropout = 1}) ==
        "ConfigError: RecurrentStack: a dropout of 1\n  requires 0 <= probability < 1");
  CHECK_THAT(refused({.in = 3, .hidden = 4, .input_dropout = -0.5}), ContainsSubstring("a dropout of -0.5"));

  const Case<GRU> c(kBoth);
  CHECK_THAT(
      thrown<ConfigError>([&] { c.stack(c.x, std::vector<Var>(3)); }),
      ContainsSubstring("3 initial states\n  requires none, or 4: one for each layer and direction\n  in: "
                        "RecurrentStack 3 -> 8, 2 layers, both directions"));
  CHECK_THAT(thrown<ShapeError>([&] {
               c.stack(Var(Tensor::ones({4, 5, 2}, DType::f64)));
             }),
             ContainsSubstring("Wx is [3, 12]") &&
                 ContainsSubstring("in: RecurrentStack 3 -> 8, 2 layers, both directions / 0 (GRU 3 -> 4)"));
  CHECK_THAT(thrown<IndexError>([&] {
               c.stack(c.x, {}, ids_of({1, 6, 0, 0}, {4}));
             }),
             ContainsSubstring("length 6 of sequence 1 is outside the 5 steps"));
  const Case<GRU> drops({.in = 3, .hidden = 4, .layers = 2, .dropout = 0.5});
  CHECK_THAT(thrown<ConfigError>([&] { drops.stack(drops.x); }),
             ContainsSubstring("dropout in training needs a generator"));
}

}  // namespace heed::tests
