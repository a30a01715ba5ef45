// Dropout.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "core/error.h"
#include "core/random.h"

namespace heed {

/// Each element 0 with the given probability, the others divided by 1 - probability, so that the mean stays
/// (Srivastava et al. 2014, in the inverted form).   dx = dy with the same factors
/// Throws ConfigError unless 0 <= probability < 1.
inline Var dropout(const Var& x, double probability, Rng& rng, SourceLocation at = {}) {
  if (!(probability >= 0 && probability < 1))
    throw ConfigError({.what = text("dropout: probability ", probability), .expected = "0 <= probability < 1"});
  if (probability == 0) return x;
  return Operand(x, at) * Var(dropout_factors(x.shape(), probability, rng, x.dtype()));
}

/// The same with one factor for all steps of a sequence (Gal and Ghahramani 2016):  x [B, T, n]. Throws
/// ShapeError for another rank too.
inline Var variational_dropout(const Var& x, double probability, Rng& rng, SourceLocation at = {}) {
  if (x.rank() != 3)
    throw ShapeError({.what = text("variational_dropout: x is ", x.shape()), .expected = "x [B, T, n]"});
  if (probability == 0) return x;
  return Operand(x, at) * Var(dropout_factors(x.shape().with(1, 1), probability, rng, x.dtype()));
}

}  // namespace heed
