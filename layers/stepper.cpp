#include "layers/stepper.h"

#include "core/error.h"

namespace heed {

Step Stepper::step(const Tensor& ids) {
  const std::int64_t n = rows();
  if (ids.shape() != Shape{n})
    throw ShapeError({.what = text("step: ids are ", ids.shape(), " for a state of ", n, " sequences"),
                      .expected = text("[", n, "]")});
  Step step = walk_->step(ids);
  const auto fits = [n](const Var& x, std::int64_t columns) {
    return x.rank() == 2 && x.extent(0) == n && (columns < 0 || x.extent(1) == columns);
  };
  const bool weights_fit = step.weights.defined() ? fits(step.weights, source_) : source_ <= 0;
  if (!fits(step.scores, vocabulary_) || !weights_fit)
    throw ShapeError(
        {.what =
             text("step: the model gives scores ", step.scores.shape(), ", weights ",
                  step.weights.defined() ? to_string(step.weights.shape()) : "none", ", for ", n, " sequences"),
         .expected = "scores [N, V], and weights [N, S] at every step or at none, the same V and S",
         .operands = text("scores: ", step.scores.value().origin())});
  if (rows() != n)
    throw ShapeError({.what = text("step: ", n, " sequences became ", rows()), .expected = "the same"});
  vocabulary_ = step.scores.extent(1);
  source_ = step.weights.defined() ? step.weights.extent(1) : 0;
  return step;
}

void Stepper::select(const Tensor& chosen) {
  walk_->select(chosen);
  if (rows() != chosen.count())
    throw ShapeError(
        {.what = text("select: ", rows(), " sequences are left of the ", chosen.count(), " that were chosen"),
         .expected = "the same"});
}

}  // namespace heed
