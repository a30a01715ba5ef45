#include "layers/ntm.h"

#include "autograd/backward.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "core/matmul.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

const NtmConfig kSmall{
    .in = 3, .out = 2, .rows = 6, .width = 4, .hidden = 5, .read_heads = 2, .write_heads = 2};

NtmConfig small(NtmController controller) {
  NtmConfig config = kSmall;
  config.controller = controller;
  return config;
}

// A machine in f64 whose heads do something, and an input.
struct Machine {
  Rng rng{3};
  NTM model;
  Var x;

  explicit Machine(const NtmConfig& config = kSmall) : model(config, rng) {
    take_random_parameters(model, rng);
    x = normal_leaf({3, 4, 3}, rng);
  }
};

std::vector<Var> parts_of(const NtmState& state) {
  return {state.memory, state.weights, state.reads, state.controller.h, state.controller.c};
}

void check_against_fixture(NtmController controller, const std::string& file) {
  const Fixture numbers(file);
  Rng rng(1);
  NTM model(small(controller), rng);
  take_parameters(model, numbers);
  const bool lstm = controller == NtmController::lstm;
  std::vector<std::pair<const char*, Var>> given;
  for (const char* const name : {"x", "memory0", "weights0", "reads0"})
    given.emplace_back(name, leaf(numbers, name));
  NtmState initial{given[1].second, given[2].second, given[3].second, {}};
  if (lstm) {
    initial.controller = {leaf(numbers, "h0"), leaf(numbers, "c0")};
    given.emplace_back("h0", initial.controller.h);
    given.emplace_back("c0", initial.controller.c);
  }

  const auto [output, weights] = model.with_weights(given[0].second, initial);
  CHECK(largest_difference(weights, numbers["all_weights"]) < kTolerance);
  std::vector<std::pair<const char*, Var>> results{{"y", output.y},
                                                   {"memory", output.state.memory},
                                                   {"weights", output.state.weights},
                                                   {"reads", output.state.reads}};
  if (lstm) results.insert(results.end(), {{"h", output.state.controller.h}, {"c", output.state.controller.c}});
  Var loss(Tensor::scalar(0, DType::f64));
  for (const auto& [name, var] : results) {
    INFO(name);
    CHECK(largest_difference(var.value(), numbers[name]) < kTolerance);
    loss = loss + sum(var * Var(numbers[text("dy.", name)]));
  }
  loss.backward();
  CHECK(gradient_difference(model, numbers) < kTolerance);
  for (const auto& [name, var] : given) {
    INFO(name);
    CHECK(largest_difference(var.grad().value(), numbers[text("d.", name)]) < kTolerance);
  }
}

}  // namespace

TEST_CASE("ntm: with an LSTM, outputs, state and all gradients are those of a machine in PyTorch") {
  check_against_fixture(NtmController::lstm, "ntm_lstm");
}

TEST_CASE("ntm: with a feed-forward controller they are too") {
  check_against_fixture(NtmController::feed_forward, "ntm_feed_forward");
}

TEST_CASE("ntm: two halves with the state passed on are the whole, in values and gradients") {
  for (const NtmController controller : {NtmController::lstm, NtmController::feed_forward}) {
    Machine machine(small(controller));
    const NtmOutput whole = machine.model(machine.x);
    sum(square(whole.y)).backward();
    const std::vector<Tensor> of_whole = take_gradients(machine.model);
    const NtmOutput first = machine.model(slice(machine.x, 1, 0, 1));
    const NtmOutput second = machine.model(slice(machine.x, 1, 1, 4), first.state);
    const Var joined = concat({first.y, second.y}, 1);
    CHECK(largest_difference(joined.value(), whole.y.value()) < kTolerance);
    CHECK(largest_difference(second.state.memory.value(), whole.state.memory.value()) < kTolerance);
    sum(square(joined)).backward();
    CHECK(largest_difference(take_gradients(machine.model), of_whole) < kTolerance);
  }
}

TEST_CASE("ntm: the weighting of every head and step is to be had, and nothing else changes by a bit") {
  const Machine machine;
  const NtmOutput plain = machine.model(machine.x);
  const AttentionMaps maps;
  const auto [output, weights] = machine.model.with_weights(machine.x);
  REQUIRE(weights.shape() == Shape{3, 4, 4, 6});  // B, heads, T, N
  CHECK(identical(output.y.value(), plain.y.value()));
  CHECK(largest_difference(sum(weights, -1), Tensor::ones({3, 4, 4}, DType::f64)) < 1e-13);
  CHECK(identical(weights.select(2, 3).clone(), output.state.weights.value().clone()));
  CHECK(identical(maps[""][0], weights));
}

TEST_CASE("ntm: weights are those of the heads: the reading ones first") {
  Machine machine;
  const auto [output, weights] = machine.model.with_weights(machine.x);
  const Tensor reading = weights.select(2, 3).slice(1, 0, 2);
  CHECK(largest_difference(matmul(reading, output.state.memory.value()), output.state.reads.value()) < 1e-14);
}

