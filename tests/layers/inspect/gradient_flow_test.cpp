#include "layers/inspect/gradient_flow.h"

#include <cmath>

#include "core/reduce.h"
#include "tests/layers/inspect/every_model.h"
#include "tests/markup.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr std::int64_t kBatch = 3, kSteps = 5, kIn = 4, kHidden = 3;

Var f64_features(const Shape& shape) {
  Rng rng(7);
  return Var(Tensor::normal(shape, 0, 1, rng, DType::f64));
}

// A loss that every state has a part in: of all outputs and of the last state, by factors that all differ.
Var weighed(const Var& y, double from) {
  return sum(square(y) * Var((Tensor::arange(y.count(), DType::f64) * 0.1 + from).reshape(y.shape())));
}
Var loss_of(const LstmOutput& out) {
  return weighed(out.hs, 0.3) + weighed(out.state.h, 1) + weighed(out.state.c, 2);
}
Var loss_of(const RecurrentOutput& out) { return weighed(out.hs, 0.3) + weighed(out.state, 1); }

// A part of the state, h or c, moved by a distance at one place.
Var moved(const Var& part, std::int64_t b, std::int64_t k, double distance) {
  Tensor value = part.value().clone();
  value.set({b, k}, value.at({b, k}) + distance);
  return Var(value);
}
LstmState moved(const LstmState& state, bool cell, std::int64_t b, std::int64_t k, double distance) {
  return cell ? LstmState{state.h, moved(state.c, b, k, distance)}
              : LstmState{moved(state.h, b, k, distance), state.c};
}
Var moved(const Var& state, bool, std::int64_t b, std::int64_t k, double distance) {
  return moved(state, b, k, distance);
}

LstmOutput joined(const Var& hs, const LstmState& state) { return {hs, state}; }
RecurrentOutput joined(const Var& hs, const Var& state) { return {hs, state}; }

// The loss when h or c after step t is moved by a distance at one place: the layer runs up to there, and from
// there on with what was moved.
template <class Cell>
double moved_loss(const Cell& cell, const Var& x, const Tensor& lengths, std::int64_t t, bool of_cell,
                  std::int64_t b, std::int64_t k, double distance) {
  const NoGrad no_grad;
  typename Cell::State state{};
  std::vector<Var> hs;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    std::vector<std::int32_t> now;
    for (const double length : lengths.to_vector()) now.push_back(static_cast<double>(step) < length ? 1 : 0);
    auto out = cell(Var(x.value().slice(1, step, step + 1)), state, Tensor::of(now, {kBatch}));
    state = out.state;
    if (step == t) state = moved(state, of_cell, b, k, distance);
    if (step == t && !of_cell) out.hs = unsqueeze(moved(squeeze(out.hs, 1), b, k, distance), 1);
    hs.push_back(out.hs);
  }
  return loss_of(joined(concat(hs, 1), state)).item();
}

template <class Cell>
void check_steps(const Cell& cell, const Var& x, const Tensor& lengths, const std::vector<Tensor>& steps,
                 bool of_cell) {
  REQUIRE(steps.size() == kSteps);
  double largest_gradient = 0;
  for (std::int64_t t = 0; t < kSteps; ++t)
    for (std::int64_t b = 0; b < kBatch; ++b)
      for (std::int64_t k = 0; k < kHidden; ++k) {
        const double found = steps[static_cast<std::size_t>(t)].at({b, k}), step = 1e-6;
        largest_gradient = std::max(largest_gradient, std::fabs(found));
        if (t >= static_cast<std::int64_t>(lengths.at({b}))) {
          CHECK(found == 0);  // padding
          continue;
        }
        const double expected = (moved_loss(cell, x, lengths, t, of_cell, b, k, step) -
                                 moved_loss(cell, x, lengths, t, of_cell, b, k, -step)) /
                                (2 * step);
        CHECK(std::fabs(found - expected) < 1e-6 * std::max(1.0, std::fabs(expected)));
      }
  CHECK(largest_gradient > 0.1);
}

template <class Cell, class... Options>
void check_against_differences(const char* name, const Options&... options) {
  INFO(name);
  Rng rng(3);
  Cell cell(kIn, kHidden, rng, options...);
  take_random_parameters(cell, rng);
  const Var x = f64_features({kBatch, kSteps, kIn});
  const Tensor lengths = ids_of({5, 2, 3}, {kBatch});
  const Intermediates seen = record_intermediates(cell);
  loss_of(cell(x, {}, lengths)).backward();
  const TimeGradients through = gradient_through_time(seen, "");
  check_steps(cell, x, lengths, through.hidden, false);
  if constexpr (std::is_same_v<Cell, LSTM>)
    check_steps(cell, x, lengths, through.cell, true);
  else
    CHECK(through.cell.empty() != std::is_same_v<Cell, LayerNormLSTM>);
  for (std::size_t t = 0; t < kSteps; ++t)
    CHECK(through.norms[t] ==
          std::hypot(norm(through.hidden[t]), through.cell.empty() ? 0 : norm(through.cell[t])));
}

// A recurrent network that shows its states itself.
class ShowsStates : public Module {
 public:
  explicit ShowsStates(double factor) : Module("ShowsStates") {
    w_ = register_parameter("w", Tensor::full({1, 1}, factor, DType::f64));
  }
  Var operator()(const Var& first, int steps) const {
    const ErrorFrame frame = enter();
    Var h = first;
    for (int t = 0; t < steps; ++t) h = note("h", matmul(h, w_));
    return h;
  }

 private:
  Var w_;
};

