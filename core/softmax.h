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

/// log(sum(exp(x))) along an axis, which disappears unless `keep_axis`; without overflow, -infinity where all
/// are. Throws ShapeError when the axis is empty.
Tensor logsumexp(const Tensor& x, int axis, bool keep_axis = false);

/// The nearest point to each row, along the last axis, among the rows of numbers >= 0 whose sum is 1 (Martins
/// and Astudillo 2016). A row of -infinity gives 0, one with NaN or infinity NaN.
Tensor sparsemax(const Tensor& x);

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

/// What ids [...] are as distributions over V classes, [..., V]: at the id 1 - smoothing and everywhere
/// smoothing / V, each times the weight of its class ([V]; undefined: 1); 0 where the id is `ignored`. Throws
/// as cross_entropy in the name of `operation`.
Tensor smoothed_targets(const Tensor& ids, const Tensor& scores, std::int32_t ignored, double smoothing,
                        const Tensor& class_weights, const char* operation);
/// The weight of each id's class ([V]; undefined: 1), [...]; 0 where the id is `ignored`. The ids are known to
/// be classes.
Tensor weights_of_ids(const Tensor& ids, std::int32_t ignored, const Tensor& class_weights, DType dtype);

}  // namespace heed