TEST_CASE("ntm: a state is a value; the rows selected go on as they would have, and gradients flow") {
  for (const NtmController controller : {NtmController::lstm, NtmController::feed_forward}) {
    Machine machine(small(controller));
    const Var first = slice(machine.x, 1, 0, 2), rest = slice(machine.x, 1, 2, 4);
    const NtmState state = machine.model(first).state;
    CHECK(state.rows() == 3);
    NtmState chosen = state;
    chosen.select(ids_of({2, 0, 2, 1}, {4}));
    CHECK(chosen.rows() == 4);
    CHECK(state.rows() == 3);
    const Var whole = machine.model(rest, state).y;
    const Var y = machine.model(select_rows(rest, ids_of({2, 0, 2, 1}, {4})), chosen).y;
    CHECK(largest_difference(y.value(), select_rows(whole, ids_of({2, 0, 2, 1}, {4})).value()) < kTolerance);
    const std::vector<Var> through = grad(sum(square(y)), {machine.x});
    CHECK(largest(through[0].value().slice(1, 0, 2)) > 0);
    NtmState none = state;
    none.select(ids_of({}, {0}));
    CHECK(none.rows() == 0);
    CHECK_THROWS_AS(none.select(ids_of({3}, {1})), IndexError);
  }
}

TEST_CASE("ntm: sequences of a batch do not see each other") {
  const Machine machine;
  const NtmOutput together = machine.model(machine.x);
  for (std::int64_t b = 0; b < 3; ++b) {
    const NtmOutput alone = machine.model(slice(machine.x, 0, b, b + 1));
    CHECK(largest_difference(alone.y.value(), together.y.value().slice(0, b, b + 1)) < kTolerance);
    for (std::size_t i = 0; i < 5; ++i)
      CHECK(largest_difference(parts_of(alone.state)[i].value(),
                               parts_of(together.state)[i].value().slice(0, b, b + 1)) < kTolerance);
  }
}

TEST_CASE("ntm: a step sees what came before and nothing of what comes after") {
  const Machine machine;
  Var changed(machine.x.value().clone());
  changed.mutable_value().select(1, 2).fill(9);
  const Tensor y = machine.model(machine.x).y.value(), of_changed = machine.model(changed).y.value();
  CHECK(largest_difference(y.slice(1, 0, 2), of_changed.slice(1, 0, 2)) == 0);
  CHECK(largest_difference(y.slice(1, 2, 3), of_changed.slice(1, 2, 3)) > 1e-3);
  CHECK(largest_difference(y.slice(1, 3, 4), of_changed.slice(1, 3, 4)) > 1e-3);
}

TEST_CASE("ntm: it begins with a memory of 1e-6 and all heads on the first row") {
  const Machine machine;
  const NtmState state = machine.model.start(2, DType::f64);
  CHECK(largest_difference(state.memory.value(), Tensor::full({2, 6, 4}, 1e-6, DType::f64)) == 0);
  CHECK(largest_difference(state.reads.value(),
                           matmul(state.weights.value(), state.memory.value()).slice(1, 0, 2)) < 1e-20);
  CHECK(sum(state.weights.value().select(2, 0)).item() == 2 * 4);
  CHECK(sum(state.weights.value()).item() == 2 * 4);
  const NtmOutput from_nothing = machine.model(machine.x),
                  from_start = machine.model(machine.x, machine.model.start(3, DType::f64));
  CHECK(identical(from_nothing.y.value(), from_start.y.value()));
}

TEST_CASE("ntm: parameters do not depend on the memory's rows, so a trained machine runs with more") {
  const Machine machine;
  Rng rng(9);
  NtmConfig config = kSmall;
  config.rows = 50;
  NTM larger(config, rng);
  larger.to(DType::f64);
  larger.load_state(machine.model.state());
  CHECK(larger(machine.x).state.memory.shape() == Shape{3, 50, 4});
  CHECK(larger.parameter_count() == machine.model.parameter_count());
}

TEST_CASE("ntm: f32 stays near f64") {
  Machine machine;
  const Tensor y = machine.model(machine.x).y.value();
  machine.model.to(DType::f32);
  const Tensor in_f32 = machine.model(Var(machine.x.value().to(DType::f32))).y.value();
  CHECK(largest_difference(in_f32.to(DType::f64), y) < 1e-4);  // four steps through exp, log and tanh
}

TEST_CASE("ntm: settings, inputs and states that make no sense are errors that name the machine") {
  const Machine machine;
  const auto zeros = [](const Shape& shape) { return Var(Tensor::zeros(shape, DType::f64)); };
  CHECK(thrown<ShapeError>([&] {
          machine.model(zeros({2, 4, 5}));
        }) ==
        "ShapeError: NTM: x is [2, 4, 5]\n  requires x [B, T, 3] with T >= 1\n  x: a tensor\n  in: NTM 3 -> 2, "
        "memory 6 x 4");
  CHECK_THROWS_AS(machine.model(zeros({2, 0, 3})), ShapeError);
  CHECK_THROWS_AS(machine.model(zeros({4, 3})), ShapeError);
  CHECK_THAT(thrown<ShapeError>([&] {
               machine.model(zeros({2, 4, 3}), machine.model.start(3, DType::f64));
             }),
             ContainsSubstring(
                 "the state's memory is [3, 6, 4]\n  requires a state of 2 sequences with memory [2, 6, 4]"));
  Rng rng(1);
  NtmConfig config = kSmall;
  config.write_heads = 0;
  CHECK_THAT(thrown<ConfigError>([&] { NTM(config, rng); }),
             ContainsSubstring("write_heads 0, shift 1\n  requires all at "
                               "least 1, shift at least 0"));
}

}  // namespace heed::tests
