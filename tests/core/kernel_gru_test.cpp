// The steps of a GRU in every variant of the kernels, held against the reference.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/core/kernel_testing.h"

namespace heed::tests {
namespace {

using kernels::Loops;

constexpr std::int64_t kRows = 5;
constexpr double kNear = 32;  // roundings
constexpr std::int64_t kStep = 2;
const std::int32_t kLengths[kRows] = {3, 2, 5, 0, 4};  // rows 1 and 3 are padding

bool is_padding(std::size_t row) { return kLengths[row] <= kStep; }

/// All that a step reads and writes, with rows further apart than they are long.
template <class T>
struct GruStep {
  std::int64_t hidden, apart;
  bool keeps, after, padded;
  std::vector<T> gates, h_before, h, dh, dgates;

  GruStep(std::int64_t n, bool keeps_state, bool resets_after, bool has_padding, Rng& rng)
      : hidden(n),
        apart(n + 3),
        keeps(keeps_state),
        after(resets_after),
        padded(has_padding),
        gates(random_numbers<T>(kRows * 4 * apart, rng)),
        h_before(random_numbers<T>(kRows * apart, rng)),
        h(static_cast<std::size_t>(kRows * apart), T(-77)),
        dh(random_numbers<T>(kRows * apart, rng)),
        dgates(gates.size(), T(-77)) {}

  T* gate(std::int64_t i) { return gates.data() + i * apart; }
  T* dgate(std::int64_t i) { return dgates.data() + i * apart; }
  const std::int32_t* lengths() const { return padded ? kLengths : nullptr; }
  const T* recurrent() { return after ? gate(3) : nullptr; }

  void forward(const Loops<T>& loops) {
    loops.gru_forward({kRows, hidden, kStep, lengths(), keeps, gate(0), gate(1), gate(2), recurrent(),
                       4 * apart, h_before.data(), h.data(), apart, apart});
  }
  void backward(const Loops<T>& loops) {
    loops.gru_backward({kRows, hidden, kStep, lengths(), keeps, gate(0), gate(1), gate(2), recurrent(),
                        h_before.data(), dh.data(), dgate(0), dgate(2), dgate(1), dgate(3), 4 * apart, apart,
                        apart, 4 * apart});
  }
};

/// check(step) for a step of each kind and each awkward size.
template <class T, class Check>
void for_each_step(Check check) {
  Rng rng(6);
  for (const std::int64_t n : kAwkwardSizes)
    for (const int kind : {0, 1, 2, 3, 4, 5, 6, 7}) {
      INFO("hidden " << n << ", kind " << kind);
      check(GruStep<T>(n, (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0, rng));
    }
}

TEMPLATE_TEST_CASE(
    "kernels: a GRU step and its backward agree with the reference, of each kind and padded or not", "", float,
    double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    for_each_step<T>([&](GruStep<T> step) {
      GruStep<T> want = step;
      step.forward(loops);
      want.forward(reference);
      REQUIRE(first_difference(step.gates, want.gates, kNear) == "");
      REQUIRE(first_difference(step.h, want.h, kNear) == "");
      step = want;
      step.backward(loops);
      want.backward(reference);
      REQUIRE(first_difference(step.dgates, want.dgates, kNear) == "");
      REQUIRE(first_difference(step.dh, want.dh, kNear) == "");
    });
  });
}

TEMPLATE_TEST_CASE("kernels: a GRU step on padding gives 0 and has no gradient, whatever stands there", "",
                   float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    for_each_step<T>([&](GruStep<T> step) {
      if (!step.padded) return;
      const auto n = static_cast<std::size_t>(step.hidden), apart = static_cast<std::size_t>(step.apart);
      for (std::size_t row = 0; row < kRows; ++row)
        for (std::size_t j = 0; j < 4 * apart && is_padding(row); ++j)
          step.gates[row * 4 * apart + j] = std::numeric_limits<T>::quiet_NaN();
      step.forward(loops);
      step.backward(loops);
      for (std::size_t row = 0; row < kRows; ++row)
        for (std::size_t j = 0; j < n; ++j) {
          REQUIRE((step.h[row * apart + j] == T(0)) == is_padding(row));
          REQUIRE((step.dh[row * apart + j] == T(0)) == is_padding(row));
          for (std::size_t gate = 0; gate < 4; ++gate)
            if (step.after || gate % 2 == 0)
              REQUIRE((step.dgates[(row * 4 + gate) * apart + j] == T(0)) == is_padding(row));
        }
    });
  });
}

TEMPLATE_TEST_CASE("kernels: a GRU's reset gate and its backward agree with the reference", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(9);
    for (const std::int64_t n : kAwkwardSizes) {
      const std::int64_t apart = n + 3, size = kRows * apart;
      std::vector<T> reset = random_numbers<T>(size, rng, -6, 6), h = random_numbers<T>(size, rng);
      std::vector<T> dreset = random_numbers<T>(size, rng), dh = random_numbers<T>(size, rng);
      const std::vector<T> before = h;
      std::vector<T> want_reset = reset, want_h = h, want_dreset = dreset, want_dh = dh;
      loops.gru_reset({kRows, n, reset.data(), h.data(), apart, apart});
      reference.gru_reset({kRows, n, want_reset.data(), want_h.data(), apart, apart});
      INFO("hidden " << n);
      REQUIRE(first_difference(reset, want_reset, kNear) == "");
      REQUIRE(first_difference(h, want_h, kNear) == "");
      loops.gru_reset_backward(
          {kRows, n, want_reset.data(), before.data(), dreset.data(), dh.data(), apart, apart, apart, apart});
      reference.gru_reset_backward({kRows, n, want_reset.data(), before.data(), want_dreset.data(),
                                    want_dh.data(), apart, apart, apart, apart});
      REQUIRE(first_difference(dreset, want_dreset, kNear) == "");
      REQUIRE(first_difference(dh, want_dh, kNear) == "");
    }
  });
}

TEMPLATE_TEST_CASE("kernels: a GRU step gives a unit the same bits wherever it stands", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(8);
    for (const int kind : {0, 1, 2, 3}) {
      GruStep<T> row(37, (kind & 1) != 0, (kind & 2) != 0, false, rng);
      const GruStep<T> given = row;
      row.forward(loops);
      row.backward(loops);
      for (std::int64_t j = 0; j < 37; ++j) {
        GruStep<T> unit(1, row.keeps, row.after, false, rng);
        const auto at = [&](std::int64_t gate) { return static_cast<std::size_t>(gate * row.apart + j); };
        const auto alone = [&](std::int64_t gate) { return static_cast<std::size_t>(gate * unit.apart); };
        for (const std::int64_t gate : {0, 1, 2, 3}) unit.gates[alone(gate)] = given.gates[at(gate)];
        unit.h_before[0] = given.h_before[at(0)];
        unit.dh[0] = given.dh[at(0)];
        unit.forward(loops);
        unit.backward(loops);
        REQUIRE(unit.h[0] == row.h[at(0)]);
        REQUIRE(unit.dh[0] == row.dh[at(0)]);
        for (const std::int64_t gate : {0, 1, 2, 3}) REQUIRE(unit.dgates[alone(gate)] == row.dgates[at(gate)]);
      }
    }
  });
}

}  // namespace
}  // namespace heed::tests
