// Layer normalisation: the fused operation and its definition.
#pragma once

#include "autograd/record.h"

namespace heed {

/// Each row brought to mean 0 and variance 1, then scaled and shifted (Ba et al. 2016):
///
///   x [..., n]   gain [n]   bias [n]   ->   y = (x - mean) / sqrt(variance + epsilon) * gain + bias
///   with r = 1 / sqrt(variance + epsilon), z = (x - mean) r, g = dy gain:
///   dx = r (g - mean(g) - z mean(g z))   dgain = dy z   dbias = dy, both summed over rows
///
/// Throws ShapeError unless gain and bias are [x.shape[-1]].
Var layer_norm(const Var& x, const Var& gain, const Var& bias, double epsilon = 1e-5, SourceLocation at = {});

namespace definition {
Var layer_norm(const Var& x, const Var& gain, const Var& bias, double epsilon = 1e-5);
}

}  // namespace heed
