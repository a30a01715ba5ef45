#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"

namespace heed {
namespace {

void require_rate(const char* schedule, const char* setting, double value) {
  if (!std::isfinite(value) || value < 0)
    throw ConfigError({.what = text("Schedule::", schedule, ": ", setting, " is ", value),
                       .expected = text("0 <= ", setting, " < infinity")});
}

void require_steps(const char* schedule, const char* setting, std::int64_t value) {
  if (value < 1)
    throw ConfigError({.what = text("Schedule::", schedule, ": ", setting, " is ", value),
                       .expected = text(setting, " >= 1")});
}

// How far a schedule over `steps` steps has come: 0 at the first step, 1 after the last.
double progress(std::int64_t step, std::int64_t steps) {
  return std::min(1.0, static_cast<double>(step - 1) / static_cast<double>(steps));
}

}  // namespace

double Schedule::at(std::int64_t step) const {
  if (step < 1)
    throw ConfigError({.what = text("Schedule.at: there is no step ", step), .expected = "step >= 1"});
  return formula_->at(step);
}

Schedule Schedule::constant(double rate) {
  require_rate("constant", "rate", rate);
  return Schedule([=](std::int64_t) { return rate; });
}

Schedule Schedule::linear(const LinearSchedule& settings) {
  require_rate("linear", "from", settings.from);
  require_rate("linear", "to", settings.to);
  require_steps("linear", "steps", settings.steps);
  return Schedule([=](std::int64_t step) {
    return settings.from + (settings.to - settings.from) * progress(step, settings.steps);
  });
}

Schedule Schedule::cosine(const CosineSchedule& settings) {
  require_rate("cosine", "rate", settings.rate);
  require_rate("cosine", "floor", settings.floor);
  require_steps("cosine", "steps", settings.steps);
  if (settings.floor > settings.rate)
    throw ConfigError(
        {.what = text("Schedule::cosine: the floor ", settings.floor, " is above the rate ", settings.rate),
         .expected = "floor <= rate"});
  return Schedule([=](std::int64_t step) {
    const double wave = (1 + std::cos(std::numbers::pi * progress(step, settings.steps))) / 2;
    return settings.floor + (settings.rate - settings.floor) * wave;
  });
}

Schedule Schedule::step_decay(const StepSchedule& settings) {
  require_rate("step_decay", "rate", settings.rate);
  require_rate("step_decay", "factor", settings.factor);
  require_steps("step_decay", "every", settings.every);
  return Schedule([=](std::int64_t step) {
    return settings.rate * std::pow(settings.factor, static_cast<double>((step - 1) / settings.every));
  });
}

Schedule Schedule::noam(const NoamSchedule& settings) {
  require_steps("noam", "width", settings.width);
  require_steps("noam", "warm_up", settings.warm_up);
  require_rate("noam", "factor", settings.factor);
  return Schedule([=](std::int64_t step) {
    const double s = static_cast<double>(step);
    const double rise = s * std::pow(static_cast<double>(settings.warm_up), -1.5);
    return settings.factor / std::sqrt(static_cast<double>(settings.width)) * std::min(1 / std::sqrt(s), rise);
  });
}

Schedule Schedule::warmed_up(std::int64_t steps) const {
  require_steps("warmed_up", "steps", steps);
  return Schedule([first = at(1), steps, rest = *this](std::int64_t step) {
    return step <= steps ? first * static_cast<double>(step) / static_cast<double>(steps)
                         : rest.at(step - steps);
  });
}

Schedule Schedule::then(std::int64_t steps, const Schedule& next) const {
  require_steps("then", "steps", steps);
  return Schedule([before = *this, steps, next](std::int64_t step) {
    return step <= steps ? before.at(step) : next.at(step - steps);
  });
}

}  // namespace heed
