// Dropout as a layer.
#pragma once

#include "layers/module.h"

namespace heed {

/// In training, each element 0 with the given probability and the others divided by 1 - probability; in
/// evaluation x itself. The generator is the caller's, so that a run can be repeated and resumed.
class Dropout : public Module {
 public:
  /// Throws ConfigError unless 0 <= probability < 1.
  explicit Dropout(double probability);
  Var operator()(const Var& x, Rng& rng) const;
  /// The same with a generator that may be missing where none is needed; throws ConfigError where one is.
  Var operator()(const Var& x, Rng* rng) const;
  /// Whether a call draws random numbers.
  bool active() const { return training() && probability_ > 0; }
  double probability() const { return probability_; }

 private:
  double probability_;
};

}  // namespace heed
