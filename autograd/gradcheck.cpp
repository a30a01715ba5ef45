#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "autograd/backward.h"
#include "autograd/node.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"

namespace heed {
namespace {

void require_checkable(std::span<const Var> inputs) {
  bool any = false;
  for (const Var& input : inputs) {
    if (!input.requires_grad()) continue;
    any = true;
    if (input.dtype() != DType::f64)
      throw DTypeError({.what = text("gradcheck: an input is ", input.dtype()),
                        .expected = "f64",
                        .hint = "the same operation runs in f64: make the input with DType::f64"});
  }
  if (!any) throw GraphError({.what = "gradcheck: no input requires a gradient"});
}

// The combination of all outputs that is differentiated, without recording.
double combined(const Differentiable& f, std::span<const Var> inputs, const std::vector<Tensor>& cotangents) {
  const NoGrad no_grad;
  const std::vector<Var> outputs = f(inputs);
  double total = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].dtype() == DType::f64) total += sum(outputs[i].value() * cotangents[i]).item();
  return total;
}

// While it lives, an input may be moved; then it is as it was, whatever was thrown.
class Moved {
 public:
  explicit Moved(Var input) : input_(std::move(input)), original_(input_.value().clone()) {}
  ~Moved() { input_.mutable_value().copy_from(original_); }
  Moved(const Moved&) = delete;
  Moved& operator=(const Moved&) = delete;
  void move(std::int64_t element, double offset) const {
    Tensor moved = original_.clone();
    moved.mutable_data<double>()[element] += offset;
    Var(input_).mutable_value().copy_from(moved);
  }

 private:
  Var input_;
  Tensor original_;
};

// Takes one element into the report; false when it is not a number, which nothing later can make up for.
bool compare(GradcheckReport& report, std::size_t input, std::int64_t element, const Shape& shape,
             double analytic, double numeric, const GradcheckOptions& options) {
  const double excess =
      std::abs(analytic - numeric) / (options.absolute + options.relative * std::abs(numeric));
  if (++report.checked == 1 || !(excess <= report.excess)) {
    report.input = input;
    report.element = element;
    report.shape = shape;
    report.analytic = analytic;
    report.numeric = numeric;
    report.excess = excess;
  }
  report.ok = report.excess <= 1;
  return !std::isnan(excess);
}

// The elements of an input that are compared: all of them, or some that are drawn.
std::vector<std::int64_t> chosen_elements(std::int64_t count, const GradcheckOptions& options, Rng& rng) {
  std::vector<std::int64_t> elements = rng.permutation(count);
  if (options.most > 0 && count > options.most) elements.resize(static_cast<std::size_t>(options.most));
  std::sort(elements.begin(), elements.end());
  return elements;
}

}  // namespace

std::string likely_cause(const GradcheckReport& r) {
  if (std::isnan(r.analytic) || std::isnan(r.numeric)) return "one of them is not a number";
  if (r.analytic == 0) return "the gradient is missing: an operand without wrt, or a value read from a Tensor";
  const double ratio = r.analytic / r.numeric;
  if (std::abs(ratio + 1) < 1e-4) return "the sign is wrong";
  const double nearest = std::round(ratio), inverse = std::round(1 / ratio);
  if (std::abs(nearest) > 1 && std::abs(ratio - nearest) < 1e-4 * std::abs(nearest))
    return text("it is ", nearest, " times too large: added twice, or not divided by a count");
  if (std::abs(inverse) > 1 && std::abs(1 / ratio - inverse) < 1e-4 * std::abs(inverse))
    return text("it is ", inverse, " times too small: overwritten instead of added, or divided by a count");
  if (std::abs(r.analytic - r.numeric) < 1e-3 * std::abs(r.numeric))
    return "close: rounding, or a step that is too large";
  return "a wrong rule, a kink near the input, or a function that is not deterministic";
}

GradcheckReport gradcheck(const Differentiable& f, std::span<const Var> inputs,
                          const GradcheckOptions& options) {
  require_checkable(inputs);
  GradcheckReport report;
  Rng rng(options.seed);
  const Recording recording(true);
  const std::vector<Var> outputs = f(inputs);
  std::vector<Var> roots, root_cotangents, leaves;
  std::vector<Tensor> cotangents;
  for (const Var& output : outputs) {
    cotangents.push_back(Tensor::uniform(output.shape(), -1, 1, rng, DType::f64));
    if (!output.requires_grad()) continue;
    roots.push_back(output);
    root_cotangents.emplace_back(cotangents.back());
  }
  for (const Var& input : inputs)
    if (input.requires_grad()) leaves.push_back(input);
  if (roots.empty()) {
    report.ok = false;
    report.problem = "no output depends on an input that requires a gradient";
    return report;
  }
  const std::vector<Var> gradients =
      grad(roots, leaves, {.cotangents = root_cotangents, .retain_graph = true, .allow_unused = true});

  for (std::size_t i = 0, leaf = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    const Var& gradient = gradients[leaf++];
    const Moved moved(inputs[i]);
    const std::vector<double> analytic =
        gradient.defined() ? gradient.value().to_vector()
                           : std::vector<double>(static_cast<std::size_t>(inputs[i].count()), 0.0);
    for (const std::int64_t element : chosen_elements(inputs[i].count(), options, rng)) {
      const auto at = [&](double offset) {
        moved.move(element, offset);
        return combined(f, inputs, cotangents);
      };
      const double numeric = (at(options.step) - at(-options.step)) / (2 * options.step);
      if (!compare(report, i, element, inputs[i].shape(), analytic[static_cast<std::size_t>(element)], numeric,
                   options))
        return report;
    }
  }
  return report;
}

GradcheckReport gradgradcheck(const Differentiable& f, std::span<const Var> inputs,
                              const GradcheckOptions& options) {
  require_checkable(inputs);
  // The cotangents are inputs too: the first derivative is a function of both.
  std::vector<Var> all(inputs.begin(), inputs.end());
  Rng rng(options.seed + 1);
  {
    const Recording recording(true);
    for (const Var& output : f(inputs))
      if (output.requires_grad())
        all.push_back(Var::parameter(Tensor::uniform(output.shape(), -1, 1, rng, DType::f64)));
  }
  const std::size_t n = inputs.size();
  const Differentiable first_derivative = [&](std::span<const Var> arguments) {
    const Recording recording(true);
    std::vector<Var> outputs, leaves;
    for (const Var& output : f(arguments.first(n)))
      if (output.requires_grad()) outputs.push_back(output);
    for (const Var& input : arguments.first(n))
      if (input.requires_grad()) leaves.push_back(input);
    const std::vector<Var> cotangents(arguments.begin() + static_cast<std::ptrdiff_t>(n), arguments.end());
    std::vector<Var> gradients =
        grad(outputs, leaves, {.cotangents = cotangents, .create_graph = true, .allow_unused = true});
    std::erase_if(gradients, [](const Var& gradient) { return !gradient.defined(); });
    return gradients;
  };
  return gradcheck(first_derivative, all, options);
}

std::string to_string(const GradcheckReport& r) {
  if (!r.problem.empty()) return text("gradcheck failed: ", r.problem);
  std::string out = text(r.ok ? "gradcheck passed: " : "gradcheck FAILED: ", r.checked, " elements compared");
  append(out,
         text("\n  worst: element ", r.element, " of input ", static_cast<std::int64_t>(r.input), " ", r.shape,
              ": analytic ", r.analytic, ", numeric ", r.numeric, ", ", r.excess, " of what is allowed"));
  if (!r.ok) append(out, text("\n  likely: ", likely_cause(r)));
  return out;
}

}  // namespace heed
