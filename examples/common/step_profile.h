// --profile: where the time and the memory of some steps of a training went.
#pragma once

#include <cstdint>
#include <optional>

#include "autograd/profile/profile.h"
#include "examples/common/training.h"

namespace heed::programs {

/// Measures the steps that config.profile asks for, from the second on: the first one makes what the others use
/// again. They are of one epoch, so they may be fewer.
class StepProfile {
 public:
  explicit StepProfile(const TrainingConfig& config) : config_(config), left_(config.profile) {}

  void step_begins();
  /// Whether that was the last one to be measured: then report() is due.
  bool step_ended();
  /// Writes profile.html and prints the most expensive operations, once there is something to tell; to be
  /// called before what is no step (an evaluation).
  void report();

 private:
  const TrainingConfig& config_;
  std::int64_t left_;
  bool first_ = true;
  std::optional<Profile> profile_;
};

}  // namespace heed::programs
