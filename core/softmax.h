// Softmax, its logarithm and cross-entropy on plain tensors: forward and backward kernels in pairs.
#pragma once

#include "core/mask.h"
#include "core/tensor.h"

namespace heed {

/// exp(x) / sum(exp(x)) along the last axis; f32, f64. Blocked positions get 0; a row with nothing to attend to
/// is 0. Throws ShapeError unless the mask broadcasts to x.
Tensor softmax(const Tensor& x, const Mask& mask = {});
/// dx from y = softmax(x) and dy. Throws ShapeError unless their shapes are the same.
Tensor softmax_backward(const Tensor& y, const Tensor& dy);

/// x - log(sum(exp(x))) along the last axis, and dx from y and dy, which have one shape.
Tensor log_softmax(const Tensor& x);
Tensor log_softmax_backward(const Tensor& y, const Tensor& dy);

/// Cross-entropy of scores [..., V] against ids [...] (i32); the two stay together for the backward pass.
struct CrossEntropy {
  Tensor loss;           ///< [...], 0 where the id is `ignored`
  Tensor probabilities;  ///< [..., V]; unspecified on ignored rows
};
/// Throws ShapeError unless ids are the leading axes of scores, DTypeError unless they are i32, IndexError
/// naming the first id outside [0, V) that is not `ignored`.
CrossEntropy cross_entropy(const Tensor& scores, const Tensor& ids, std::int32_t ignored);
/// dscores from dloss [...], or what expands to it; rows that are ignored get 0. Throws ShapeError.
Tensor cross_entropy_backward(const Tensor& probabilities, const Tensor& ids, std::int32_t ignored,
                              const Tensor& dloss);

}  // namespace heed
