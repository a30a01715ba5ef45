// Checking gradients against finite differences.
#pragma once

#include <span>
#include <string>

#include "autograd/functional.h"
#include "autograd/var.h"

namespace heed {

struct GradcheckOptions {
  double step = 1e-6;      ///< half the distance of the two evaluations
  double absolute = 1e-6;  ///< an element passes when |analytic - numeric| <= absolute + relative * |numeric|
  double relative = 1e-5;
  std::int64_t most = 0;   ///< elements of an input compared at most, drawn at random; 0: all
  std::uint64_t seed = 1;  ///< of the random cotangent and of those elements
};

/// What gradcheck() found. Converts to true when all elements pass.
struct GradcheckReport {
  bool ok = true;
  std::int64_t checked = 0;  ///< elements compared
  // The element that is worst in proportion to what is allowed:
  std::size_t input = 0;     ///< which input it belongs to
  std::int64_t element = 0;  ///< its position in row-major order
  Shape shape{};             ///< of that input
  double analytic = 0, numeric = 0;
  double excess = 0;      ///< |analytic - numeric| over what is allowed; above 1 fails
  std::string problem{};  ///< why the check could not be made, when it could not
  explicit operator bool() const { return ok; }
};

/// What a failure is likely due to, as a phrase, from the two values.
std::string likely_cause(const GradcheckReport& report);

/// The verdict; the worst element with both values; and for a failure a line with what is likely the cause.
std::string to_string(const GradcheckReport& report);

/// Compares the gradient of a random combination of f's outputs with central differences, for every element (or
/// `most` of them) of every input that requires a gradient. Inputs must be f64 leaves: in f32 a difference
/// quotient has two correct digits. f must be deterministic and smooth at the inputs. Throws DTypeError unless
/// the inputs are f64, GraphError when none requires a gradient.
GradcheckReport gradcheck(const Differentiable& f, std::span<const Var> inputs,
                          const GradcheckOptions& options = {});

/// The same for the gradient itself: checks second derivatives, through create_graph.
GradcheckReport gradgradcheck(const Differentiable& f, std::span<const Var> inputs,
                              const GradcheckOptions& options = {});

}  // namespace heed
