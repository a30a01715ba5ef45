#include "autograd/ops/losses.h"

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "autograd/backward.h"
#include "autograd/ops/comparison.h"
#include "autograd/ops/logistic.h"
#include "autograd/ops/powers.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/rounding.h"
#include "core/error.h"
#include "core/map.h"

namespace heed {
namespace {

using Named = std::pair<const char*, const Tensor&>;

// Throws unless all have the shape of the first.
void require_one_shape(const char* operation, std::initializer_list<Named> operands) {
  const Named& first = *operands.begin();
  for (const Named& other : operands)
    if (other.second.shape() != first.second.shape())
      throw ShapeError({.what = text(operation, ": shapes differ: ", first.first, " ", first.second.shape(),
                                     ", ", other.first, " ", other.second.shape()),
                        .expected = text(first.first, ".shape == ", other.first, ".shape"),
                        .operands = text(first.first, ": ", first.second.origin(), "    ", other.first, ": ",
                                         other.second.origin())});
}

Var reduced(const Var& losses, Reduction reduction, const SourceLocation& at) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses, at) : mean(losses, at);
}

// The mean over positions that count `weights` each, some of them 0; of none it is 0.
Var reduced(const Var& losses, const Tensor& weights, Reduction reduction, const SourceLocation& at) {
  if (reduction != Reduction::mean) return reduced(losses, reduction, at);
  const double total = sum(weights.to(DType::f64)).item();
  return Operand(sum(losses, at), at) * (total == 0 ? 1 : 1 / total);
}

void require_usable(const CrossEntropyOptions& options, const Var& scores, const char* operation) {
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    throw ConfigError({.what = text(operation, ": label_smoothing ", options.label_smoothing),
                       .expected = "0 <= label_smoothing <= 1"});
  const Tensor& weights = options.class_weights;
  if (!weights.defined()) return;
  if (scores.rank() > 0 && weights.shape() != Shape{scores.extent(-1)})
    throw ShapeError(
        {.what = text(operation, ": scores are ", scores.shape(), ", class weights are ", weights.shape()),
         .expected = text("weights.shape == [scores.shape[-1]], [", scores.extent(-1), "]")});
  if (weights.dtype() != scores.dtype()) throw_dtypes_differ(scores.value(), weights, operation);
}

// A loss for each position.
Var position_losses(const Var& scores, const Tensor& ids, std::int32_t ignored, const SourceLocation& at) {
  CrossEntropy forward = cross_entropy(scores.value(), ids, ignored);
  return record(
      {"cross_entropy", at}, std::move(forward.loss),
      wrt(scores, [scores, ids, ignored, probabilities = std::move(forward.probabilities)](const Var& dy) {
        if (is_recording())
          return differentiate_definition<1>({scores}, std::span(&dy, 1), [&](const std::array<Var, 1>& in) {
            return std::vector<Var>{definition::cross_entropy(in[0], unchanged(ids), ignored)};
          })[0];
        return Var(cross_entropy_backward(probabilities, unchanged(ids), ignored, dy.value()));
      }));
}

// The sum over classes of -q log(p), 0 where q is 0 whatever p is.
Var expected_losses(const Var& log_probabilities, const Tensor& q, const SourceLocation& at) {
  const Var counted = masked_fill(log_probabilities, equal(q, 0.0), 0, at);
  return -Operand(sum(Operand(counted, at) * Var(q), -1, false, at), at);
}

}  // namespace

Var cross_entropy(const Var& scores, const Tensor& ids, const CrossEntropyOptions& options, SourceLocation at) {
  require_usable(options, scores, "cross_entropy");
  Var losses;
  if (options.label_smoothing == 0) {
    losses = position_losses(scores, ids, options.ignored, at);
  } else {
    const Tensor q = smoothed_targets(ids, scores.value(), options.ignored, options.label_smoothing,
                                      options.class_weights, "cross_entropy");
    const Tensor ignored = equal(ids, options.ignored).unsqueeze(-1);
    losses = expected_losses(log_softmax(masked_fill(scores, ignored, 0, at), -1, at), q, at);
  }
  const Tensor weights = weights_of_ids(ids, options.ignored, options.class_weights, scores.dtype());
  if (options.class_weights.defined() && options.label_smoothing == 0)
    losses = Operand(losses, at) * Var(weights);
  return reduced(losses, weights, options.reduction, at);
}

