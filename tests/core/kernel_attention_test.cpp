// The attention kernels of every variant, held against the reference.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/kernels/cpu.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/core/kernel_testing.h"
#include "tests/core/kernels_wide.h"

namespace heed::tests {
namespace {

using kernels::Loops;

enum class Masked { nowhere, anywhere, padding, whole_rows };

/// One head with all that its kernels read and write, rows further apart than they are long.
template <class T>
struct Head {
  std::int64_t targets, sources, width, value_width;
  Masked masked;
  std::vector<T> q, k, v, dy, y, log_sum, dq, dk, dv;
  std::vector<std::uint8_t> attend;

  Head(std::int64_t t, std::int64_t s, std::int64_t d, std::int64_t e, Masked where, Rng& rng)
      : targets(t), sources(s), width(d), value_width(e), masked(where) {
    q = random_numbers<T>(t * (d + 3), rng, -1, 1);
    k = random_numbers<T>(s * (d + 5), rng, -1, 1);
    v = random_numbers<T>(s * (e + 2), rng, -1, 1);
    dy = random_numbers<T>(t * (e + 1), rng, -1, 1);
    y = dy;
    log_sum = random_numbers<T>(t, rng);
    dq = q;
    dk = k;
    dv = v;
    if (masked == Masked::nowhere) return;
    attend.resize(static_cast<std::size_t>(t * s));
    const std::int64_t unseen = rng.below(s), blind = rng.below(t);
    for (std::int64_t i = 0; i < t * s; ++i)
      attend[static_cast<std::size_t>(i)] = i / s != blind && i % s != unseen && rng.chance(0.7) ? 3 : 0;
    if (masked == Masked::whole_rows) attend[0] = 1;
    if (masked == Masked::padding)  // the end, and one before it
      for (std::int64_t j = 0; j < s; ++j) attend[static_cast<std::size_t>(j)] = j < s - s / 3 && j != unseen;
  }

  bool sees(std::int64_t t, std::int64_t s) const {
    if (masked == Masked::nowhere) return true;
    const std::int64_t row = masked == Masked::padding ? 0 : t * sources;
    return attend[static_cast<std::size_t>(row + (masked == Masked::whole_rows ? 0 : s))] != 0;
  }

  /// NaN in every source that no target sees.
  void spoil_unseen() {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    for (std::int64_t s = 0; s < sources; ++s) {
      bool seen = false;
      for (std::int64_t t = 0; t < targets; ++t) seen = seen || sees(t, s);
      if (seen) continue;
      for (std::int64_t i = 0; i < width; ++i) k[static_cast<std::size_t>(s * (width + 5) + i)] = nan;
      for (std::int64_t i = 0; i < value_width; ++i)
        v[static_cast<std::size_t>(s * (value_width + 2) + i)] = nan;
    }
  }

