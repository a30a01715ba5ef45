// What the tests of the kernels share: every variant in turn, numbers to feed them, and how near is near.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/kernels/cpu.h"
#include "core/kernels/subnormals.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/core/kernels_wide.h"

namespace heed::tests {

template <class T>
const kernels::Loops<T>& loops_of(const kernels::Table& table) {
  if constexpr (sizeof(T) == sizeof(float))
    return table.f32;
  else
    return table.f64;
}

/// While it lives, this thread flushes subnormal numbers or does not.
class Flushing {
 public:
  explicit Flushing(bool on) : before_(flushes_subnormals()) { flush_subnormals(on); }
  ~Flushing() { flush_subnormals(before_); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  bool before_;
};

/// check(loops, reference) for each variant that this processor can run, and for 64-byte vectors on any
/// processor; in IEEE arithmetic to the smallest number.
template <class T, class Check>
void for_each_variant(Check check) {
  const Flushing off(false);
  const kernels::Loops<T>& reference = loops_of<T>(*kernels::find_table("reference"));
  {
    INFO("variant wide, " << 8 * sizeof(T) << " bits");
    check(loops_of<T>(kernels::kWideTable), reference);
  }
  for (const char* const* name = kernels::table_names(); *name != nullptr; ++name) {
    INFO("variant " << *name << ", " << 8 * sizeof(T) << " bits");
    const kernels::Table* table = kernels::find_table(*name);
    REQUIRE(table != nullptr);
    check(loops_of<T>(*table), reference);
  }
}

template <class T>
std::vector<T> random_numbers(std::int64_t n, Rng& rng, double low = -3, double high = 3) {
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& v : x) v = static_cast<T>(rng.uniform(low, high));
  return x;
}

/// The distance of `got` from `want` in units of the last place of T at `want`; 0 when both are NaN or both the
/// same infinity, infinite when only one is.
template <class T, class Wide>
double ulps(T got, Wide want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(static_cast<T>(want)) || std::isinf(got)) return got == static_cast<T>(want) ? 0 : INFINITY;
  int exponent = 0;
  std::frexp(want, &exponent);
  if (want == 0 || exponent < std::numeric_limits<T>::min_exponent)
    exponent = std::numeric_limits<T>::min_exponent;
  const Wide unit = std::ldexp(Wide(1), exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - want) / unit);
}

/// Empty when all elements agree to `epsilons` roundings, relative to numbers of size 1 and larger; else the
/// first that does not.
template <class T>
std::string first_difference(const std::vector<T>& got, const std::vector<T>& want, double epsilons) {
  if (got.size() != want.size()) return "sizes differ";
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double g = static_cast<double>(got[i]), w = static_cast<double>(want[i]);
    const double bound =
        epsilons * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::fmax(1, std::fabs(w));
    if ((std::isnan(g) && std::isnan(w)) || g == w || std::fabs(g - w) <= bound) continue;
    return "element " + std::to_string(i) + ": " + std::to_string(g) + " instead of " + std::to_string(w);
  }
  return {};
}

/// Whether the bits of all elements are the same.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || __builtin_memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline constexpr std::int64_t kAwkwardSizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 100, 511, 513, 1000};

}  // namespace heed::tests