Var nll(const Var& log_probabilities, const Tensor& ids, const CrossEntropyOptions& options,
        SourceLocation at) {
  require_usable(options, log_probabilities, "nll");
  const Tensor q = smoothed_targets(ids, log_probabilities.value(), options.ignored, options.label_smoothing,
                                    options.class_weights, "nll");
  return reduced(expected_losses(log_probabilities, q, at),
                 weights_of_ids(ids, options.ignored, options.class_weights, log_probabilities.dtype()),
                 options.reduction, at);
}

Var binary_cross_entropy(const Var& scores, const Tensor& targets, const BinaryCrossEntropyOptions& options,
                         SourceLocation at) {
  require_one_shape("binary_cross_entropy", {{"scores", scores.value()}, {"targets", targets}});
  const Tensor& weight = options.positive_weight;
  if (weight.defined() && !broadcasts_to(weight.shape(), targets.shape()))
    throw ShapeError({.what = text("binary_cross_entropy: the weight ", weight.shape(),
                                   " does not broadcast to the targets ", targets.shape())});
  if (weight.defined()) {
    const Var missed = Operand(softplus(-Operand(scores, at), at), at) * Var(weight * targets);
    const Var taken = Operand(softplus(scores, at), at) * Var(1.0 - targets);
    return reduced(Operand(missed, at) + taken, options.reduction, at);
  }
  // max(x, 0) - x t is exact far from 0, where the logarithm is small and keeps its digits.
  const Tensor& x = scores.value();
  return reduced(
      record({"binary_cross_entropy", at}, relu(x) - x * targets + log1p(exp(-abs(x))),
             wrt(scores, [scores, targets](
                             const Var& dy) { return dy * (sigmoid(scores) - Var(unchanged(targets))); })),
      options.reduction, at);
}

Var kl_divergence(const Var& log_q, const Target& p, Reduction reduction, SourceLocation at) {
  require_one_shape("kl_divergence", {{"log_q", log_q.value()}, {"p", p.var.value()}});
  const Tensor none = equal(p.var, 0.0);
  const Var log_p = log(where(none, 1.0, p.var, at), at);
  const Var ratio = Operand(log_p, at) - masked_fill(log_q, none, 0, at);
  return reduced(sum(Operand(p.var, at) * ratio, -1, false, at), reduction, at);
}

Var mse(const Var& y, const Target& target, Reduction reduction, SourceLocation at) {
  require_one_shape("mse", {{"y", y.value()}, {"target", target.var.value()}});
  return reduced(square(Operand(y, at) - target.var, at), reduction, at);
}

Var l1(const Var& y, const Target& target, Reduction reduction, SourceLocation at) {
  require_one_shape("l1", {{"y", y.value()}, {"target", target.var.value()}});
  return reduced(abs(Operand(y, at) - target.var, at), reduction, at);
}

namespace {

// huber of each difference, times a factor.   dd = d between -delta and delta, times the factor and dloss
Var huber_of(Operation operation, const Var& d, double delta, double factor) {
  if (!(delta > 0))
    throw ConfigError({.what = text(operation.name, ": delta ", delta), .expected = "delta > 0"});
  Tensor value = for_floating(d.dtype(), operation.name, [&](auto zero) {
    using T = decltype(zero);
    const T end = static_cast<T>(delta), by = static_cast<T>(factor), half = T(0.5);
    return map<T>(d.value(), [=](T v) {
      const T size = v < 0 ? -v : v;
      return by * (size <= end ? half * size * size : end * (size - half * end));
    });
  });
  return record(operation, std::move(value), wrt(d, [d, delta, factor](const Var& dy) {
                  return dy * clamp(d, {.min = -delta, .max = delta}) * factor;
                }));
}

}  // namespace

Var huber(const Var& y, const Target& target, const HuberOptions& options, SourceLocation at) {
  require_one_shape("huber", {{"y", y.value()}, {"target", target.var.value()}});
  return reduced(huber_of({"huber", at}, Operand(y, at) - target.var, options.delta, 1), options.reduction, at);
}

Var smooth_l1(const Var& y, const Target& target, const HuberOptions& options, SourceLocation at) {
  require_one_shape("smooth_l1", {{"y", y.value()}, {"target", target.var.value()}});
  return reduced(huber_of({"smooth_l1", at}, Operand(y, at) - target.var, options.delta, 1 / options.delta),
                 options.reduction, at);
}

