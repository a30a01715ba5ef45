// Copying: the next id is chosen from the vocabulary, or taken from where the attention looks.
//
// Source: See, Liu and Manning, "Get to the point: summarization with pointer-generator networks" (2017). B
// sequences, S source steps, T target steps, V vocabulary.
#pragma once

#include "autograd/var.h"

namespace heed {

/// How much of the attention falls on each id:  weights [B, T, S], ids [B, S] (i32) -> [B, T, V], the sum of
/// the weights of all sources with that id.
///   dweights = dy at the sources' ids
/// Throws ShapeError unless batches and sources agree, IndexError for an id outside [0, V).
Var attention_by_id(const Var& weights, const Tensor& ids, std::int64_t vocabulary);

/// Logarithms of p = g softmax(scores) + (1 - g) attention_by_id(weights, ids) with g = sigmoid(gate), which
/// are scores of the next id themselves:
///
///   scores [B, T, V]   gate [B, T, 1]   weights [B, T, S]   ids [B, S] (i32)   ->   [B, T, V]
///
/// Finite, with finite gradients, however improbable either way may be. Throws as attention_by_id().
Var copying_scores(const Var& scores, const Var& gate, const Var& weights, const Tensor& ids);

}  // namespace heed
