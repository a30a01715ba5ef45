// The fused row kernels of every variant, held against the reference.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/kernels/cpu.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/core/kernel_testing.h"

namespace heed::tests {
namespace {

using kernels::AdamStep;
using kernels::Loops;
using kernels::LstmBackward;
using kernels::LstmForward;

constexpr std::int64_t kRows = 5;
constexpr double kNear = 32;  // roundings

template <class T>
std::vector<T> blank(std::int64_t n) {
  return std::vector<T>(static_cast<std::size_t>(n), T(-77));
}

TEMPLATE_TEST_CASE("kernels: softmax and its backward agree with the reference", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(1);
    for (std::int64_t n : kAwkwardSizes) {
      const std::vector<T> x = random_numbers<T>(kRows * n, rng, -30, 30),
                           dy = random_numbers<T>(kRows * n, rng);
      std::vector<T> y = blank<T>(kRows * n), want = y, dx = y, want_dx = y;
      loops.softmax(kRows, n, x.data(), nullptr, 0, y.data());
      reference.softmax(kRows, n, x.data(), nullptr, 0, want.data());
      INFO("n " << n);
      REQUIRE(first_difference(y, want, kNear) == "");
      loops.softmax_backward(kRows, n, want.data(), {dy.data(), n, 1}, dx.data());
      reference.softmax_backward(kRows, n, want.data(), {dy.data(), n, 1}, want_dx.data());
      REQUIRE(first_difference(dx, want_dx, kNear) == "");
    }
  });
}

TEMPLATE_TEST_CASE("kernels: small probabilities of softmax are accurate relative to themselves", "", float,
                   double) {
  using T = TestType;
  using Wide = std::conditional_t<sizeof(T) == sizeof(float), double, long double>;
  constexpr bool kShort = sizeof(T) == sizeof(float);  // a shorter exp than that of double
  struct Band {
    double lowest, exp_bound;
  };
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    if (&loops == &reference) return;
    Rng rng(8);
    for (const Band& band : {Band{-20, kShort ? 3 : 1.3}, Band{-50, kShort ? 4 : 1.3}}) {
      constexpr std::int64_t kPairs = 20'000;
      std::vector<T> x = random_numbers<T>(2 * kPairs, rng, band.lowest, 0), y(x.size());
      for (std::size_t i = 0; i < x.size(); i += 2) x[i] = 0;
      loops.softmax(kPairs, 2, x.data(), nullptr, 0, y.data());
      double worst = 0;
      for (std::size_t i = 1; i < x.size(); i += 2) {
        const Wide e = std::exp(static_cast<Wide>(x[i]));
        worst = std::max(worst, ulps(y[i], e / (1 + e)));
      }
      INFO("from " << band.lowest);
      CHECK(worst <= band.exp_bound + 3);  // roundings of the sum, its reciprocal and the product
    }
  });
}

TEMPLATE_TEST_CASE("kernels: softmax attends only where it may, and an empty row is 0", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(2);
    for (std::int64_t n : kAwkwardSizes) {
      std::vector<T> x = random_numbers<T>(kRows * n, rng);
      std::vector<std::uint8_t> attend(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::int64_t row = static_cast<std::int64_t>(i) / n;
        attend[i] = row == 2 ? 0 : row == 3 ? 1 : rng.chance(0.5) ? 200 : 0;
        if (attend[i] == 0) x[i] = rng.chance(0.5) ? std::numeric_limits<T>::quiet_NaN() : T(1e30);
      }
      std::vector<T> y = blank<T>(kRows * n), want = y;
      loops.softmax(kRows, n, x.data(), attend.data(), n, y.data());
      reference.softmax(kRows, n, x.data(), attend.data(), n, want.data());
      INFO("n " << n);
      REQUIRE(first_difference(y, want, kNear) == "");
      for (std::size_t i = 0; i < y.size(); ++i)
        if (attend[i] == 0) REQUIRE(y[i] == T(0));
      double total = 0;
      for (std::int64_t j = 0; j < n; ++j) total += static_cast<double>(y[static_cast<std::size_t>(3 * n + j)]);
      REQUIRE(std::fabs(total - 1) <= 1e-5);
      loops.softmax(kRows, n, x.data(), attend.data(), n, x.data());
      REQUIRE(same_bits(x, y));
    }
  });
}

