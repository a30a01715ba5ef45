#include "layers/checks.h"

#include "autograd/ops.h"
#include "layers/multi_head_attention.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/layers/checks_testing.h"
#include "tests/thrown.h"

namespace heed::tests {

TEMPLATE_TEST_CASE("checks: the models here pass, in f64 and f32", "", Seq2seq, PeekySeq2seq, AttentionSeq2seq,
                   Transformer) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    Setting<TestType> s(dtype);
    check_passed(check_causal([&](const Tensor& ids) { return s.model(s.source, {ids, {}}); }, s.target.ids));
    check_passed(check_batch_invariance(s.model, {s.source, s.target}));
    check_passed(check_padding_invariance(s.model, s.model, {s.source, s.target}));
    check_passed(check_gradients(
        s.model, [&] { return cross_entropy(s.model(s.source, s.target), s.target.ids); }, {.most = 4}));
    CHECK(s.model.parameters()[0].dtype() == dtype);
    Adam adam(s.model.parameters(), {.learning_rate = 2e-2});
    const Tensor before = s.model.parameters()[0].value().clone();
    check_passed(check_overfits_one_batch(s.model, s.source, [&](const TestType& model, const Tokens& source) {
      const Var loss = cross_entropy(model(source, s.target), s.target.ids);
      loss.backward();
      adam.step();
      adam.zero_grad();
      return loss.item();
    }));
    CHECK(identical(s.model.parameters()[0].value(), before));
  }
}

TEST_CASE("checks: a state that is kept from call to call is found by all that call a function") {
  Vectors v;
  TimeLSTM lstm(4, 4, v.rng, true);
  const auto stateful = [&](const Tokens& source) { return lstm(v.of(source.ids)); };
  const auto of_ids = [&](const Tensor& ids) { return lstm(v.of(ids)); };
  const auto check_found = [&](const CheckReport& report, const char* what) {
    check_failed(report, what, "a state kept from call to call and not reset, or random numbers");
    lstm.reset_state();
  };
  check_found(check_batch_invariance(stateful, {v.source}), "output [3, 6, 4]");
  check_found(check_padding_invariance(lstm, stateful, {v.source}), "output [3, 6, 4]");
  check_found(check_causal(of_ids, v.source.ids), "output [3, 6, 4]");
  check_found(check_permutation_equivariance(of_ids, v.source.ids), "output [3, 6, 4]");
  const Var x(Tensor::normal({3, 6, 4}, 0, 1, v.rng, DType::f64));
  check_found(check_gradients(lstm, [&] { return sum(lstm(x)); }), "output []");
  check_failed(check_causal([&](const Tensor& ids) { return v.of(ids) * NAN; }, v.source.ids),
               "output [3, 6, 4]", "the output is not a number to begin with");
}

// ---- check_causal

TEST_CASE("check_causal: a look at the whole sequence is found at the first output that moves") {
  const Vectors v;
  const CheckReport report =
      check_causal([&](const Tensor& ids) { return v.of(ids) - mean(v.of(ids), 1, true); }, v.target.ids);
  check_failed(report, "output [3, 5, 4]", "an output sees 4 steps ahead: no causal mask");
  CHECK(report.when == "when step 1 of every sequence was changed");
  CHECK(report.index == std::vector<std::int64_t>{0, 0, 0});
  CHECK(report.found != report.expected);
}

TEST_CASE(
    "check_causal: an attention without a mask is found, with a mask that is one too wide as what it is") {
  Vectors v;
  const MultiHeadAttention attention({.width = 4, .heads = 2}, v.rng);
  const auto with_mask = [&](const Mask& mask) {
    return check_causal(
        [&](const Tensor& ids) {
          const Var x = v.of(ids);
          return attention(x, x, x, mask);
        },
        v.target.ids);
  };
  check_passed(with_mask(Mask::causal(5, 5)));
  check_failed(with_mask({}), "output [3, 5, 4]", "4 steps ahead");
  const Tensor one_more = Mask::causal(6, 6).attends().slice(0, 1, 6).slice(1, 0, 5);
  check_failed(with_mask(Mask::attend(one_more)), "output [3, 5, 4]", "one step too many: a mask or a shift");
}

