// Learning rates that change with the number of the step.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace heed {

struct LinearSchedule {
  double from = 0;
  double to = 0;
  std::int64_t steps = 0;
};
struct CosineSchedule {
  double rate = 0;
  double floor = 0;
  std::int64_t steps = 0;
};
struct StepSchedule {
  double rate = 0;
  double factor = 0.1;
  std::int64_t every = 0;
};
struct NoamSchedule {
  std::int64_t width = 0;  ///< D, the width of the model
  std::int64_t warm_up = 4000;
  double factor = 1;
};

/// A learning rate for every step, as a value. Steps are counted from 1.
///
///   auto schedule = Schedule::cosine({.rate = 1e-3, .floor = 1e-5, .steps = 1900}).warmed_up(100);
///   optimiser.set_learning_rate(schedule.at(optimiser.steps() + 1));
///
/// Throws ConfigError where a rate is not finite or < 0, or a number of steps is < 1.
class Schedule {
 public:
  /// A formula of one's own: `Schedule([](std::int64_t step) { return 1e-3 / double(step); })`.
  template <std::invocable<std::int64_t> F>
  explicit Schedule(F formula) : formula_(std::make_shared<const Of<F>>(std::move(formula))) {}

  /// at(s) = rate.
  static Schedule constant(double rate);
  /// A straight line, then flat: at(s) = from + (to - from) * min(1, (s - 1) / steps).
  static Schedule linear(const LinearSchedule& settings);
  /// Half a wave of the cosine from `rate` down, then flat (Loshchilov and Hutter 2017):
  /// at(s) = floor + (rate - floor) * (1 + cos(pi * min(1, (s - 1) / steps))) / 2.
  static Schedule cosine(const CosineSchedule& settings);
  /// at(s) = rate * factor^n, where n = (s - 1) / every, rounded down.
  static Schedule step_decay(const StepSchedule& settings);
  /// Of the first transformer (Vaswani et al. 2017), for Adam with beta2 = 0.98 and epsilon = 1e-9:
  /// at(s) = factor * width^-0.5 * min(s^-0.5, s * warm_up^-1.5).
  static Schedule noam(const NoamSchedule& settings);

  /// A straight rise to where this starts, then this, `steps` later: at(1) * s / steps in steps 1 … steps, then
  /// at(s - steps).
  Schedule warmed_up(std::int64_t steps) const;
  /// This for `steps` steps, then `next` from its first step on.
  Schedule then(std::int64_t steps, const Schedule& next) const;

  /// The rate of a step. Throws ConfigError unless step >= 1.
  double at(std::int64_t step) const;

 private:
  struct Formula {
    virtual ~Formula() = default;
    virtual double at(std::int64_t step) const = 0;
  };
  template <class F>
  struct Of : Formula {
    explicit Of(F f) : function(std::move(f)) {}
    double at(std::int64_t step) const override { return static_cast<double>(function(step)); }
    F function;
  };
  std::shared_ptr<const Formula> formula_;
};

}  // namespace heed
