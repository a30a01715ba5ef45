#include <algorithm>
#include <optional>

#include "autograd/backward.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "layers/checks_compare.h"

namespace heed::checks {
namespace {

std::string output_of(const Tensor& y) { return text("output ", y.shape()); }

void require_batches(const char* check, const std::vector<Tokens>& inputs, const Tensor& y) {
  const auto fits = [&](const Tokens& input) { return y.rank() > 0 && input.batch() == y.extent(0); };
  if (!std::all_of(inputs.begin(), inputs.end(), fits))
    throw ShapeError(
        {.what = text(check, ": f gives ", y.shape(), " for inputs of ", inputs[0].batch(), " sequences"),
         .expected = "[B, ...] for inputs of B sequences each"});
}

// The beginning of x along all axes but the first.
Tensor beginning(const char* check, Tensor x, const Shape& shape) {
  for (int axis = 1; axis < shape.rank(); ++axis) {
    if (x.rank() != shape.rank() || x.extent(axis) < shape[axis])
      throw ShapeError({.what = text(check, ": f gives ", x.shape(), " for more, ", shape, " for fewer steps"),
                        .expected = "the same axes, none shorter"});
    x = x.slice(axis, 0, shape[axis]);
  }
  return x;
}

Tensor values(const BatchFunction& f, const std::vector<Tokens>& inputs) {
  const NoGrad no_grad;
  return f(inputs).value();
}

// One sequence of each input, with its padding and without.
std::vector<Tokens> padded_row(const std::vector<Tokens>& inputs, std::int64_t b) {
  std::vector<Tokens> row;
  for (const Tokens& input : inputs)
    row.push_back({input.ids.slice(0, b, b + 1).clone(),
                   input.lengths.defined() ? input.lengths.slice(0, b, b + 1).clone() : Tensor()});
  return row;
}
std::vector<Tokens> row_alone(const std::vector<Tokens>& inputs, std::int64_t b) {
  std::vector<Tokens> row;
  for (const Tokens& input : inputs) {
    const std::vector<std::int32_t> ids = input.sequence(b);
    row.push_back(batch_of(std::span(&ids, 1), 0));
  }
  return row;
}

}  // namespace

void require_inputs(const std::vector<Tokens>& inputs, std::size_t count) {
  if (inputs.size() != count || inputs[0].batch() == 0)
    throw ConfigError({.what = text("check: ", inputs.size(), " inputs for a function of ", count),
                       .expected = "one Tokens for each, of one sequence or more"});
}

CheckReport batch_invariance(const BatchFunction& f, const std::vector<Tokens>& inputs,
                             const CheckOptions& options) {
  const char* const check = "check_batch_invariance";
  Comparison comparison(check, options);
  const Tensor y = values(f, inputs);
  require_batches(check, inputs, y);
  if (!repeats(comparison, y, values(f, inputs))) return comparison.report();
  for (std::int64_t b = 0; b < y.extent(0) && comparison.ok(); ++b) {
    const std::vector<Tokens> row = row_alone(inputs, b);
    if (std::any_of(row.begin(), row.end(), [](const Tokens& input) { return input.time() == 0; })) continue;
    const Tensor alone = values(f, row);
    const Tensor together = beginning(check, y.slice(0, b, b + 1), alone.shape());
    if (comparison.agree(together, alone, output_of(y), text("sequence ", b, " in the batch and alone"), b))
      continue;
    const Tensor padded = beginning(check, values(f, padded_row(inputs, b)), alone.shape());
    comparison.because(
        Comparison(check, options).agree(padded, alone, "", "")
            ? "the sequences of a batch are mixed: statistics over the batch, or a product over the wrong axis"
            : "padding takes part: it is attended to, read by a recurrence, or counted in a mean");
  }
  return comparison.report();
}

namespace {

// The tokens with more columns, and another id at all padded positions.
Tokens with_padding(const Tokens& tokens, std::int64_t columns, std::int32_t filler) {
  const std::int64_t batch = tokens.batch(), time = tokens.time();
  Tokens padded{Tensor::full({batch, time + columns}, filler, DType::i32), Tensor::empty({batch}, DType::i32)};
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::vector<std::int32_t> ids = tokens.sequence(b);
    std::copy(ids.begin(), ids.end(), padded.ids.fresh_data<std::int32_t>() + b * (time + columns));
    padded.lengths.fresh_data<std::int32_t>()[b] = static_cast<std::int32_t>(ids.size());
  }
  return padded;
}

std::int32_t largest_id(const std::vector<Tokens>& inputs) {
  std::int32_t largest = 0;
  for (const Tokens& input : inputs)
    for (std::int64_t b = 0; b < input.batch(); ++b)
      for (const std::int32_t id : input.sequence(b)) largest = std::max(largest, id);
  return largest;
}

// y with 0 at the padded positions of its second axis; y itself where there are none.
Tensor real_part(const Tensor& y, const Tokens& tokens, bool has_time_axis) {
  const Mask mask = has_time_axis ? padding_mask(tokens) : Mask();
  if (!mask.defined()) return y;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(y.rank()), 1);
  extents[0] = y.extent(0);
  extents[1] = y.extent(1);
  return where(mask.attends().reshape(extents), y, Tensor::zeros(y.shape(), y.dtype()));
}

