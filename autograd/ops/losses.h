// Losses: of classes, of numbers, and of what should be near or ranked. Each is one number for each position
// (or element, or row), and their mean unless another reduction is asked for.
#pragma once

#include "autograd/ops/softmax.h"

namespace heed {

enum class Reduction { mean, sum, none };

/// What predictions are compared with: a Tensor, or a Var where gradients are to flow to it too.
struct Target {
  Target(const Tensor& t) : var(t) {}
  Target(const Var& v) : var(v) {}
  Var var;
};

// ---- classes

struct CrossEntropyOptions {
  std::int32_t ignored = -1;  ///< positions with this id count for nothing
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;  ///< this part of each target is spread over all classes (Szegedy et al. 2016)
  Tensor class_weights = {};   ///< [V]: what each class counts; undefined: 1
};

/// Cross-entropy of scores against ids:  -log softmax(scores)[id].
///
///   scores [..., V]   ids [...] (i32)   ->   scalar, or [...] with Reduction::none
///   dscores = (softmax(scores) - onehot(ids)) dy, divided by the number of counted positions for the mean
///
/// With smoothing s and class weights w it is -sum over c of q_c log softmax(scores)_c, where q is s / V w_c
/// for each class and (1 - s) w_id more for the id's. The mean is over the positions that are not ignored, a
/// position counting w_id; when all are ignored, loss and gradient are 0. Ignored positions may hold anything.
/// Throws ShapeError unless ids are the leading axes of scores and the weights [V], IndexError for an id
/// outside [0, V), ConfigError unless 0 <= smoothing <= 1, DTypeError for weights of another type.
Var cross_entropy(const Var& scores, const Tensor& ids, const CrossEntropyOptions& options = {},
                  SourceLocation at = {});

/// The same of the logarithms of probabilities: cross_entropy(x, ids) is nll(log_softmax(x), ids).
///   dlog_probabilities = -q dy
Var nll(const Var& log_probabilities, const Tensor& ids, const CrossEntropyOptions& options = {},
        SourceLocation at = {});

struct BinaryCrossEntropyOptions {
  Tensor positive_weight = {};  ///< what a target of 1 counts against one of 0; broadcasts; undefined: 1
  Reduction reduction = Reduction::mean;
};

/// Cross-entropy of each score against its target, in nats: -w t log(p) - (1 - t) log(1 - p) with
/// p = sigmoid(score), for any score without overflow. Divided by log(2) it is in bits.
///
///   scores [...]   targets [...] in [0, 1]   ->   scalar, or [...] with Reduction::none
///   dscores = dy ((1 - t) p - w t (1 - p)), which is dy (p - t) for w = 1
///
/// Throws ShapeError unless the shapes are the same and the weight broadcasts to them.
Var binary_cross_entropy(const Var& scores, const Tensor& targets,
                         const BinaryCrossEntropyOptions& options = {}, SourceLocation at = {});

/// The divergence of distributions p from q: sum over the last axis of p (log(p) - log(q)), 0 where p is 0.
///
///   log_q [..., V]   p [..., V]   ->   scalar, or [...] with Reduction::none
///   dlog_q = -p dy   dp = (log(p) + 1 - log_q) dy, 0 where p is 0
///
/// The mean is over the rows ("batchmean" in PyTorch). Throws ShapeError unless the shapes are the same.
Var kl_divergence(const Var& log_q, const Target& p, Reduction reduction = Reduction::mean,
                  SourceLocation at = {});

// ---- numbers; all throw ShapeError unless y and target have one shape, so that neither broadcasts by mistake

/// (y - target)².   dy = 2 (y - target) dloss
Var mse(const Var& y, const Target& target, Reduction reduction = Reduction::mean, SourceLocation at = {});

/// |y - target|.   dy = sign(y - target) dloss, 0 where they are equal
Var l1(const Var& y, const Target& target, Reduction reduction = Reduction::mean, SourceLocation at = {});

struct HuberOptions {
  double delta = 1;  ///< where the square becomes a line
  Reduction reduction = Reduction::mean;
};
/// d² / 2 where |d| <= delta, else delta (|d| - delta / 2), of d = y - target (Huber 1964).
///   dy = d between -delta and delta, times dloss
/// Throws ConfigError unless delta > 0; so does smooth_l1.
Var huber(const Var& y, const Target& target, const HuberOptions& options = {}, SourceLocation at = {});
/// huber / delta: the line has the slope 1 (Girshick 2015).
Var smooth_l1(const Var& y, const Target& target, const HuberOptions& options = {}, SourceLocation at = {});

// ---- margins. Labels are 1 or -1, of any type; ConfigError when another is met

struct MarginOptions {
  double margin = 1;
  Reduction reduction = Reduction::mean;
};

/// max(0, margin - label score).   dscores = -label dy where the margin is not reached, else 0
/// Throws ShapeError unless the shapes are the same.
Var hinge(const Var& scores, const Tensor& labels, const MarginOptions& options = {}, SourceLocation at = {});

struct MultiClassMarginOptions {
  double margin = 1;
  bool squared = false;
  std::int32_t ignored = -1;
  Reduction reduction = Reduction::mean;
};
/// sum over the other classes c of max(0, margin - score_id + score_c), or of its square, divided by V.
///
///   scores [..., V]   ids [...] (i32)   ->   scalar, or [...] with Reduction::none
///
/// Ignored positions and errors as of cross_entropy.
Var multi_class_margin(const Var& scores, const Tensor& ids, const MultiClassMarginOptions& options = {},
                       SourceLocation at = {});

struct PairOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};

/// max(0, margin - label (a - b)): a should be the larger where the label is 1, b where it is -1.
/// Throws ShapeError unless the shapes are the same.
Var margin_ranking(const Var& a, const Var& b, const Tensor& labels, const PairOptions& options = {},
                   SourceLocation at = {});

/// The cosine of the angle between the vectors along the last axis, pair by pair; epsilon is added to each
/// squared length, so that 0 resembles nothing and gradients are finite.   a, b [..., M] -> [...]
/// Throws ShapeError unless the shapes are the same.
Var paired_cosine(const Var& a, const Var& b, double epsilon = 1e-12, SourceLocation at = {});

/// 1 - cosine where the label is 1, else max(0, cosine - margin):  a, b [..., M], labels [...].
Var cosine_embedding(const Var& a, const Var& b, const Tensor& labels, const PairOptions& options = {},
                     SourceLocation at = {});

/// max(0, margin + |anchor - positive| - |anchor - negative|), lengths along the last axis (Schroff et al.
/// 2015).
///   [..., M] each   ->   scalar, or [...] with Reduction::none
/// 1e-6 is added to each difference, so that derivatives of any order are finite. Throws ShapeError unless the
/// shapes are the same.
Var triplet(const Var& anchor, const Var& positive, const Var& negative, const MarginOptions& options = {},
            SourceLocation at = {});

/// The definition, from primitive operations: what create_graph differentiates and tests compare with.
namespace definition {
/// One loss per position.
Var cross_entropy(const Var& scores, const Tensor& ids, std::int32_t ignored);
}  // namespace definition

}  // namespace heed