namespace {

// The labels in that type. Throws unless each is 1 or -1.
Var signs(const Tensor& labels, DType dtype, const char* operation) {
  const Tensor converted = labels.to(dtype);
  for (const double label : converted.to_vector())
    if (label != 1 && label != -1)
      throw ConfigError({.what = text(operation, ": a label is ", label), .expected = "1 or -1"});
  return Var(converted);
}

}  // namespace

Var hinge(const Var& scores, const Tensor& labels, const MarginOptions& options, SourceLocation at) {
  require_one_shape("hinge", {{"scores", scores.value()}, {"labels", labels}});
  const Var reached = Operand(scores, at) * signs(labels, scores.dtype(), "hinge");
  return reduced(relu(options.margin - Operand(reached, at), at), options.reduction, at);
}

Var multi_class_margin(const Var& scores, const Tensor& ids, const MultiClassMarginOptions& options,
                       SourceLocation at) {
  const Tensor q = smoothed_targets(ids, scores.value(), options.ignored, 0, Tensor(), "multi_class_margin");
  const Tensor chosen = not_equal(q, 0.0);
  const Tensor counted = weights_of_ids(ids, options.ignored, Tensor(), scores.dtype());
  const Var own = sum(where(chosen, scores, 0.0, at), -1, true, at);  // [..., 1]
  const Var short_by = relu(Operand(Operand(scores, at) - own, at) + options.margin, at);
  const Tensor left_out = logical_or(chosen, equal(counted, 0.0).unsqueeze(-1));
  const Var others = masked_fill(short_by, left_out, 0, at);
  const Var losses = mean(options.squared ? square(others, at) : others, -1, false, at);
  return reduced(losses, counted, options.reduction, at);
}

Var margin_ranking(const Var& a, const Var& b, const Tensor& labels, const PairOptions& options,
                   SourceLocation at) {
  require_one_shape("margin_ranking", {{"a", a.value()}, {"b", b.value()}, {"labels", labels}});
  const Var ahead = Operand(Operand(a, at) - b, at) * signs(labels, a.dtype(), "margin_ranking");
  return reduced(relu(options.margin - Operand(ahead, at), at), options.reduction, at);
}

Var paired_cosine(const Var& a, const Var& b, double epsilon, SourceLocation at) {
  require_one_shape("paired_cosine", {{"a", a.value()}, {"b", b.value()}});
  const auto square_of_length = [&](const Var& v) {
    return Operand(sum(square(v, at), -1, false, at), at) + epsilon;
  };
  const Var product = Operand(square_of_length(a), at) * square_of_length(b);
  return Operand(sum(Operand(a, at) * b, -1, false, at), at) * rsqrt(product, at);
}

Var cosine_embedding(const Var& a, const Var& b, const Tensor& labels, const PairOptions& options,
                     SourceLocation at) {
  const Var cosine = paired_cosine(a, b, 1e-12, at);
  require_one_shape("cosine_embedding", {{"cosines", cosine.value()}, {"labels", labels}});
  const Tensor alike = greater(signs(labels, a.dtype(), "cosine_embedding"), 0.0);
  const Var apart = relu(Operand(cosine, at) - options.margin, at);
  return reduced(where(alike, 1.0 - Operand(cosine, at), apart, at), options.reduction, at);
}

Var triplet(const Var& anchor, const Var& positive, const Var& negative, const MarginOptions& options,
            SourceLocation at) {
  require_one_shape(
      "triplet", {{"anchor", anchor.value()}, {"positive", positive.value()}, {"negative", negative.value()}});
  const auto distance = [&](const Var& to) {
    return norm(Operand(Operand(anchor, at) - to, at) + 1e-6, 2, -1, false, at);
  };
  const Var nearer = Operand(distance(positive), at) - distance(negative);
  return reduced(relu(Operand(nearer, at) + options.margin, at), options.reduction, at);
}

namespace definition {

Var cross_entropy(const Var& scores, const Tensor& ids, std::int32_t ignored) {
  const Tensor classes = Tensor::arange(scores.extent(-1), DType::i32);
  const Tensor chosen = logical_and(equal(ids.unsqueeze(-1), classes), not_equal(ids, ignored).unsqueeze(-1));
  return -sum(definition::log_softmax(scores) * Var(chosen.to(scores.dtype())), -1);
}

}  // namespace definition

}  // namespace heed
