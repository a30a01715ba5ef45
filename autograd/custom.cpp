#include "autograd/custom.h"

#include <set>
#include <string>

#include "autograd/gradcheck.h"
#include "autograd/observer.h"
#include "autograd/record.h"
#include "core/error.h"

namespace heed {

namespace custom_operations {
#ifdef NDEBUG
constinit thread_local CustomChecks checks{.on = false};
#else
constinit thread_local CustomChecks checks{.on = true};
#endif
}  // namespace custom_operations

namespace {

// The operand of a check: a leaf of its own in f64, if it takes part in the differentiation.
Var as_checked(const Var& operand) {
  if (!operand.defined() || (operand.dtype() != DType::f32 && operand.dtype() != DType::f64)) return operand;
  if (!operand.requires_grad()) return Var(operand.value().to(DType::f64));
  return Var::parameter(operand.value().to(DType::f64).clone());  // gradcheck moves its elements
}

// "[1, 2]": the place of an element in row-major order.
std::string position(const Shape& shape, std::int64_t element) {
  std::string out;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    out = text(element % shape[axis], out.empty() ? "" : ", ", out);
    element /= shape[axis];
  }
  return text("[", out, "]");
}

void throw_wrong(const char* name, const GradcheckReport& report, const GradcheckOptions& options,
                 std::span<const Var> operands) {
  if (!report.problem.empty())
    throw GraphError({.what = text(name, ": its gradient cannot be checked: ", report.problem)});
  throw GraphError(
      {.what = text(name, ": its gradient is not its derivative: at ", position(report.shape, report.element),
                    " of operand ", report.input, " ", report.shape, ", for a random dy, the rule gives ",
                    report.analytic, ", differences give ", report.numeric),
       .expected = text("|analytic - numeric| <= ", options.absolute, " + ", options.relative, " |numeric|"),
       .operands = text("operand ", report.input, ": ", operands[report.input].value().origin(),
                        "    likely: ", likely_cause(report))});
}

}  // namespace

void check_first_use(const char* name, const Differentiable& definition, std::span<const Var> operands) {
  if (!is_recording() || !any_requires_grad(operands)) return;
  std::string use = name;
  std::vector<Var> inputs;
  for (const Var& operand : operands) {
    inputs.push_back(as_checked(operand));
    use += operand.defined() ? text(operand.requires_grad() ? " d" : " ", operand.shape()) : " none";
  }
  thread_local std::set<std::string> checked;
  if (checked.contains(use)) return;
  const ErrorFrame frame(
      name,
      [](const void* its_name, bool, std::string& out) {
        append(out, text("gradient check of ", static_cast<const char*>(its_name), " on its first use"));
      },
      ErrorFrame::innermost_path());
  const Unobserved unobserved;
  const GradcheckOptions options{.most = custom_operations::checks.most};
  const GradcheckReport report = gradcheck(definition, inputs, options);
  if (!report) throw_wrong(name, report, options, operands);
  checked.insert(std::move(use));
}

}  // namespace heed
