// Softmax and cross-entropy: fused kernels, each with its definition from primitive operations.
#pragma once

#include "autograd/record.h"
#include "core/softmax.h"

namespace heed {

/// Softmax along the last axis. Blocked positions get 0; a row with nothing to attend to gives 0 and gradient
/// 0.
///   dx = y (dy - sum(dy y))
/// Throws ShapeError unless the mask broadcasts to x.
Var softmax(const Var& x, const Mask& mask = {}, SourceLocation at = {});

/// x - log(sum(exp(x))) along the last axis.   dx = dy - exp(y) sum(dy)
Var log_softmax(const Var& x, SourceLocation at = {});

enum class Reduction { mean, sum, none };

struct CrossEntropyOptions {
  std::int32_t ignored = -1;  ///< positions with this id count for nothing
  Reduction reduction = Reduction::mean;
};

/// Cross-entropy of scores against ids:  -log softmax(scores)[id].
///
///   scores [..., V]   ids [...] (i32)   ->   scalar, or [...] with Reduction::none
///   dscores = (softmax(scores) - onehot(ids)) dy, divided by the number of counted positions for the mean
///
/// The mean is over the positions that are not ignored; when all are, loss and gradient are 0.
/// Throws ShapeError unless ids are the leading axes of scores, IndexError for an id outside [0, V).
Var cross_entropy(const Var& scores, const Tensor& ids, const CrossEntropyOptions& options = {},
                  SourceLocation at = {});

/// The definitions, from primitive operations: what create_graph differentiates and tests compare with.
namespace definition {
Var softmax(const Var& x, const Mask& mask = {});
Var log_softmax(const Var& x);
/// One loss per position.
Var cross_entropy(const Var& scores, const Tensor& ids, std::int32_t ignored);
}  // namespace definition

}  // namespace heed
