// The gradients of a model in tables: parameters, layers, units that are dead.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.h"
#include "layers/inspect/gradient_flow.h"
#include "layers/inspect/intermediates.h"

namespace heed {

/// Copies of a model's parameters, to tell how much a step of an optimiser changes them:
///
///   const ParameterValues before(model);
///   optimiser.step();
///   std::printf("%s", to_string(gradient_report(seen, before)).c_str());
class ParameterValues {
 public:
  explicit ParameterValues(const Module& model);
  /// The value as it was; undefined for a parameter that is not the model's.
  Tensor of(const Var& parameter) const;

 private:
  std::vector<std::pair<Var, Tensor>> values_;
};

struct ParameterGradient {
  std::string name{};
  Shape shape{};
  Statistics value{};     ///< before the step, when that is known
  Statistics gradient{};  ///< without elements when there is none
  /// Norm of the change over the norm of the value before. Near 1e-3 is what one sees where training goes well;
  /// below 1e-5 hardly anything moves, above 1e-1 the weights are thrown away at each step. Infinite where the
  /// value was 0.
  std::optional<double> update_ratio{};
};

/// A module with parameters of its own.
struct LayerGradient {
  std::string path{};
  std::string description{};
  double size = 0;   ///< of its gradients' elements: root mean square of those that are not 0
  double share = 0;  ///< that size over the one of the layer nearest to the loss
  GradientFlow flow = GradientFlow::none;  ///< of `share`
};

/// Units of an activation that gave 0 for the whole batch, in all steps: no gradient goes through them.
struct DeadUnits {
  std::string path{};  ///< of the value: "hidden.relu"
  std::int64_t units = 0, dead = 0;
  double share() const { return units == 0 ? 0 : static_cast<double>(dead) / static_cast<double>(units); }
};

struct GradientReport {
  std::vector<ParameterGradient> parameters{};  ///< in the order of registration
  std::vector<LayerGradient> layers{};          ///< the same
  std::string nearest{};                        ///< path of the layer nearest to the loss
  std::vector<DeadUnits> units{};               ///< of each relu, and of each rnn, in the order of computation
};

/// Of the last backward that `seen` was there for: the layer nearest to the loss is the one that this backward
/// reached first. A layer's size does not count elements with gradient 0, so that rows of an embedding that
/// were not looked up, and dead units, do not make it small. With the values before an optimiser's step, also
/// how much it changed them.
GradientReport gradient_report(const Intermediates& seen);
GradientReport gradient_report(const Intermediates& seen, const ParameterValues& before);

Table parameter_table(const GradientReport& report);
Table layer_table(const GradientReport& report);
Table unit_table(const GradientReport& report);
/// All three that have rows, for a terminal.
std::string to_string(const GradientReport& report);

}  // namespace heed