TEST_CASE("check_causal: a leak in a part of the sequence only is found where it is") {
  const Vectors v;
  const CheckReport report = check_causal(
      [&](const Tensor& ids) {
        const Var x = v.of(ids);
        return concat({slice(x, 1, 0, 2), slice(x, 1, 2, 3) + slice(x, 1, 4, 5), slice(x, 1, 3, 5)}, 1);
      },
      v.target.ids);
  check_failed(report, "output [3, 5, 4]", "an output sees 2 steps ahead");
  CHECK(report.when == "when step 4 of every sequence was changed");
  CHECK(report.index == std::vector<std::int64_t>{0, 2, 0});
}

TEST_CASE("check_causal: features are checked as ids are, and a function that reads nothing does not pass") {
  Rng rng(2);
  const LSTM lstm(3, 4, rng);
  const Tensor x = Tensor::normal({2, 4, 3}, 0, 1, rng);
  check_passed(check_causal([&](const Tensor& t) { return lstm(Var(t)).hs; }, x));
  check_failed(check_causal([&](const Tensor&) { return Var(x); }, x), "no output", "f does not read x");
}

TEST_CASE("check_causal: inputs and outputs of another form are errors") {
  const Vectors v;
  const auto vectors = [&](const Tensor& ids) { return v.of(ids); };
  CHECK_THAT(thrown<ShapeError>(
                 [&] { check_causal([&](const Tensor& ids) { return sum(v.of(ids), 1); }, v.target.ids); }),
             ContainsSubstring("check_causal: f of [3, 5] is [3, 4]"));
  CHECK_THROWS_AS(check_causal(vectors, v.target.ids.slice(1, 0, 1)), ConfigError);
  CHECK_THAT(thrown<ConfigError>([&] {
               check_causal(vectors, Tensor::zeros({2, 3}, DType::i32));
             }),
             ContainsSubstring("the ids are all alike"));
}

// ---- check_permutation_equivariance

TEST_CASE("check_permutation_equivariance: attention passes, positions, masks and recurrences do not") {
  Rng rng(4);
  const MultiHeadAttention attention({.width = 4, .heads = 2}, rng);
  const LSTM lstm(4, 4, rng);
  const Tensor x = Tensor::normal({2, 5, 4}, 0, 1, rng);
  const auto attended = [&](const Var& v, const Mask& mask = {}) { return attention(v, v, v, mask); };
  check_passed(check_permutation_equivariance([&](const Tensor& t) { return attended(Var(t)); }, x));
  const char* const cause = "steps are told apart: positions, a causal mask, or a recurrence";
  const Var positions(sinusoidal_positions(5, 4).to(DType::f32));
  check_failed(check_permutation_equivariance([&](const Tensor& t) { return attended(Var(t) + positions); }, x),
               "output [2, 5, 4]", cause);
  check_failed(
      check_permutation_equivariance([&](const Tensor& t) { return attended(Var(t), Mask::causal(5, 5)); }, x),
      "output [2, 5, 4]", cause);
  check_failed(check_permutation_equivariance([&](const Tensor& t) { return lstm(Var(t)).hs; }, x),
               "output [2, 5, 4]", cause);
  // A sum with the step before, round and round, does not notice a rotation.
  const CheckReport circular = check_permutation_equivariance(
      [&](const Tensor& t) {
        return Var(t) + concat({slice(Var(t), 1, 4, 5), slice(Var(t), 1, 0, 4)}, 1);
      },
      x);
  check_failed(circular, "output [2, 5, 4]", cause);
  CHECK(circular.when == "when steps 0 and 1 were exchanged");
}

// ---- check_gradients

namespace {

// x Wa Wb, of which one half may be cut off or counted wrongly.
class Halves : public Module {
 public:
  enum class Way { right, detached, doubled };
  Halves(Way way, Rng& rng) : Module("Halves"), first_(3, 4, rng), second_(4, 2, rng), way_(way) {
    register_module("first", first_);
    register_module("second", second_);
  }
  Var operator()(const Var& x) const {
    const Var h = first_(x);
    if (way_ == Way::detached) return second_(tanh(h.detach()));
    if (way_ == Way::right) return second_(tanh(h));
    const Var twice = record("odd", h.value(), wrt(h, [](const Var& dy) { return dy * 2.0; }));
    return second_(tanh(twice));
  }

 private:
  Linear first_, second_;
  Way way_;
};

}  // namespace

