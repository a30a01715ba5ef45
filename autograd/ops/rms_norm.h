// Root-mean-square normalisation: the operation and its definition.
#pragma once

#include "autograd/record.h"

namespace heed {

/// Each row divided by the root of its mean square, then scaled (Zhang and Sennrich 2019):
///
///   x [..., n]   gain [n]   ->   y = z gain,   z = x r,   r = 1 / sqrt(mean(x²) + epsilon)
///   with g = dy gain:   dx = r (g - z mean(g z))   dgain = dy z, summed over rows
///
/// Throws ShapeError unless gain is [x.shape[-1]].
Var rms_norm(const Var& x, const Var& gain, double epsilon = 1e-5, SourceLocation at = {});

namespace definition {
Var rms_norm(const Var& x, const Var& gain, double epsilon = 1e-5);
}

}  // namespace heed
