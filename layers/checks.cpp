#include "layers/checks.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "autograd/gradcheck.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "layers/checks_compare.h"

namespace heed {
namespace checks {

std::vector<std::int64_t> position_of(std::int64_t element, const Shape& shape) {
  std::vector<std::int64_t> position(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    position[static_cast<std::size_t>(axis)] = element % shape[axis];
    element /= shape[axis];
  }
  return position;
}

bool Comparison::agree(const Tensor& found, const Tensor& expected, const std::string& what,
                       const std::string& when, std::int64_t first, double scale) {
  const double by_type = expected.dtype() == DType::f64 ? 1e-9 : 1e-5;
  return compare(found, expected, what, when, first, scale,
                 options_.tolerance > 0 ? options_.tolerance : by_type);
}

bool Comparison::compare(const Tensor& found, const Tensor& expected, const std::string& what,
                         const std::string& when, std::int64_t first, double scale, double tolerance) {
  if (found.shape() != expected.shape())
    throw ShapeError({.what = text(report_.check, ": ", what, " is ", found.shape(), " ", when),
                      .expected = text(expected.shape())});
  const std::vector<double> a = found.to_vector(), b = expected.to_vector();
  double largest = scale;
  for (const double each : b)
    if (std::isfinite(each)) largest = std::max(largest, std::abs(each));
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++report_.compared;
    // Equal infinities agree; what is not a number agrees with nothing.
    if (a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance * largest) continue;
    if (report_.ok) {
      report_.ok = false;
      report_.what = what;
      report_.when = when;
      report_.index = position_of(static_cast<std::int64_t>(i), expected.shape());
      if (!report_.index.empty()) report_.index[0] += first;
      report_.found = a[i];
      report_.expected = b[i];
    }
    return false;
  }
  return true;
}

void Comparison::fail(std::string what, std::string cause) {
  if (!report_.ok) return;
  report_.ok = false;
  report_.what = std::move(what);
  report_.cause = std::move(cause);
}

bool repeats(Comparison& comparison, const Tensor& first, const Tensor& second) {
  const bool same = comparison.agree_exactly(second, first, text("output ", first.shape()), "in a second call");
  comparison.because(
      std::isnan(comparison.report().expected)
          ? "the output is not a number to begin with"
          : "a state kept from call to call and not reset, or random numbers (dropout while training)");
  return same;
}

}  // namespace checks

namespace {

using checks::Comparison;

Tensor run(const SequenceFunction& f, const Tensor& x, const char* check) {
  const NoGrad no_grad;
  const Tensor y = f(x).value();
  if (x.rank() < 2 || y.rank() < 2 || y.extent(0) != x.extent(0) || y.extent(1) != x.extent(1))
    throw ShapeError({.what = text(check, ": f of ", x.shape(), " is ", y.shape()),
                      .expected = "x [B, T, ...] and f(x) [B, T, ...]"});
  if (x.extent(1) < 2)
    throw ConfigError({.what = text(check, ": x is ", x.shape()), .expected = "two steps or more"});
  return y;
}

// x with other values at one step: of ids, others that occur, which are sure to be valid.
Tensor with_step_changed(const Tensor& x, std::int64_t step) {
  Tensor changed = x.clone();
  Tensor part = changed.slice(1, step, step + 1);
  if (x.dtype() != DType::i32) {
    part.copy_from(part.clone() + 1.0);
    return changed;
  }
  std::set<double> ids;
  for (const double id : x.to_vector()) ids.insert(id);
  if (ids.size() < 2)
    throw ConfigError({.what = "check_causal: the ids are all alike", .expected = "two different ones"});
  std::vector<double> others;
  for (const double id : part.to_vector()) {
    const auto after = ids.upper_bound(id);
    others.push_back(after == ids.end() ? *ids.begin() : *after);
  }
  part.copy_from(Tensor::of(others, part.shape(), DType::i32));
  return changed;
}

Tensor steps_in_order(const Tensor& x, const std::vector<std::int64_t>& order) {
  std::vector<Tensor> steps;
  for (const std::int64_t step : order) steps.push_back(x.slice(1, step, step + 1));
  return concat(steps, 1);
}

std::string index_text(const std::vector<std::int64_t>& index) {
  std::string out = "[";
  for (const std::int64_t i : index) append(out, text(out.size() > 1 ? ", " : "", i));
  return out + "]";
}

}  // namespace

std::string to_string(const CheckReport& r) {
  if (r.ok) return text(r.check, " passed: ", r.compared, " numbers compared");
  std::string out = text(r.check, " FAILED: ", r.what);
  if (!r.index.empty())
    append(out, text(" at ", index_text(r.index), " is ", r.found, " instead of ", r.expected));
  if (!r.when.empty()) append(out, text("\n  ", r.when));
  if (!r.cause.empty()) append(out, text("\n  likely: ", r.cause));
  return out;
}

