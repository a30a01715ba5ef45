// Truncated backpropagation through time: what is carried over, and what the gradient is then.
#include "autograd/truncate.h"

#include "autograd/ops.h"
#include "core/allocator.h"
#include "data/text.h"
#include "layers/embedding.h"
#include "layers/linear.h"
#include "layers/ntm.h"
#include "layers/recurrent_stack.h"
#include "layers/seq2seq.h"
#include "layers/time_layers.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"

namespace heed::tests {
namespace {

using Stack = RecurrentStack<LSTM>;

// Two layers of LSTM and scores, over a sequence of 12 steps.
struct Recurrent : Module {
  explicit Recurrent(Rng& rng)
      : Module("Recurrent"), stack({.in = 3, .hidden = 5, .layers = 2}, rng), out(5, 4, rng) {
    register_module("stack", stack);
    register_module("out", out);
    take_random_parameters(*this, rng, 0.5);
    x = Var(normal({2, kSteps, 3}, rng));
    for (int i = 0; i < 2 * kSteps; ++i) targets.push_back(static_cast<std::int32_t>(rng.below(4)));
  }
  /// The sum of the losses of steps begin ... end, and the state after them.
  std::pair<Var, std::vector<LstmState>> window(std::int64_t begin, std::int64_t end,
                                                const std::vector<LstmState>& state) const {
    const Stack::Output run = stack(slice(x, 1, begin, end), state);
    const Tensor ids = ids_of(targets, {2, kSteps}).slice(1, begin, end);
    return {cross_entropy(out(run.hs), ids, {.reduction = Reduction::sum}), run.states};
  }
  static constexpr std::int64_t kSteps = 12;
  Stack stack;
  Linear out;
  Var x;
  std::vector<std::int32_t> targets;
};

// The gradients of all windows of k steps, the state carried over cut off; the losses add up.
std::pair<double, std::vector<Tensor>> truncated(Recurrent& model, std::int64_t k) {
  std::vector<LstmState> state;
  double total = 0;
  for (std::int64_t t = 0; t < model.kSteps; t += k) {
    auto [loss, last] = model.window(t, std::min(t + k, model.kSteps), state);
    loss.backward();
    total += loss.item();
    state = detached(last);
  }
  return {total, take_gradients(model)};
}

TEST_CASE("truncated backpropagation: with windows of all steps or more it is the whole, to the last bit") {
  Rng rng(1);
  Recurrent model(rng);
  const Var loss = model.window(0, model.kSteps, {}).first;
  loss.backward();
  const std::vector<Tensor> whole = take_gradients(model);
  for (const std::int64_t k : {12, 20}) {
    const auto [total, gradients] = truncated(model, k);
    CHECK(total == loss.item());
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(identical(gradients[i], whole[i]));
  }
}

TEST_CASE("truncated backpropagation: is the sum over the windows of gradients from constant states") {
  Rng rng(1);
  Recurrent model(rng);
  const Var loss = model.window(0, model.kSteps, {}).first;
  loss.backward();
  const std::vector<Tensor> whole = take_gradients(model);
  for (const std::int64_t k : {1, 3, 5}) {
    const auto [total, gradients] = truncated(model, k);
    CHECK(total == Approx(loss.item()).epsilon(1e-14));  // values are carried over
    for (std::int64_t t = 0; t < model.kSteps; t += k) {
      std::vector<LstmState> before;
      if (t > 0) {
        const NoGrad no_grad;  // all steps before the window in one go
        before = model.window(0, t, {}).second;
      }
      model.window(t, std::min(t + k, model.kSteps), before).first.backward();
    }
    CHECK(largest_difference(take_gradients(model), gradients) < 1e-13);
    CHECK(largest_difference(whole, gradients) > 1e-2);  // something was cut off
  }
}

TEST_CASE("truncated backpropagation: what is kept does not grow with the sequence") {
  Rng rng(1);
  Recurrent model(rng);
  std::vector<LstmState> state;
  std::int64_t after_two = 0;
  for (int round = 0; round < 30; ++round) {
    auto [loss, last] = model.window(3, 6, state);
    loss.backward();
    state = detached(last);
    model.zero_grad();
    last.clear();
    loss = Var();
    if (round == 1) after_two = pool::statistics().bytes_in_use;
  }
  CHECK(pool::statistics().bytes_in_use == after_two);
}

TEST_CASE("truncated backpropagation: a stateful TimeLSTM is the loop with detached states") {
  Rng rng(4), same(4);
  TimeLSTM stateful(3, 5, rng, true);
  TimeLSTM explicit_states(3, 5, same);
  LstmState state;
  for (int window = 0; window < 3; ++window) {
    const Var x(Tensor::normal({2, 4, 3}, 0, 1, rng));
    const Var hs = stateful(x);
    const LstmOutput out = explicit_states(x, state);
    CHECK(identical(hs.value(), out.hs.value()));
    sum(square(hs)).backward();
    sum(square(out.hs)).backward();
    state = detached(out.state);
  }
  const std::vector<Tensor> one = take_gradients(stateful), other = take_gradients(explicit_states);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(identical(one[i], other[i]));
}

TEST_CASE("detached: the values of every kind of state, through which nothing flows; undefined parts stay so") {
  Rng rng(2);
  const auto leaf = [&](const Shape& shape) { return normal_leaf(shape, rng); };
  const auto is_cut = [](const Var& cut, const Var& from) {
    return identical(cut.value(), from.value()) && !cut.requires_grad() && from.requires_grad();
  };
  const Var h = leaf({2, 3});
  CHECK(is_cut(detached(h), h));
  CHECK_FALSE(detached(Var()).defined());
  const LstmState lstm{h, Var()};
  CHECK(is_cut(detached(lstm).h, h));
  CHECK_FALSE(detached(lstm).c.defined());
  const std::vector<Var> of_grus{h, Var()};
  CHECK(is_cut(detached(of_grus)[0], h));
  CHECK(detached(of_grus).size() == 2);
  CHECK(is_cut(detached(std::vector{lstm})[0].h, h));

  const Seq2seqState decoding{
      {leaf({2, 4, 3}), h, Mask::padding(ids_of({4, 2}, {2}), 4)}, {h, leaf({2, 3})}, {1, 0}};
  const Seq2seqState cut = detached(decoding);
  CHECK(is_cut(cut.encoded.hs, decoding.encoded.hs));
  CHECK(is_cut(cut.encoded.h, h));
  CHECK(is_cut(cut.lstm.c, decoding.lstm.c));
  CHECK(cut.encoded.mask.defined());
  CHECK(cut.sources == decoding.sources);

  const NtmState machine{leaf({2, 4, 3}), leaf({2, 1, 4}), leaf({2, 1, 3}), {}};
  const NtmState cut_machine = detached(machine);
  CHECK(is_cut(cut_machine.memory, machine.memory));
  CHECK(is_cut(cut_machine.weights, machine.weights));
  CHECK(is_cut(cut_machine.reads, machine.reads));
  CHECK_FALSE(cut_machine.controller.h.defined());
}

TEST_CASE(
    "truncated backpropagation: over streams of a text the states are those of each stretch read in one go") {
  std::vector<std::int32_t> ids;
  Rng rng(6);
  for (int i = 0; i < 60; ++i) ids.push_back(static_cast<std::int32_t>(rng.below(7)));
  const TextLoader loader(ids, {.window = 4, .batch = 3, .shuffle = false, .streams = true});
  const Embedding embed(7, 3, rng);
  const LSTM lstm(3, 5, rng);
  std::vector<Var> windows;
  LstmState state;
  for (const WindowBatch& batch : TextEpoch(loader.epoch(PassState{}))) {
    const LstmOutput out = lstm(embed(batch.input.ids), state);
    windows.push_back(out.hs);
    state = detached(out.state);
  }
  REQUIRE(windows.size() == 4);
  // Each of the three stretches has 16 of the 60 ids.
  const Var in_one_go = lstm(embed(ids_of({ids.begin(), ids.begin() + 48}, {3, 16}))).hs;
  CHECK(largest_difference(concat(windows, 1).value(), in_one_go.value()) < 1e-6);
}

}  // namespace
}  // namespace heed::tests
