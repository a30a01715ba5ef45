// LayerNorm: rows brought to mean 0 and variance 1.
#pragma once

#include "layers/module.h"

namespace heed {

struct LayerNormOptions {
  double epsilon = 1e-5;
};

/// Normalises the last axes of x together (Ba et al. 2016): one, x [..., width], so that each step is a row; or
/// several, as {T, D}, so that all elements of a sequence are one. Parameters `gain`, ones, and `bias`, zeros,
/// of the shape of those axes.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t width, const LayerNormOptions& options = {})
      : LayerNorm(Shape{width}, options) {}
  /// Throws ConfigError when there is no axis.
  explicit LayerNorm(const Shape& axes, const LayerNormOptions& options = {});
  /// Throws ShapeError unless x ends with those axes.
  Var operator()(const Var& x) const;

 private:
  Var gain_, bias_;
  double epsilon_;
};

}  // namespace heed