  void run(const Loops<T>& loops) {
    const std::int64_t scratch = loops.attention_scratch(targets, sources, width, value_width);
    std::vector<T> memory(static_cast<std::size_t>(scratch) + 16, std::numeric_limits<T>::quiet_NaN());
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    T* const aligned = memory.data() + (64 - address % 64) % 64 / sizeof(T);
    const kernels::AttentionHead<T> head{.targets = targets,
                                         .sources = sources,
                                         .width = width,
                                         .value_width = value_width,
                                         .scale = 3 / std::sqrt(static_cast<double>(width)),
                                         .q = q.data(),
                                         .k = k.data(),
                                         .v = v.data(),
                                         .q_stride = width + 3,
                                         .k_stride = width + 5,
                                         .v_stride = value_width + 2,
                                         .attend = masked == Masked::nowhere ? nullptr : attend.data(),
                                         .attend_row_stride = masked == Masked::padding ? 0 : sources,
                                         .attend_column_stride = masked == Masked::whole_rows ? 0 : 1,
                                         .scratch = aligned};
    loops.attention({.head = head, .y = y.data(), .y_stride = value_width + 1, .log_sum = log_sum.data()});
    loops.attention_backward({.head = head,
                              .y = y.data(),
                              .dy = dy.data(),
                              .y_stride = value_width + 1,
                              .dy_stride = value_width + 1,
                              .log_sum = log_sum.data(),
                              .dq = dq.data(),
                              .dk = dk.data(),
                              .dv = dv.data(),
                              .dq_stride = width + 3,
                              .dk_stride = width + 5,
                              .dv_stride = value_width + 2});
  }
};

template <class T>
void require_agreement(const Loops<T>& loops, const Loops<T>& reference, Head<T> got) {
  INFO("T " << got.targets << ", S " << got.sources << ", d " << got.width << ", e " << got.value_width
            << ", masked " << static_cast<int>(got.masked));
  Head<T> want = got;
  got.spoil_unseen();
  got.run(loops);
  want.run(reference);
  // Sums over targets, sources and widths round once a term, in the reference too.
  const double near = 64 + static_cast<double>(got.targets + got.sources + got.width + got.value_width);
  REQUIRE(first_difference(got.y, want.y, near) == "");
  REQUIRE(first_difference(got.log_sum, want.log_sum, near) == "");
  REQUIRE(first_difference(got.dq, want.dq, near) == "");
  REQUIRE(first_difference(got.dk, want.dk, near) == "");
  REQUIRE(first_difference(got.dv, want.dv, near) == "");
}

template <class T>
void check_sizes(const Loops<T>& loops, const Loops<T>& reference) {
  Rng rng(1);
  for (const Masked masked : {Masked::nowhere, Masked::anywhere, Masked::padding, Masked::whole_rows}) {
    for (const std::int64_t t : {1, 5, 29})
      for (const std::int64_t s : {1, 8, 15, 29, 33})
        for (const std::int64_t d : {1, 8, 17})
          for (const std::int64_t e : {1, 16, 19})
            require_agreement(loops, reference, Head<T>(t, s, d, e, masked, rng));
    // Several blocks of targets, of sources, of both; so wide that a tile's sums are over more than one block.
    require_agreement(loops, reference, Head<T>(130, 20, 4, 6, masked, rng));
    require_agreement(loops, reference, Head<T>(7, 300, 4, 6, masked, rng));
    require_agreement(loops, reference, Head<T>(121, 257, 9, 7, masked, rng));
    require_agreement(loops, reference, Head<T>(9, 11, 400, 500, masked, rng));
    require_agreement(loops, reference, Head<T>(1, 300, 24, 40, masked, rng));
    require_agreement(loops, reference, Head<T>(1, 9000, 3, 2, masked, rng));
  }
}

TEMPLATE_TEST_CASE("kernels: attention and its backward agree with the reference, masked in any way", "", float,
                   double) {
  using T = TestType;
  for_each_variant<T>(check_sizes<T>);
  INFO("64 bytes a vector");
  check_sizes<T>(loops_of<T>(kernels::kWideTable), loops_of<T>(*kernels::find_table("reference")));
}

TEMPLATE_TEST_CASE("kernels: attention to scores of any size sums to 1, in one block of sources or several", "",
                   float, double) {
  using T = TestType;
  for_each_variant<T>([](const Loops<T>& loops, const Loops<T>&) {
    Rng rng(2);
    for (const std::int64_t sources : {29, 500}) {
      Head<T> head(3, sources, 1, 1, Masked::nowhere, rng);
      for (std::int64_t s = 0; s < sources; ++s) {
        head.k[static_cast<std::size_t>(6 * s)] = static_cast<T>(1e4 * rng.uniform(-1, 1));
        head.v[static_cast<std::size_t>(3 * s)] = T(1);
      }
      head.run(loops);
      for (std::int64_t t = 0; t < 3; ++t)
        REQUIRE(std::fabs(static_cast<double>(head.y[static_cast<std::size_t>(2 * t)]) - 1) < 1e-5);
    }
  });
}

}  // namespace
}  // namespace heed::tests
