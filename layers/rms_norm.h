// RMSNorm: rows brought to mean square 1.
#pragma once

#include "layers/module.h"

namespace heed {

struct RmsNormOptions {
  double epsilon = 1e-5;
};

/// Divides the last axis of x [..., width] by the root of its mean square (Zhang and Sennrich 2019). Parameter
/// `gain` [width], ones.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(std::int64_t width, const RmsNormOptions& options = {});
  /// Throws ShapeError unless x.shape[-1] == width.
  Var operator()(const Var& x) const;

 private:
  Var gain_;
  double epsilon_;
};

}  // namespace heed