TEMPLATE_TEST_CASE("kernels: softmax bears large scores and minus infinity, and passes NaN on", "", float,
                   double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for_each_variant<T>([&](const Loops<T>& loops, const Loops<T>&) {
    const std::vector<T> x = {T(1e30), T(1e30), -infinity, T(-1e30), 0, nan, 0, 0};
    std::vector<T> y(8);
    loops.softmax(2, 4, x.data(), nullptr, 0, y.data());
    REQUIRE(y[0] == T(0.5));
    REQUIRE(y[1] == T(0.5));
    REQUIRE(y[2] == T(0));
    REQUIRE(y[3] == T(0));
    for (std::size_t i = 4; i < 8; ++i) REQUIRE(std::isnan(y[i]));
  });
}

TEMPLATE_TEST_CASE("kernels: log_softmax and its backward agree with the reference", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(3);
    for (std::int64_t n : kAwkwardSizes) {
      const std::vector<T> x = random_numbers<T>(kRows * n, rng, -30, 30),
                           dy = random_numbers<T>(kRows * n, rng);
      std::vector<T> y = blank<T>(kRows * n), want = y, dx = y, want_dx = y;
      loops.log_softmax(kRows, n, x.data(), y.data());
      reference.log_softmax(kRows, n, x.data(), want.data());
      INFO("n " << n);
      REQUIRE(first_difference(y, want, kNear) == "");
      loops.log_softmax_backward(kRows, n, want.data(), {dy.data(), n, 1}, dx.data());
      reference.log_softmax_backward(kRows, n, want.data(), {dy.data(), n, 1}, want_dx.data());
      REQUIRE(first_difference(dx, want_dx, 4 * kNear) == "");
    }
  });
}

TEMPLATE_TEST_CASE(
    "kernels: cross_entropy and its backward agree with the reference; ignored rows count for nothing", "",
    float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(4);
    for (std::int64_t n : kAwkwardSizes)
      for (std::int32_t ignored : {-1, 0}) {
        const std::vector<T> x = random_numbers<T>(kRows * n, rng, -20, 20);
        std::vector<std::int32_t> target;
        for (std::int64_t r = 0; r < kRows; ++r) target.push_back(static_cast<std::int32_t>(rng.below(n)));
        target[1] = ignored;
        std::vector<T> loss = blank<T>(kRows), want_loss = loss, p = blank<T>(kRows * n), want_p = p;
        loops.cross_entropy(kRows, n, x.data(), target.data(), ignored, loss.data(), p.data());
        reference.cross_entropy(kRows, n, x.data(), target.data(), ignored, want_loss.data(), want_p.data());
        INFO("n " << n << ", ignored " << ignored);
        REQUIRE(first_difference(loss, want_loss, kNear) == "");
        REQUIRE(loss[1] == T(0));
        REQUIRE(first_difference(p, want_p, kNear) == "");
        for (std::int64_t scale_stride : {0, 1}) {
          const std::vector<T> scale = random_numbers<T>(scale_stride == 0 ? 1 : kRows, rng);
          std::vector<T> dx = blank<T>(kRows * n), want_dx = dx;
          loops.cross_entropy_backward(kRows, n, p.data(), target.data(), ignored, scale.data(), scale_stride,
                                       dx.data());
          reference.cross_entropy_backward(kRows, n, p.data(), target.data(), ignored, scale.data(),
                                           scale_stride, want_dx.data());
          REQUIRE(first_difference(dx, want_dx, kNear) == "");
          for (std::int64_t j = 0; j < n; ++j) REQUIRE(dx[static_cast<std::size_t>(n + j)] == T(0));
        }
      }
  });
}