// dy at the beginning of zeros of a larger shape.
Tensor enlarged(const char* check, const Tensor& dy, const Shape& shape) {
  Tensor larger = Tensor::zeros(shape, dy.dtype());
  beginning(check, larger, dy.shape()).copy_from(dy);
  return larger;
}

std::vector<Var> gradients(const Var& y, const Tensor& dy, const std::vector<Var>& parameters) {
  if (!y.requires_grad()) return std::vector<Var>(parameters.size());
  return grad(std::span(&y, 1), parameters,
              {.cotangents = {Var(dy)}, .retain_graph = true, .allow_unused = true});
}

Tensor value_or_zeros(const Var& gradient, const Var& parameter) {
  return gradient.defined() ? gradient.value() : Tensor::zeros(parameter.shape(), parameter.dtype());
}

// The largest element of all gradients. One that is 0 but for rounding, as that of a key's bias, is the
// difference of numbers such as these.
double largest_of(const std::vector<Var>& gradients) {
  double largest = 0;
  for (const Var& gradient : gradients)
    if (gradient.defined())
      largest = std::max(
          largest, largest_difference(gradient.value(), Tensor::zeros(gradient.shape(), gradient.dtype())));
  return largest;
}

// Compares what f gives for input k padded with what it gives for `inputs`, y.
void compare_padded(Comparison& comparison, const BatchFunction& f, const std::vector<Tokens>& inputs,
                    std::size_t k, std::int32_t filler, const Var& y, const std::vector<Var>& parameters,
                    const CheckOptions& options) {
  const char* const check = "check_padding_invariance";
  std::vector<Tokens> more = inputs;
  more[k] = with_padding(inputs[k], options.padding, filler);
  const std::string when = text("when input ", k, " was padded by ", options.padding, " more, with ", filler);
  const Var of_more = f(more);
  const bool has_time_axis = y.rank() > 1 && y.extent(1) == inputs[k].time() && of_more.rank() > 1 &&
                             of_more.extent(1) == more[k].time();
  const auto real = [&](const Tensor& x) { return real_part(x, inputs[k], has_time_axis); };
  const bool values_agree = comparison.agree(real(beginning(check, of_more.value(), y.shape())),
                                             real(y.value()), output_of(y.value()), when);
  comparison.because("padding takes part: it is attended to, read by a recurrence, or counted in a mean");
  if (!values_agree) return;
  Rng rng(options.seed);
  const Tensor dy = real(Tensor::normal(y.shape(), 0, 1, rng, y.dtype()));
  const std::vector<Var> expected = gradients(y, dy, parameters),
                         found = gradients(of_more, enlarged(check, dy, of_more.shape()), parameters);
  const double scale = largest_of(expected);
  for (std::size_t i = 0; i < parameters.size() && comparison.ok(); ++i)
    comparison.agree(value_or_zeros(found[i], parameters[i]), value_or_zeros(expected[i], parameters[i]),
                     text("gradient of parameter \"", parameters[i].name(), "\" ", parameters[i].shape()), when,
                     0, scale);
  comparison.because(
      "the outputs do not depend on padding but a gradient does: a rule that reads what stands there");
}

}  // namespace

CheckReport padding_invariance(const Module& module, const BatchFunction& f, const std::vector<Tokens>& inputs,
                               const CheckOptions& options) {
  Comparison comparison("check_padding_invariance", options);
  const Recording recording(true);
  const std::vector<Var> parameters = module.parameters();
  const Var y = f(inputs);
  require_batches("check_padding_invariance", inputs, y.value());
  if (!repeats(comparison, y.value(), values(f, inputs))) return comparison.report();
  for (std::size_t k = 0; k < inputs.size(); ++k)
    for (const std::int32_t filler : {0, largest_id(inputs)})
      if (comparison.ok()) compare_padded(comparison, f, inputs, k, filler, y, parameters, options);
  return comparison.report();
}

