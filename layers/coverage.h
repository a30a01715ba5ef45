// Coverage: what the steps before have given each source, and a loss for giving it again.
//
// Sources: Tu et al., "Modeling coverage for neural machine translation" (2016); See, Liu and Manning, "Get to
// the point: summarization with pointer-generator networks" (2017). B sequences, S source steps, T target
// steps.
#pragma once

#include "autograd/var.h"

namespace heed {

/// The sum of the weights of all steps before each:  weights [B, T, S] -> [B, T, S], 0 at the first step.
Var coverage_of(const Var& weights);

/// How much of the attention of a step falls on sources that had theirs before: the sum over sources of
/// min(weight, coverage), from 0 to 1, as the mean over the real steps of all sequences. A scalar; where a
/// weight equals its coverage, the gradient goes to the coverage.
///
///   weights [B, T, S]   lengths [B] (i32): steps from lengths[b] on do not count; undefined when all do
///
/// Throws ShapeError unless weights and lengths have these forms.
Var coverage_loss(const Var& weights, const Tensor& lengths = {});

}  // namespace heed