TEMPLATE_TEST_CASE("kernels: layer_norm and its backward agree with the reference", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(5);
    for (std::int64_t n : kAwkwardSizes) {
      const double near = kNear + static_cast<double>(n);  // the reference rounds too, once an element
      const std::vector<T> x = random_numbers<T>(kRows * n, rng, 5, 9), dy = random_numbers<T>(kRows * n, rng);
      const std::vector<T> gain = random_numbers<T>(n, rng), bias = random_numbers<T>(n, rng);
      std::vector<T> y = blank<T>(kRows * n), want = y, dx = y, want_dx = y;
      std::vector<T> mean = blank<T>(kRows), rstd = mean, want_mean = mean, want_rstd = mean;
      loops.layer_norm(kRows, n, x.data(), gain.data(), bias.data(), 1e-2, y.data(), mean.data(), rstd.data());
      reference.layer_norm(kRows, n, x.data(), gain.data(), bias.data(), 1e-2, want.data(), want_mean.data(),
                           want_rstd.data());
      INFO("n " << n);
      REQUIRE(first_difference(mean, want_mean, near) == "");
      REQUIRE(first_difference(rstd, want_rstd, near) == "");
      REQUIRE(first_difference(y, want, 4 * near) == "");
      std::vector<T> dgain(gain), want_dgain(gain), dbias(bias), want_dbias(bias);
      loops.layer_norm_backward(kRows, n, x.data(), gain.data(), want_mean.data(), want_rstd.data(),
                                {dy.data(), n, 1}, dx.data(), dgain.data(), dbias.data());
      reference.layer_norm_backward(kRows, n, x.data(), gain.data(), want_mean.data(), want_rstd.data(),
                                    {dy.data(), n, 1}, want_dx.data(), want_dgain.data(), want_dbias.data());
      REQUIRE(first_difference(dx, want_dx, 4 * near) == "");
      REQUIRE(first_difference(dgain, want_dgain, kNear) == "");
      REQUIRE(first_difference(dbias, want_dbias, kNear) == "");
    }
  });
}

/// All that one LSTM step reads and writes, with rows further apart than they are long.
template <class T>
struct LstmStep {
  std::int64_t hidden, apart;
  std::vector<std::int32_t> lengths = {3, 2, 5, 0, 4};
  std::vector<T> gates, c_before, c, h, dh, dc, dgates;

  LstmStep(std::int64_t n, Rng& rng)
      : hidden(n),
        apart(n + 3),
        gates(random_numbers<T>(kRows * 4 * apart, rng, -6, 6)),
        c_before(random_numbers<T>(kRows * apart, rng)),
        c(blank<T>(kRows * apart)),
        h(c),
        dh(random_numbers<T>(kRows * apart, rng)),
        dc(random_numbers<T>(kRows * apart, rng)),
        dgates(blank<T>(kRows * 4 * apart)) {}

  void forward(const Loops<T>& loops, bool padded) {
    loops.lstm_forward({.rows = kRows,
                        .hidden = hidden,
                        .step = 2,
                        .lengths = padded ? lengths.data() : nullptr,
                        .gates = gates.data(),
                        .gates_stride = 4 * apart,
                        .c_before = c_before.data(),
                        .c_before_stride = apart,
                        .c = c.data(),
                        .h = h.data(),
                        .c_stride = apart,
                        .h_stride = apart});
  }
  void backward(const Loops<T>& loops, bool padded) {
    loops.lstm_backward({.rows = kRows,
                         .hidden = hidden,
                         .step = 2,
                         .lengths = padded ? lengths.data() : nullptr,
                         .gates = gates.data(),
                         .c_before = c_before.data(),
                         .c = c.data(),
                         .dh = dh.data(),
                         .dc = dc.data(),
                         .dgates = dgates.data(),
                         .gates_stride = 4 * apart,
                         .c_before_stride = apart,
                         .c_stride = apart,
                         .dh_stride = apart,
                         .dc_stride = apart,
                         .dgates_stride = 4 * apart});
  }
};

TEMPLATE_TEST_CASE("kernels: an LSTM step and its backward agree with the reference, padded or not", "", float,
                   double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(6);
    for (std::int64_t n : kAwkwardSizes)
      for (bool padded : {false, true}) {
        LstmStep<T> step(n, rng), want = step;
        step.forward(loops, padded);
        want.forward(reference, padded);
        INFO("hidden " << n << ", padded " << padded);
        REQUIRE(first_difference(step.gates, want.gates, kNear) == "");
        REQUIRE(first_difference(step.c, want.c, kNear) == "");
        REQUIRE(first_difference(step.h, want.h, kNear) == "");
        step = want;
        step.backward(loops, padded);
        want.backward(reference, padded);
        REQUIRE(first_difference(step.dgates, want.dgates, kNear) == "");
        REQUIRE(first_difference(step.dc, want.dc, kNear) == "");
      }
  });
}

