// LayerNorm: rows brought to mean 0 and variance 1.
#pragma once

#include "layers/module.h"

namespace heed {

struct LayerNormOptions {
  double epsilon = 1e-5;
};

/// Normalises the last axis of x [..., width] (Ba et al. 2016). Parameters `gain` [width], ones, and `bias`
/// [width], zeros.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t width, const LayerNormOptions& options = {});
  /// Throws ShapeError unless x.shape[-1] == width.
  Var operator()(const Var& x) const;

 private:
  Var gain_, bias_;
  double epsilon_;
};

}  // namespace heed
