#include "layers/time_layers.h"

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"

namespace heed::tests {
namespace {

// Standard deviation of all elements about 0.
double deviation(const Tensor& x) {
  double squares = 0;
  for (const double value : x.to_vector()) squares += value * value;
  return std::sqrt(squares / static_cast<double>(x.count()));
}

}  // namespace

TEST_CASE("time layers: initial values are the book's") {
  Rng rng(1);
  const TimeEmbedding embedding(200, 50, rng);
  const TimeAffine affine(100, 100, rng);
  const TimeLSTM lstm(25, 100, rng);
  // Of n draws the deviation is known to 1 / sqrt(2 n): at least 10,000 draws, and a margin of five of those.
  CHECK(deviation(embedding.parameters()[0].value()) == Approx(0.01).epsilon(0.035));
  CHECK(deviation(affine.parameters()[0].value()) == Approx(0.1).epsilon(0.035));
  CHECK(deviation(lstm.parameters()[0].value()) == Approx(0.2).epsilon(0.035));
  CHECK(deviation(lstm.parameters()[1].value()) == Approx(0.1).epsilon(0.035));
  CHECK(largest(affine.parameters()[1].value()) == 0);
  CHECK(largest(lstm.parameters()[2].value()) == 0);
}

TEST_CASE("time layers: each step is mapped alike and by itself") {
  Rng rng(2);
  TimeEmbedding embedding(7, 4, rng);
  TimeAffine affine(4, 3, rng);
  take_random_parameters(embedding, rng);
  take_random_parameters(affine, rng);
  const Tensor ids = ids_of({3, 0, 6, 2, 3, 1}, {2, 3});
  const Tensor all = affine(embedding(ids)).value();
  CHECK(all.shape() == Shape{2, 3, 3});
  for (std::int64_t t = 0; t < 3; ++t)
    CHECK(largest_difference(affine(embedding(ids.select(1, t))).value(), all.select(1, t)) < kTolerance);
}

TEST_CASE("time layers: TimeLSTM in one explicit pass is LSTM, and leaves the kept state alone") {
  Rng rng(3);
  TimeLSTM lstm(3, 4, rng, true);
  take_random_parameters(lstm, rng);
  LSTM plain(3, 4, rng);
  plain.to(DType::f64);
  plain.load_state(lstm.state());
  const Var x(normal({2, 5, 3}, rng)), h(normal({2, 4}, rng));
  const Tensor lengths = ids_of({5, 2}, {2});
  const LstmOutput a = lstm(x, {h, {}}, lengths), b = plain(x, {h, {}}, lengths);
  CHECK(identical(a.hs.value(), b.hs.value()));
  CHECK(identical(a.state.c.value(), b.state.c.value()));
  CHECK_FALSE(lstm.kept_state().h.defined());
}

TEST_CASE("time layers: a stateful TimeLSTM over two halves is the whole in values, and cuts the gradient") {
  Rng rng(4);
  TimeLSTM stateful(3, 4, rng, true), explicitly(3, 4, rng);
  take_random_parameters(stateful, rng);
  explicitly.to(DType::f64);
  explicitly.load_state(stateful.state());
  const Var x = normal_leaf({2, 6, 3}, rng);
  const auto half = [&](int which) { return slice(x, 1, which == 0 ? 0 : 4, which == 0 ? 4 : 6); };
  const Var first = stateful(half(0)), second = stateful(half(1));
  const LstmOutput whole = explicitly(x, LstmState{});
  CHECK(largest_difference(concat({first, second}, 1).value(), whole.hs.value()) < kTolerance);
  CHECK(largest_difference(stateful.kept_state().h.value(), whole.state.h.value()) < kTolerance);
  CHECK(largest_difference(stateful.kept_state().c.value(), whole.state.c.value()) < kTolerance);

  sum(square(second)).backward();
  CHECK(largest(x.grad().value().slice(1, 0, 4)) == 0);  // truncated: nothing goes back over the cut
  CHECK(largest(x.grad().value().slice(1, 4, 6)) > 0);
  // The second half's gradients are those of a pass that starts from the first half's last state as a constant.
  const LstmOutput before = explicitly(half(0), LstmState{});
  sum(square(explicitly(half(1), {before.state.h.detach(), before.state.c.detach()}).hs)).backward();
  CHECK(largest_difference(take_gradients(stateful), take_gradients(explicitly)) < kTolerance);
}

TEST_CASE("time layers: a TimeLSTM without state starts from zeros at every call") {
  Rng rng(5);
  TimeLSTM lstm(3, 4, rng);
  take_random_parameters(lstm, rng);
  const Var x(normal({2, 3, 3}, rng));
  const Tensor first = lstm(x).value();
  CHECK(identical(lstm(x).value(), first));
  CHECK_FALSE(lstm.kept_state().h.defined());
}

TEST_CASE(
    "time layers: set_state is where the next call starts, and its gradient flows; reset_state is zeros") {
  Rng rng(6);
  for (const bool keeps : {false, true}) {
    TimeLSTM lstm(3, 4, rng, keeps);
    take_random_parameters(lstm, rng);
    const Var x(normal({2, 3, 3}, rng)), h = normal_leaf({2, 4}, rng), c = normal_leaf({2, 4}, rng);
    const Tensor from_zeros = lstm(x, LstmState{}).hs.value();

    lstm.set_state(h);  // as the book's decoder: h alone, c from zeros
    const Var hs = lstm(x);
    CHECK(identical(hs.value(), lstm(x, {h, {}}).hs.value()));
    CHECK(largest_difference(hs.value(), from_zeros) > 1e-3);
    const Var of_state = grad(sum(square(hs)), {h})[0];
    CHECK(largest_difference(of_state.value(), grad(sum(square(lstm(x, {h, {}}).hs)), {h})[0].value()) <
          kTolerance);
    CHECK(largest(of_state.value()) > 1e-3);

    lstm.set_state(h, c);
    CHECK(identical(lstm(x).value(), lstm(x, {h, c}).hs.value()));

    lstm.set_state(h, c);
    lstm.reset_state();
    CHECK_FALSE(lstm.kept_state().h.defined());
    CHECK(identical(lstm(x).value(), from_zeros));
  }
}

TEST_CASE("time layers: TimeRNN and TimeGRU start and keep their state as TimeLSTM does") {
  Rng rng(6);
  const Var x = normal_leaf({2, 3, 25}, rng), h = normal_leaf({2, 100}, rng);
  const auto check = [&](auto& layer) {
    CHECK(deviation(layer.parameters()[0].value()) == Approx(0.2).epsilon(0.08));
    CHECK(deviation(layer.parameters()[1].value()) == Approx(0.1).epsilon(0.035));
    CHECK(largest(layer.parameters()[2].value()) == 0);
    layer.to(DType::f64);
    const Var first = layer(x), second = layer(x);
    CHECK(identical(second.value(), layer(x, Var(first.value().select(1, 2))).hs.value()));
    CHECK_FALSE(layer.kept_state().requires_grad());
    layer.reset_state();
    CHECK(identical(layer(x).value(), first.value()));
    layer.set_state(h);
    CHECK(identical(layer(x).value(), layer(x, h).hs.value()));
  };
  TimeRNN rnn(25, 100, rng, true);
  TimeGRU gru(25, 100, rng, true);
  check(rnn);
  check(gru);
}

TEST_CASE("time layers: TimeGRU is the book's, which resets before the product and takes the candidate by z") {
  Rng rng(7);
  TimeGRU layer(3, 4, rng);
  take_random_parameters(layer, rng);
  CHECK(layer.parameters().size() == 3);
  const Var x = normal_leaf({2, 1, 3}, rng), h = normal_leaf({2, 4}, rng);
  const std::vector<Var> p = layer.parameters();
  const auto part = [](const Var& v, int i) { return slice(v, -1, 4 * i, 4 * i + 4); };
  const Var of_x = matmul(select(x, 1, 0), p[0]) + p[2], of_h = matmul(h, p[1]);
  const Var z = sigmoid(part(of_x, 0) + part(of_h, 0)), r = sigmoid(part(of_x, 1) + part(of_h, 1));
  const Var candidate = tanh(part(of_x, 2) + matmul(r * h, part(p[1], 2)));
  const Var expected = (1.0 - z) * h + z * candidate;
  CHECK(largest_difference(layer(x, h).state.value(), expected.value()) < kTolerance);
}

TEST_CASE("time layers: TimeBiLSTM reads forwards and, from each sequence's own end, backwards") {
  Rng rng(8);
  TimeBiLSTM layer(3, 4, rng);
  take_random_parameters(layer, rng);
  Rng others(9);
  TimeLSTM forward(3, 4, others), backward(3, 4, others);
  forward.to(DType::f64);
  backward.to(DType::f64);
  NamedTensors of_forward, of_backward;
  for (const auto& [name, value] : layer.state())
    (name[0] == 'f' ? of_forward : of_backward).emplace_back(name.substr(name.find('.') + 1), value);
  forward.load_state(of_forward);
  backward.load_state(of_backward);
  const Var x = normal_leaf({2, 3, 3}, rng);
  const Tensor lengths = ids_of({2, 3}, {2}), hs = layer(x, lengths).value();
  CHECK(hs.shape() == Shape{2, 3, 8});
  CHECK(identical(hs.slice(-1, 0, 4), forward(x, {}, lengths).hs.value()));
  const Var ends =
      concat({slice(x, 1, 1, 2), slice(x, 1, 0, 1)}, 1);  // of the first sequence, the other way round
  const Tensor back = backward(slice(ends, 0, 0, 1), LstmState{}).hs.value();
  CHECK(largest_difference(hs.select(0, 0).slice(-1, 4, 8).select(0, 0), back.select(0, 0).select(0, 1)) <
        kTolerance);
  CHECK(largest_difference(hs.select(0, 0).slice(-1, 4, 8).select(0, 1), back.select(0, 0).select(0, 0)) <
        kTolerance);
  CHECK(largest(hs.select(0, 0).select(0, 2)) == 0);
  CHECK(layer(x).shape() == Shape{2, 3, 8});
}

TEST_CASE("time layers: TimeSoftmaxWithLoss is the cross-entropy of all steps but those with id -1") {
  const Fixture numbers("cross_entropy");
  const Var scores = Var::parameter(numbers["scores"]);
  const Var loss = TimeSoftmaxWithLoss()(scores, numbers.ids("ids"));
  CHECK(largest_difference(loss.value(), numbers["loss"]) < kTolerance);
  loss.backward();
  CHECK(largest_difference(scores.grad().value(), numbers["d.scores"]) < kTolerance);
  const Var nothing = TimeSoftmaxWithLoss()(scores, Tensor::full({3, 4}, -1, DType::i32));
  CHECK(nothing.item() == 0);
  CHECK(largest(grad(nothing, {scores})[0].value()) == 0);
}

}  // namespace heed::tests
