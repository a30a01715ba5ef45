// Any model that decodes, as one type.
#pragma once

#include <memory>
#include <utility>

#include "layers/step.h"

namespace heed {

/// A model and its state behind one type, so that ways of decoding are compiled once. The model must outlive
/// it.
///
///   Stepper stepper(model, model.start(source));
///   const Step step = stepper.step(ids);
class Stepper {
 public:
  template <Decodes Model>
  Stepper(const Model& model, typename Model::State state)
      : walk_(std::make_unique<WalkOf<Model>>(model, std::move(state))) {}
  Stepper(const Stepper& other)
      : walk_(other.walk_->copy()), vocabulary_(other.vocabulary_), source_(other.source_) {}
  Stepper(Stepper&&) = default;
  Stepper& operator=(const Stepper&) = delete;

  /// The model's step. Throws ShapeError unless there is one id a sequence and the model gives scores [N, V]
  /// and weights [N, S] or none, with the same V and S each time.
  Step step(const Tensor& ids);
  /// Keeps those sequences in that order: rows [N'] (i32), repeats allowed.
  void select(const Tensor& rows);
  std::int64_t rows() const { return walk_->rows(); }

 private:
  struct Walk {
    virtual ~Walk() = default;
    virtual Step step(const Tensor& ids) = 0;
    virtual void select(const Tensor& rows) = 0;
    virtual std::int64_t rows() const = 0;
    virtual std::unique_ptr<Walk> copy() const = 0;
  };
  template <class Model>
  struct WalkOf final : Walk {
    WalkOf(const Model& m, typename Model::State s) : model(m), state(std::move(s)) {}
    Step step(const Tensor& ids) override { return model.step(ids, state); }
    void select(const Tensor& rows) override { state.select(rows); }
    std::int64_t rows() const override { return state.rows(); }
    std::unique_ptr<Walk> copy() const override { return std::make_unique<WalkOf>(model, state); }

    const Model& model;
    typename Model::State state;
  };

  std::unique_ptr<Walk> walk_;
  std::int64_t vocabulary_ = -1, source_ = -1;  // V and S of the first step; S 0 without weights
};

}  // namespace heed