TEST_CASE("check_gradients: a detached parameter is named by its path, a wrong factor too") {
  Rng rng(6);
  const Tensor x = Tensor::normal({5, 3}, 0, 1, rng, DType::f64);
  const auto report = [&](Halves::Way way) {
    Halves model(way, rng);
    return check_gradients(model, [&] { return sum(square(model(Var(x)))); });
  };
  check_passed(report(Halves::Way::right));
  const CheckReport detached = report(Halves::Way::detached);
  check_failed(detached, "gradient of parameter \"first.",
               "the parameter is cut off: detached, or read as a Tensor");
  CHECK(detached.found == 0);
  CHECK(detached.expected != 0);
  check_failed(report(Halves::Way::doubled), "gradient of parameter \"first.", "it is 2 times too large");

  Halves model(Halves::Way::right, rng);
  check_failed(check_gradients(model, [&] { return Var(sum(square(model(Var(x)))).value()); }), "the loss",
               "it depends on no parameter");
  CHECK(model.parameters()[0].dtype() == DType::f32);
}

TEST_CASE("check_gradients: f32 parameters come back bit for bit, also when the loss throws") {
  Rng rng(6);
  Halves model(Halves::Way::right, rng);
  std::vector<Tensor> before;
  for (const Var& parameter : model.parameters()) before.push_back(parameter.value().clone());
  const Tensor in_f32 = Tensor::normal({5, 3}, 0, 1, rng);
  CHECK_THROWS_AS(check_gradients(model, [&] { return sum(model(Var(in_f32))); }), Error);
  CHECK(check_gradients(model, [&] { return sum(model(Var(in_f32.to(DType::f64)))); }));
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(identical(model.parameters()[i].value(), before[i]));
}

// ---- check_overfits_one_batch

TEST_CASE(
    "check_overfits_one_batch: says which parameter stays, when a loss is no number, and when it stays high") {
  Rng rng(7);
  Halves model(Halves::Way::right, rng);
  const Tensor x = Tensor::normal({4, 3}, 0, 1, rng), y = Tensor::normal({4, 2}, 0, 1, rng);
  const auto trained_by = [&](std::vector<Var> parameters, double rate, const OverfitOptions& options = {}) {
    SGD sgd(std::move(parameters), {.learning_rate = rate});
    return check_overfits_one_batch(
        model, x,
        [&](const Halves& halves, const Tensor& given) {
          const Var loss = mean(square(halves(Var(given)) - Var(y)));
          loss.backward();
          sgd.step();
          model.zero_grad();
          return loss.item();
        },
        options);
  };
  check_passed(trained_by(model.parameters(), 0.3, {.steps = 3000}));
  std::vector<Var> all_but_one = model.parameters();
  all_but_one.erase(all_but_one.begin() + 1);
  check_failed(trained_by(all_but_one, 0.3, {.steps = 3000}), "parameter \"first.bias\" [4] has not moved",
               "the optimiser was not given it");
  check_failed(trained_by(model.parameters(), 1e8), "the loss of step ", "a learning rate that is too high");
  check_failed(trained_by(model.parameters(), 1e-6, {.steps = 5}), "after 5 steps",
               "targets that the model cannot see");
  check_failed(trained_by(model.parameters(), 0.3, {.steps = 10}), "after 10 steps", "it falls");
}

// ---- the report

TEST_CASE("checks: a report in words") {
  const Vectors v;
  const auto vectors = [&](const Tensor& ids) { return v.of(ids); };
  CHECK(to_string(check_causal(vectors, v.target.ids)) == "check_causal passed: 180 numbers compared");
  CheckReport report{.ok = false,
                     .check = "check_causal",
                     .what = "output [2, 5, 11]",
                     .index = {0, 1, 0},
                     .found = 0.25,
                     .expected = 0.5,
                     .when = "when step 2 of every sequence was changed",
                     .cause = "an output sees one step too many: a mask or a shift that is off by one"};
  CHECK(to_string(report) ==
        "check_causal FAILED: output [2, 5, 11] at [0, 1, 0] is 0.25 instead of 0.5\n"
        "  when step 2 of every sequence was changed\n"
        "  likely: an output sees one step too many: a mask or a shift that is off by one");
}

}  // namespace heed::tests