CheckReport check_causal(const SequenceFunction& f, const Tensor& x, const CheckOptions& options) {
  const char* const check = "check_causal";
  Comparison comparison(check, options);
  const Tensor y = run(f, x, check);
  if (!checks::repeats(comparison, y, run(f, x, check))) return comparison.report();
  const std::int64_t steps = x.extent(1);
  std::int64_t reach = 0;  // how far ahead an output sees
  bool moves = false;
  for (std::int64_t step = 0; step < steps; ++step) {
    const Tensor after = run(f, with_step_changed(x, step), check);
    moves = moves || !identical(after, y);
    if (comparison.agree(after.slice(1, 0, step), y.slice(1, 0, step), text("output ", y.shape()),
                         text("when step ", step, " of every sequence was changed")))
      continue;
    std::int64_t first = 0;
    while (Comparison(check, options).agree(after.slice(1, 0, first + 1), y.slice(1, 0, first + 1), "", ""))
      ++first;
    reach = std::max(reach, step - first);
  }
  if (!moves) comparison.fail("no output", "f does not read x, so that it says nothing of what the model sees");
  if (reach == 1) comparison.because("an output sees one step too many: a mask or a shift that is off by one");
  if (reach > 1)
    comparison.because(
        text("an output sees ", reach,
             " steps ahead: no causal mask, a layer that reads from the end, or a norm over time"));
  return comparison.report();
}

CheckReport check_permutation_equivariance(const SequenceFunction& f, const Tensor& x,
                                           const CheckOptions& options) {
  const char* const check = "check_permutation_equivariance";
  Comparison comparison(check, options);
  const Tensor y = run(f, x, check);
  if (!checks::repeats(comparison, y, run(f, x, check))) return comparison.report();
  std::vector<std::int64_t> exchanged, rotated;
  for (std::int64_t step = 0; step < x.extent(1); ++step) {
    exchanged.push_back(step < 2 ? 1 - step : step);
    rotated.push_back((step + 1) % x.extent(1));
  }
  for (const auto& [order, when] : {std::pair{exchanged, "when steps 0 and 1 were exchanged"},
                                    std::pair{rotated, "when the steps were rotated by one"}})
    comparison.agree(run(f, steps_in_order(x, order), check), steps_in_order(y, order),
                     text("output ", y.shape()), when);
  comparison.because("steps are told apart: positions, a causal mask, or a recurrence");
  return comparison.report();
}

namespace {

// While it lives, a module is in f64; then its parameters have their type again. What f32 held, it holds again.
class InDouble {
 public:
  explicit InDouble(Module& module) : module_(module) {
    for (const Var& parameter : module.parameters()) dtype_ = parameter.dtype();
    module_.to(DType::f64);
  }
  ~InDouble() { module_.to(dtype_); }
  InDouble(const InDouble&) = delete;
  InDouble& operator=(const InDouble&) = delete;

 private:
  Module& module_;
  DType dtype_ = DType::f64;
};

}  // namespace

CheckReport check_gradients(Module& module, const std::function<Var()>& loss,
                            const GradientCheckOptions& options) {
  Comparison comparison("check_gradients", {});
  const InDouble in_double(module);
  const auto value = [&] {
    const NoGrad no_grad;
    return loss().value().clone();
  };
  if (!checks::repeats(comparison, value(), value())) return comparison.report();
  const std::vector<Var> parameters = module.parameters();
  const GradcheckReport found = gradcheck([&](std::span<const Var>) { return std::vector{loss()}; }, parameters,
                                          {.step = options.step,
                                           .absolute = options.absolute,
                                           .relative = options.relative,
                                           .most = options.most,
                                           .seed = options.seed});
  CheckReport report = comparison.report();
  report.compared = found.checked;
  if (found) return report;
  report.ok = false;
  if (!found.problem.empty()) {
    report.what = "the loss";
    report.cause = "it depends on no parameter: it was computed without recording, or from detached values";
    return report;
  }
  report.what = text("gradient of parameter \"", parameters[found.input].name(), "\" ", found.shape);
  report.index = checks::position_of(found.element, found.shape);
  report.found = found.analytic;
  report.expected = found.numeric;
  report.when = text("by finite differences; that is ", found.excess, " times what is allowed");
  report.cause = found.analytic == 0
                     ? "the parameter is cut off: detached, or read as a Tensor, on its way to the loss"
                     : likely_cause(found);
  return report;
}

CheckReport checks::overfits(const Module& module, const std::function<double()>& train_step,
                             const OverfitOptions& options) {
  Comparison comparison("check_overfits_one_batch", {});
  const std::vector<Var> parameters = module.parameters();
  std::vector<Tensor> before;
  for (const Var& parameter : parameters) before.push_back(parameter.value().clone());
  double first = 0, last = 0;
  int taken = 0;
  while (taken < options.steps && comparison.ok()) {
    last = train_step();
    if (taken++ == 0) first = last;
    if (!std::isfinite(last))
      comparison.fail(text("the loss of step ", taken - 1, " is ", last),
                      "a learning rate that is too high, or a gradient that is not finite");
    if (last < options.loss) break;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (identical(parameters[i].value(), before[i]))
      comparison.fail(
          text("parameter \"", parameters[i].name(), "\" ", parameters[i].shape(), " has not moved"),
          "it is detached on its way to the loss, or the optimiser was not given it");
    Var(parameters[i]).mutable_value().copy_from(before[i]);
  }
  if (!(last < options.loss))
    comparison.fail(
        text("the loss is ", last, " after ", taken, " steps, from ", first, ", and not below ", options.loss),
        last < 0.7 * first
            ? "it falls: more steps or a higher learning rate may do"
            : "targets that the model cannot see, a shift by one, or gradients that are not cleared");
  CheckReport report = comparison.report();
  report.compared = taken;
  return report;
}

}  // namespace heed