TEMPLATE_TEST_CASE("kernels: an LSTM step on padding carries the state over and has no gradient", "", float,
                   double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(7);
    LstmStep<T> step(19, rng);
    for (std::size_t row : {std::size_t{1}, std::size_t{3}})  // lengths 2 and 0: step 2 is padding
      for (std::size_t j = 0; j < 4 * 19; ++j)
        step.gates[row * 4 * 22 + j] = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> dc_before = step.dc;
    step.forward(loops, true);
    step.backward(loops, true);
    for (std::size_t row = 0; row < kRows; ++row)
      for (std::size_t j = 0; j < 19; ++j) {
        const std::size_t at = row * 22 + j;
        const bool padding = row == 1 || row == 3;
        REQUIRE((step.c[at] == step.c_before[at]) == padding);
        REQUIRE((step.h[at] == T(0)) == padding);
        REQUIRE((step.dc[at] == dc_before[at]) == padding);
        for (std::size_t gate = 0; gate < 4; ++gate)
          REQUIRE((step.dgates[row * 4 * 22 + gate * 19 + j] == T(0)) == padding);
      }
  });
}

TEMPLATE_TEST_CASE("kernels: an LSTM step gives a unit the same bits wherever it stands", "", float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(8);
    constexpr std::int64_t n = 37;
    const std::vector<T> gates = random_numbers<T>(4 * n, rng), before = random_numbers<T>(n, rng);
    std::vector<T> row_gates = gates, c(n), h(n), alone_c(n), alone_h(n);
    loops.lstm_forward({.rows = 1,
                        .hidden = n,
                        .step = 0,
                        .lengths = nullptr,
                        .gates = row_gates.data(),
                        .gates_stride = 4 * n,
                        .c_before = before.data(),
                        .c_before_stride = n,
                        .c = c.data(),
                        .h = h.data(),
                        .c_stride = n,
                        .h_stride = n});
    for (std::size_t j = 0; j < n; ++j) {
      T unit[4] = {gates[j], gates[n + j], gates[2 * n + j], gates[3 * n + j]};
      loops.lstm_forward({.rows = 1,
                          .hidden = 1,
                          .step = 0,
                          .lengths = nullptr,
                          .gates = unit,
                          .gates_stride = 4,
                          .c_before = &before[j],
                          .c_before_stride = 1,
                          .c = &alone_c[j],
                          .h = &alone_h[j],
                          .c_stride = 1,
                          .h_stride = 1});
    }
    REQUIRE(same_bits(c, alone_c));
    REQUIRE(same_bits(h, alone_h));
  });
}

TEMPLATE_TEST_CASE("kernels: an Adam step agrees with the reference and gives the same bits in pieces", "",
                   float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>& reference) {
    Rng rng(9);
    for (std::int64_t n : kAwkwardSizes) {
      std::vector<T> p = random_numbers<T>(n, rng), m = random_numbers<T>(n, rng);
      std::vector<T> v = random_numbers<T>(n, rng, 0, 3), want_p = p, want_m = m, want_v = v;
      const std::vector<T> gradient = random_numbers<T>(n, rng);
      AdamStep<T> step{n,    p.data(), gradient.data(), m.data(), v.data(), 0.5, 0.01, 0.9, 0.999, 0.02, 1.7,
                       1e-8, 0.98};
      AdamStep<T> want = step, piece = step;
      std::vector<T> piece_p = p, piece_m = m, piece_v = v;
      want.p = want_p.data(), want.m = want_m.data(), want.v = want_v.data();
      loops.adam(step);
      reference.adam(want);
      INFO("n " << n);
      REQUIRE(first_difference(p, want_p, kNear) == "");
      REQUIRE(first_difference(m, want_m, kNear) == "");
      REQUIRE(first_difference(v, want_v, kNear) == "");
      for (std::int64_t i = 0; i < n; i += 3) {
        piece.n = n - i < 3 ? n - i : 3;
        piece.p = piece_p.data() + i, piece.m = piece_m.data() + i, piece.v = piece_v.data() + i;
        piece.gradient = gradient.data() + i;
        loops.adam(piece);
      }
      REQUIRE(same_bits(piece_p, p));
      REQUIRE(same_bits(piece_m, m));
      REQUIRE(same_bits(piece_v, v));
    }
  });
}

}  // namespace
}  // namespace heed::tests
