#include "optim/schedule.h"

#include <cmath>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

void check_rates(const Schedule& schedule, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("step " << i + 1);
    CHECK(schedule.at(static_cast<std::int64_t>(i) + 1) == Approx(expected[i]).epsilon(1e-14));
  }
}

// PyTorch 1.13.1:
//   torch.set_default_dtype(torch.float64)
//   L = torch.optim.lr_scheduler
//   def rates(make, n):
//       p = torch.tensor([1.0], requires_grad=True); p.grad = torch.tensor([0.0])
//       o = torch.optim.SGD([p], lr=0.8); s = make(o); out = []
//       for t in range(n):
//           out.append(o.param_groups[0]["lr"]); o.step(); s.step()
//       print(out)

// rates(lambda o: L.CosineAnnealingLR(o, T_max=8, eta_min=0.1), 9)
TEST_CASE("Schedule: cosine is PyTorch's CosineAnnealingLR, and stays at its floor") {
  const Schedule cosine = Schedule::cosine({.rate = 0.8, .floor = 0.1, .steps = 8});
  check_rates(cosine, {0.8, 0.7733578363789504, 0.6974873734152917, 0.5839392013277815, 0.45000000000000007,
                       0.31606079867221865, 0.20251262658470842, 0.12664216362104966, 0.1});
  CHECK(cosine.at(1000) == 0.1);
}

// rates(lambda o: L.StepLR(o, step_size=3, gamma=0.5), 8)
TEST_CASE("Schedule: step_decay is PyTorch's StepLR") {
  check_rates(Schedule::step_decay({.rate = 0.8, .factor = 0.5, .every = 3}),
              {0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2});
}

// rates(lambda o: L.LinearLR(o, start_factor=0.25, end_factor=1.0, total_iters=4), 7)
TEST_CASE("Schedule: linear is PyTorch's LinearLR, and stays at its end") {
  check_rates(Schedule::linear({.from = 0.2, .to = 0.8, .steps = 4}), {0.2, 0.35, 0.5, 0.65, 0.8, 0.8, 0.8});
  check_rates(Schedule::linear({.from = 0.6, .to = 0, .steps = 3}), {0.6, 0.4, 0.2, 0, 0});
}

// rates(lambda o: L.SequentialLR(o, [L.LinearLR(o, start_factor=0.25, total_iters=3),
//                                    L.CosineAnnealingLR(o, T_max=4, eta_min=0.1)], milestones=[4]), 8)
TEST_CASE("Schedule: warmed_up rises to the start of what follows, as PyTorch's SequentialLR") {
  check_rates(Schedule::cosine({.rate = 0.8, .floor = 0.1, .steps = 4}).warmed_up(4),
              {0.2, 0.4, 0.6, 0.8, 0.8, 0.6974873734152917, 0.45000000000000007, 0.20251262658470842});
}

TEST_CASE("Schedule: noam is the formula of the transformer, with its peak at the end of the warm-up") {
  const Schedule noam = Schedule::noam({.width = 512, .warm_up = 4000});
  CHECK(noam.at(1) == Approx(1 / std::sqrt(512.0) / (4000 * std::sqrt(4000.0))).epsilon(1e-14));
  CHECK(noam.at(4000) == Approx(1 / std::sqrt(512.0 * 4000)).epsilon(1e-14));
  CHECK(noam.at(16000) == Approx(noam.at(4000) / 2).epsilon(1e-14));
  CHECK(noam.at(3999) < noam.at(4000));
  CHECK(noam.at(4001) < noam.at(4000));
  CHECK(Schedule::noam({.width = 4, .warm_up = 1, .factor = 3}).at(9) == Approx(0.5));
}

TEST_CASE("Schedule: constant, one after the other, and a formula of one's own") {
  check_rates(Schedule::constant(0.3), {0.3, 0.3});
  const Schedule own([](std::int64_t step) { return 1.0 / static_cast<double>(step); });
  check_rates(Schedule::constant(0.5).then(2, own).then(4, Schedule::constant(0)), {0.5, 0.5, 1, 0.5, 0, 0});
}

TEST_CASE("Schedule: settings that make no sense are refused") {
  const auto message = [](auto make) { return thrown<ConfigError>([&] { make(); }); };
  CHECK(message([] { Schedule::constant(-1); }) ==
        "ConfigError: Schedule::constant: rate is -1\n  requires 0 <= rate < infinity");
  CHECK(message([] { Schedule::linear({.from = 1, .to = INFINITY, .steps = 1}); }) ==
        "ConfigError: Schedule::linear: to is inf\n  requires 0 <= to < infinity");
  CHECK(message([] { Schedule::cosine({.rate = 0.1}); }) ==
        "ConfigError: Schedule::cosine: steps is 0\n  requires steps >= 1");
  CHECK(message([] { Schedule::cosine({.rate = 0.1, .floor = 0.2, .steps = 10}); }) ==
        "ConfigError: Schedule::cosine: the floor 0.2 is above the rate 0.1\n  requires floor <= rate");
  CHECK(message([] { Schedule::step_decay({.rate = 0.1}); }) ==
        "ConfigError: Schedule::step_decay: every is 0\n  requires every >= 1");
  CHECK(message([] { Schedule::noam({.width = 0}); }) ==
        "ConfigError: Schedule::noam: width is 0\n  requires width >= 1");
  CHECK(message([] { Schedule::constant(1).warmed_up(0); }) ==
        "ConfigError: Schedule::warmed_up: steps is 0\n  requires steps >= 1");
  CHECK(message([] { Schedule::constant(1).at(0); }) ==
        "ConfigError: Schedule.at: there is no step 0\n  requires step >= 1");
}

}  // namespace
}  // namespace heed::tests
