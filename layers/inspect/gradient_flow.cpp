#include "layers/inspect/gradient_flow.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "autograd/backward.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "core/reduce.h"
#include "layers/gru.h"
#include "layers/lstm.h"
#include "layers/rnn.h"

namespace heed {
namespace {

// One call of a fused recurrent layer, as it was recorded.
struct Call {
  const TracedOperation* operation;
  Tensor lengths;
};

std::vector<Call> calls_of(const Trace& trace, std::string_view path) {
  std::vector<Call> calls;
  for (const TracedOperation& operation : trace.operations()) {
    const std::string_view name = operation.name;
    if (operation.module == path && operation.is_forward() &&
        (name == "lstm" || name == "gru" || name == "rnn"))
      calls.push_back({&operation, {}});
  }
  // A layer says its lengths, if it was given any, and then its output.
  Tensor lengths;
  for (const TracedNote& note : trace.notes()) {
    if (note.module != path) continue;
    if (note.name == "lengths") lengths = trace.values()[note.value].value;
    for (Call& call : calls)
      if (call.operation->outputs[0] == note.value) call.lengths = std::exchange(lengths, Tensor());
  }
  return calls;
}

// h, and c where there is one.
std::vector<Var> parts_of(const LstmState& state) { return {state.h, state.c}; }
std::vector<Var> parts_of(const Var& state) { return {state}; }

void set_initial(LstmState& state, const std::vector<Var>& operands) { state = {operands[1], operands[2]}; }
void set_initial(Var& state, const std::vector<Var>& operands) { state = operands[1]; }

// Of each sequence, whether it has a step t: as i32 lengths of a sequence of one step.
Tensor lengths_at(const Tensor& lengths, std::int64_t t) {
  if (!lengths.defined()) return {};
  std::vector<std::int32_t> at;
  for (const double length : lengths.to_vector()) at.push_back(static_cast<double>(t) < length ? 1 : 0);
  return Tensor::of(at, lengths.shape());
}

void require_same(const Tensor& again, const Tensor& recorded, const std::string& path) {
  const double size = std::max(1.0, magnitudes_of(recorded).largest);
  if (largest_difference(again, recorded) <= size * (recorded.dtype() == DType::f64 ? 1e-9 : 1e-4)) return;
  throw GraphError({.what = text("gradient through time: \"", path, "\" no longer computes what was recorded"),
                    .hint = "ask before the optimiser changes its parameters"});
}

// The parts of a state, [B, H] each, in each step.
using States = std::vector<std::vector<Var>>;

// The gradients of what a call computed, where a backward brought any: outputs are hs, h and perhaps c.
std::vector<Var> gradients_of(std::span<const Var> outputs, const States& states, const Call& call,
                              const Trace& trace) {
  std::vector<Var> asked, cotangents, inputs;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (const Tensor& given = trace.values()[call.operation->outputs[i]].gradient; given.defined()) {
      asked.push_back(outputs[i]);
      cotangents.emplace_back(given);
    }
  for (const std::vector<Var>& state : states) inputs.insert(inputs.end(), state.begin(), state.end());
  return grad(asked, inputs, {.cotangents = cotangents, .allow_unused = true});
}

// The sequence again, a call a step, so that the state between two steps is a variable, whose gradient is what
// comes from all later steps; what comes from the output of the step itself is added to that of h.
template <class Cell>
void add_again_by_step(const Cell& cell, const Call& call, const Trace& trace, TimeGradients& to) {
  const Unobserved unobserved;
  const Recording recording(true);
  std::vector<Var> operands;
  for (const std::size_t place : call.operation->operands)
    operands.push_back(place == TracedOperation::kNowhere ? Var() : Var(trace.values()[place].value));
  const Tensor& x = operands[0].value();
  typename Cell::State state;
  set_initial(state, operands);
  std::vector<Var> hs;
  States states;
  for (std::int64_t t = 0; t < x.extent(1); ++t) {
    auto output = cell(Var(x.slice(1, t, t + 1)), state, lengths_at(call.lengths, t));
    state = std::move(output.state);
    hs.push_back(std::move(output.hs));
    states.push_back(parts_of(state));
  }
  std::vector<Var> outputs{concat(hs, 1)};
  outputs.insert(outputs.end(), states.back().begin(), states.back().end());
  require_same(outputs[0].value(), trace.values()[call.operation->outputs[0]].value, cell.path());
  const std::vector<Var> later = gradients_of(outputs, states, call, trace);

  const Tensor& of_outputs = trace.values()[call.operation->outputs[0]].gradient;
  const Tensor zeros = Tensor::zeros(states.back()[0].shape(), x.dtype());
  const std::size_t parts = states.back().size();
  for (std::size_t i = 0; i < later.size(); ++i) {
    const auto t = static_cast<std::int64_t>(i / parts);
    const bool is_hidden = i % parts == 0;
    Tensor whole = later[i].defined() ? later[i].value() : zeros;
    if (is_hidden && of_outputs.defined()) whole = whole + of_outputs.select(1, t);
    if (const Tensor real = lengths_at(call.lengths, t); real.defined())
      whole = where(greater(real, Tensor::scalar(0, DType::i32)).unsqueeze(1), whole, zeros);
    (is_hidden ? to.hidden : to.cell).push_back(std::move(whole));
  }
}

void add_steps(const Module* layer, const Call& call, const Trace& trace, TimeGradients& to) {
  if (const auto* lstm = dynamic_cast<const LSTM*>(layer)) return add_again_by_step(*lstm, call, trace, to);
  if (const auto* gru = dynamic_cast<const GRU*>(layer)) return add_again_by_step(*gru, call, trace, to);
  if (const auto* rnn = dynamic_cast<const RNN*>(layer)) return add_again_by_step(*rnn, call, trace, to);
  throw ConfigError({.what = text("gradient through time: the ", call.operation->name, " in \"",
                                  call.operation->module, "\" is not that of a layer"),
                     .expected = "an LSTM, GRU or RNN, or a layer that notes its states"});
}

// The states that a layer shows itself.
void add_noted(const Trace& trace, TimeGradients& to) {
  for (const TracedNote& note : trace.notes()) {
    if (note.module != to.path || (note.name != "h" && note.name != "c")) continue;
    const TracedValue& state = trace.values()[note.value];
    (note.name == "h" ? to.hidden : to.cell)
        .push_back(state.gradient.defined() ? state.gradient
                                            : Tensor::zeros(state.value.shape(), state.value.dtype()));
  }
}

void judge(TimeGradients& of) {
  const std::vector<double>& norms = of.norms;
  const double strongest = *std::max_element(norms.begin(), norms.end());
  if (!std::all_of(norms.begin(), norms.end(), [](double norm) { return std::isfinite(norm); })) {
    of.flow = GradientFlow::not_finite;
    return;
  }
  if (strongest == 0) return;
  std::size_t last = norms.size() - 1;
  while (norms[last] == 0) --last;
  if (last > 0) of.factor = std::pow(norms[0] / norms[last], 1 / static_cast<double>(last));
  of.flow = norms[0] < kVanishing * strongest      ? GradientFlow::vanishing
            : strongest > kExploding * norms[last] ? GradientFlow::exploding
                                                   : GradientFlow::fine;
}

}  // namespace

const char* to_string(GradientFlow flow) {
  constexpr const char* kNames[] = {"fine", "vanishing", "exploding", "no gradient", "not finite"};
  return kNames[static_cast<std::size_t>(flow)];
}

TimeGradients gradient_through_time(const Intermediates& seen, std::string_view path) {
  const Trace& trace = seen.trace();
  const std::vector<const Module*> modules = seen.model().modules();
  const auto layer = std::find_if(modules.begin(), modules.end(),
                                  [&](const Module* module) { return module->path() == path; });
  TimeGradients of{.path = std::string(path)};
  const std::vector<Call> calls = calls_of(trace, path);
  for (const Call& call : calls) add_steps(layer == modules.end() ? nullptr : *layer, call, trace, of);
  if (calls.empty()) add_noted(trace, of);
  if (of.hidden.empty())
    throw ConfigError({.what = text("gradient through time: no recurrent layer \"", path, "\" has run"),
                       .expected =
                           "the path of an LSTM, GRU, RNN or LayerNormLSTM, or of a layer that notes its "
                           "states as \"h\""});
  for (std::size_t t = 0; t < of.hidden.size(); ++t)
    of.norms.push_back(std::hypot(norm(of.hidden[t]), t < of.cell.size() ? norm(of.cell[t]) : 0));
  judge(of);
  return of;
}

std::string to_string(const TimeGradients& of) {
  const std::size_t steps = of.norms.size();
  std::string out =
      text(of.path.empty() ? "" : of.path + ": ", "norm of dloss/dstate, step by step\n",
           terminal_columns(of.norms, {.log = true, .first = "step 1", .last = text("step ", steps)}));
  append(out, text(to_string(of.flow), ": ", short_number(of.norms.front()), " at step 1, ",
                   short_number(of.norms.back()), " at step ", steps));
  if (of.flow != GradientFlow::none && of.flow != GradientFlow::not_finite && steps > 1)
    append(out, text(", times ", short_number(of.factor), " a step back"));
  return out + "\n";
}

std::string svg_gradients_through_time(std::span<const TimeGradients> layers, LineChartOptions options) {
  std::vector<Series> all;
  for (const TimeGradients& layer : layers) {
    Series series{.name = layer.path};
    for (std::size_t t = 0; t < layer.norms.size(); ++t) {
      series.x.push_back(static_cast<double>(t + 1));
      series.y.push_back(layer.norms[t]);
    }
    all.push_back(std::move(series));
  }
  options.log_y = true;
  if (options.title.empty()) options.title = "Norm of the gradient with respect to the state, by step";
  if (options.x_label.empty()) options.x_label = "step";
  if (options.y_label.empty()) options.y_label = "norm of dloss/dstate";
  return svg_line_chart(all, options);
}

}  // namespace heed