TimeGradients of_factor(double factor, int steps) {
  const ShowsStates model(factor);
  const Intermediates seen = record_intermediates(model);
  sum(model(Var(Tensor::ones({1, 1}, DType::f64)), steps)).backward();
  return gradient_through_time(seen, "");
}

}  // namespace

TEST_CASE(
    "gradient through time: the whole gradient of each state is that of finite differences, with padding") {
  check_against_differences<LSTM>("LSTM");
  check_against_differences<GRU>("GRU");
  check_against_differences<GRU>("GRU, the book's",
                                 GruVariant{ResetGate::before_product, UpdateGate::takes_candidate});
  check_against_differences<RNN>("RNN");
  check_against_differences<RNN>("RNN, relu", RnnActivation::relu);
  check_against_differences<LayerNormLSTM>("LayerNormLSTM");
}

TEST_CASE("gradient through time: a sequence in parts gives what it gives as one") {
  Rng rng(3);
  LSTM whole(kIn, kHidden, rng);
  take_random_parameters(whole, rng);
  const Var x = f64_features({kBatch, kSteps, kIn});
  const auto run = [&](std::int64_t cut) {
    const Intermediates seen = record_intermediates(whole);
    LstmState state;
    Var loss = Var(Tensor::scalar(0, DType::f64));
    for (const auto& [begin, end] : {std::pair<std::int64_t, std::int64_t>{0, cut}, {cut, kSteps}}) {
      if (begin == end) continue;
      const LstmOutput out = whole(slice(x, 1, begin, end), state);
      state = out.state;
      loss = loss + sum(square(out.hs));
    }
    (loss + sum(square(state.c))).backward();
    return gradient_through_time(seen, "");
  };
  const TimeGradients at_once = run(kSteps);
  for (const std::int64_t cut : {1, 3}) {
    CHECK(largest_difference(run(cut).hidden, at_once.hidden) < kTolerance);
    CHECK(largest_difference(run(cut).cell, at_once.cell) < kTolerance);
  }
}

TEST_CASE("gradient through time: of any recurrent part of any model, while it is watched by nobody else") {
  for (const Watched& each : every_model()) {
    const Intermediates seen = record_intermediates(*each.model);
    each.loss().backward();
    const std::vector<std::string> paths = seen.paths();
    for (const Module* const module : each.model->modules())
      if (const std::string name = module->description();
          name.starts_with("LSTM") || name.starts_with("GRU") || name.starts_with("RNN") ||
          name.starts_with("TimeLSTM") || name.starts_with("LayerNormLSTM")) {
        INFO(each.name << ": " << module->path());
        const TimeGradients through = gradient_through_time(seen, module->path());
        CHECK(through.flow == GradientFlow::fine);
        CHECK(through.norms.front() > 0);
      }
    CHECK(seen.paths() == paths);
  }
}

TEST_CASE("gradient through time: factors and verdicts, at each threshold") {
  const auto check = [](double factor, int steps, GradientFlow flow) {
    const TimeGradients through = of_factor(factor, steps);
    INFO(factor);
    CHECK(through.flow == flow);
    CHECK(std::fabs(through.factor - factor) < 1e-9);
    CHECK(std::fabs(through.norms.front() - std::pow(factor, steps - 1)) < 1e-9 * through.norms.front());
  };
  check(1, 20, GradientFlow::fine);
  check(0.5, 10, GradientFlow::fine);       // 2^-9
  check(0.5, 12, GradientFlow::vanishing);  // 2^-11
  check(2, 10, GradientFlow::fine);
  check(2, 12, GradientFlow::exploding);
  CHECK(of_factor(1e200, 4).flow == GradientFlow::not_finite);
  CHECK(of_factor(0, 1).flow == GradientFlow::fine);

  const ShowsStates model(1);
  const Intermediates seen = record_intermediates(model);
  model(Var(Tensor::ones({1, 1}, DType::f64)), 3);
  CHECK(gradient_through_time(seen, "").flow == GradientFlow::none);
}

TEST_CASE("gradient through time: it is too late when the weights have changed; other paths are refused") {
  Rng rng(3);
  LSTM cell(kIn, kHidden, rng);
  const Var x = some_features({kBatch, kSteps, kIn});
  const Intermediates seen = record_intermediates(cell);
  sum(cell(x).hs).backward();
  CHECK(thrown<ConfigError>([&] { gradient_through_time(seen, "encoder"); }) ==
        "ConfigError: gradient through time: no recurrent layer \"encoder\" has run\n"
        "  requires the path of an LSTM, GRU, RNN or LayerNormLSTM, or of a layer that notes its states as "
        "\"h\"");
  Var weight = cell.parameters()[1];
  weight.mutable_value().fill(0.3);
  CHECK(thrown<GraphError>([&] { gradient_through_time(seen, ""); }) ==
        "GraphError: gradient through time: \"\" no longer computes what was recorded\n"
        "  hint: ask before the optimiser changes its parameters");
}

TEST_CASE("gradient through time: as text and as a drawing") {
  TimeGradients through = of_factor(0.5, 12);
  through.path = "encoder <1>";
  const std::string shown = to_string(through);
  CHECK(shown.starts_with("encoder <1>: norm of dloss/dstate, step by step\n"));
  CHECK(shown.ends_with("vanishing: 0.000488 at step 1, 1 at step 12, times 0.5 a step back\n"));
  const std::vector<TimeGradients> both{through, of_factor(1, 5)};
  const std::string drawing = svg_gradients_through_time(both);
  CHECK(markup_fault(drawing) == "");
  CHECK(count_of(drawing, "encoder &lt;1&gt;") > 0);
}

}  // namespace heed::tests