namespace {

// The scores of all steps [B, T, V], each as `take` makes it from the stepper and the last ids.
template <class Take>
Tensor stepped(const Tokens& target_in, Take take) {
  std::vector<Tensor> steps;
  for (std::int64_t t = 0; t < target_in.time(); ++t) {
    const Tensor ids = target_in.ids.select(1, t).contiguous_copy_if_needed();
    steps.push_back(take(t, ids).unsqueeze(1));  // [B, 1, V]
  }
  return concat(steps, 1);
}

std::string cause_of_disparity(const Tensor& forced, const Tensor& scores, const CheckOptions& options) {
  const std::int64_t steps = forced.extent(1);
  const auto same = [&](const Tensor& a, const Tensor& b) {
    return Comparison("", options).agree(a, b, "", "");
  };
  const bool behind = steps > 1 && same(scores.slice(1, 1, steps), forced.slice(1, 0, steps - 1));
  const bool ahead = steps > 1 && same(scores.slice(1, 0, steps - 1), forced.slice(1, 1, steps));
  if (behind || ahead)
    return text("off by one: each step gives what operator() gives one step ", behind ? "earlier" : "later");
  if (same(scores.slice(1, 0, 1), forced.slice(1, 0, 1)))
    return "the first step is right: the state does not carry on all that later ones need (a position, a "
           "cache)";
  return "the first step is wrong already: start() does not begin where operator() does";
}

// Rows of x [B, ...].
Tensor rows_of(const Tensor& x, const std::vector<std::int32_t>& rows) {
  std::vector<Tensor> parts;
  for (const std::int32_t row : rows) parts.push_back(x.slice(0, row, row + 1));
  return concat(parts, 0);
}

// Scores [rows.size(), T, V] of the rows, which the state has selected from step `from` on.
Tensor stepped_selected(const Tokens& target_in, Stepper stepper, std::int64_t from,
                        const std::vector<std::int32_t>& rows) {
  const auto take = [&](std::int64_t t, const Tensor& ids) {
    if (t == from) stepper.select(Tensor::of(rows, {static_cast<std::int64_t>(rows.size())}));
    if (t >= from) return stepper.step(rows_of(ids, rows)).scores.value();
    return rows_of(stepper.step(ids).scores.value(), rows);
  };
  return stepped(target_in, take);
}

// Compares the scores of steps with those of all at once, for the real ids.
bool agree(Comparison& comparison, const Tensor& scores, const Tensor& forced, const Tokens& target_in,
           const char* when) {
  return comparison.agree(real_part(scores, target_in, true), real_part(forced, target_in, true),
                          text("scores ", forced.shape()), when);
}

// The scores of steps while copies take two steps each with other ids, each behind the original's: what they
// write where the original has written would be read by its next step.
Tensor stepped_beside_copies(const Tokens& target_in, Stepper stepper) {
  std::optional<Stepper> copy;
  return stepped(target_in, [&](std::int64_t t, const Tensor& ids) {
    if (t % 2 == 0) copy.emplace(stepper);
    const Tensor scores = stepper.step(ids).scores.value();
    copy->step(target_in.ids.select(1, (t + 1) % target_in.time()).clone());
    return scores;
  });
}

}  // namespace

CheckReport decode_parity(const Var& forced_scores, const Tokens& target_in, const Stepper& start,
                          const CheckOptions& options) {
  const char* const check = "check_decode_parity";
  const NoGrad no_grad;
  const Tensor forced = forced_scores.value();
  const std::int64_t batch = target_in.batch(), time = target_in.time();
  if (forced.rank() != 3 || forced.extent(0) != batch || forced.extent(1) != time)
    throw ShapeError(
        {.what = text(check, ": the model gives ", forced.shape(), " for targets ", target_in.ids.shape()),
         .expected = "scores [B, T, V] for targets [B, T]"});
  if (batch == 0 || time == 0)
    throw ConfigError(
        {.what = text(check, ": targets are ", target_in.ids.shape()), .expected = "one step or more"});
  Comparison comparison(check, options);
  Stepper plain = start;
  const auto step = [&](std::int64_t, const Tensor& ids) { return plain.step(ids).scores.value(); };
  const Tensor scores = stepped(target_in, step);
  if (!agree(comparison, scores, forced, target_in, "step by step, instead of all at once")) {
    comparison.because(cause_of_disparity(forced, scores, options));
    return comparison.report();
  }
  if (!agree(comparison, stepped_beside_copies(target_in, start), forced, target_in,
             "step by step, while copies of the state went another way")) {
    comparison.because("copies of the state share what a step changes in place");
    return comparison.report();
  }
  std::vector<std::int32_t> rows{0};  // all from the last to the first, and the first once more
  for (std::int64_t b = 0; b < batch; ++b) rows.insert(rows.begin(), static_cast<std::int32_t>(b));
  const Tokens selected{rows_of(target_in.ids, rows),
                        target_in.lengths.defined() ? rows_of(target_in.lengths, rows) : Tensor()};
  agree(comparison, stepped_selected(target_in, start, time / 2, rows), rows_of(forced, rows), selected,
        "when select() had turned the order of the sequences round and repeated the first");
  comparison.because("select() leaves a part of the state in the old order");
  return comparison.report();
}

}  // namespace heed::checks
