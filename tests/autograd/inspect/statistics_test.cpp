#include "autograd/inspect/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/reduce.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using Index = std::vector<std::int64_t>;

// The same in as many passes as it takes.
Statistics by_hand(const Tensor& x) {
  Statistics s;
  std::vector<double> finite;
  for (const double v : x.to_vector()) {
    ++s.count;
    s.nan += std::isnan(v);
    s.positive_infinite += v == INFINITY;
    s.negative_infinite += v == -INFINITY;
    s.zeros += v == 0;
    if (std::isfinite(v)) finite.push_back(v);
  }
  if (finite.empty()) return s;
  for (const double v : finite) s.mean += v / static_cast<double>(finite.size());
  for (const double v : finite) {
    s.norm += v * v;
    s.deviation += (v - s.mean) * (v - s.mean) / static_cast<double>(finite.size());
  }
  s.norm = std::sqrt(s.norm);
  s.deviation = std::sqrt(s.deviation);
  s.min = *std::min_element(finite.begin(), finite.end());
  s.max = *std::max_element(finite.begin(), finite.end());
  return s;
}

void check_same(const Statistics& a, const Statistics& b) {
  CHECK(a.count == b.count);
  CHECK(a.zeros == b.zeros);
  CHECK(a.nan == b.nan);
  CHECK(a.positive_infinite == b.positive_infinite);
  CHECK(a.negative_infinite == b.negative_infinite);
  CHECK(a.min == b.min);
  CHECK(a.max == b.max);
  CHECK(std::fabs(a.mean - b.mean) <= 1e-12 * std::max(1.0, std::fabs(b.mean)));
  CHECK(std::fabs(a.norm - b.norm) <= 1e-12 * std::max(1.0, b.norm));
  CHECK(std::fabs(a.deviation - b.deviation) <= 1e-12 * std::max(1.0, b.deviation));
}

TEST_CASE("statistics: each is what a straightforward computation gives, in every type and layout") {
  Rng rng(1);
  const Tensor normal = Tensor::normal({7, 5, 3}, 2, 3, rng, DType::f64);
  for (const Tensor& x :
       {normal, normal.to(DType::f32), normal.to(DType::i32), normal.transpose(0, 2), normal.slice(1, 1, 5, 2),
        normal.slice(0, 2, 3), Tensor::scalar(-3), Tensor::zeros({4}), Tensor::scalar(0.5).expand({2, 3}),
        Tensor::of({0, 1, 0, 2}, {4}).to(DType::boolean), Tensor::zeros({0, 3})})
    check_same(statistics_of(x), by_hand(x));
  check_same(statistics_of(Tensor()), Statistics{});
}

TEST_CASE("statistics: what is not finite is counted by kind, and left out of the others") {
  const Tensor x = Tensor::of({NAN, 1, -INFINITY, 3, INFINITY, 0, -0.0, INFINITY}, {2, 4});
  const Statistics s = statistics_of(x);
  check_same(s, by_hand(x));
  CHECK(s.nan == 1);
  CHECK(s.positive_infinite == 2);
  CHECK(s.negative_infinite == 1);
  CHECK(s.finite() == 4);
  CHECK(s.zeros == 2);
  CHECK(s.mean == 1);
  CHECK_FALSE(s.all_finite());
  check_same(statistics_of(Tensor::full({3}, NAN)), by_hand(Tensor::full({3}, NAN)));
}

TEST_CASE("statistics: a deviation does not drown in a large mean") {
  const Tensor x = Tensor::of({1e9 + 1, 1e9 + 2, 1e9 + 3}, {3}, DType::f64);
  CHECK(std::fabs(statistics_of(x).deviation - std::sqrt(2.0 / 3)) < 1e-9);
}

TEST_CASE("statistics: as text") {
  CHECK(to_string(statistics_of(Tensor::of({0, 1, 2, NAN}, {4}))) ==
        "0 … 2, mean 1, deviation 0.816, 1 of 4 zero, 1 of 4 NaN");
  CHECK(to_string(statistics_of(Tensor::scalar(-INFINITY))) == "1 of 1 −∞");
  CHECK(to_string(statistics_of(Tensor::scalar(3))) == "3");
  CHECK(to_string(statistics_of(Tensor::ones({3}))) == "1 throughout");
  CHECK(to_string(statistics_of(Tensor::zeros({0}))) == "no elements");
}

TEST_CASE("magnitudes: the least and the greatest |x|, NaN above infinity, in every layout") {
  const Tensor x = Tensor::of({-4, 0.5, 3, -0.25, 1, 2}, {2, 3});
  for (const DType dtype : {DType::f32, DType::f64}) {
    CHECK(magnitudes_of(x.to(dtype)).smallest == 0.25);
    CHECK(magnitudes_of(x.to(dtype)).largest == 4);
    CHECK(magnitudes_of(x.to(dtype)).finite());
    CHECK(magnitudes_of(x.to(dtype).transpose().slice(0, 1, 3)).largest == 3);
    CHECK(magnitudes_of(Tensor::of({1, -INFINITY}, {2}, dtype)).largest == INFINITY);
    CHECK(std::isnan(magnitudes_of(Tensor::of({INFINITY, -NAN, 1}, {3}, dtype)).largest));
    CHECK(magnitudes_of(Tensor::full({2}, -0.0, dtype)).largest == 0);
    CHECK(magnitudes_of(Tensor::full({2}, std::numeric_limits<float>::max(), dtype)).finite());
  }
  CHECK(magnitudes_of(Tensor::of({-7}, {1}).to(DType::i32)).finite());
  CHECK(magnitudes_of(Tensor::zeros({0})).largest == 0);
}

TEST_CASE("first_not_finite: its place along each axis, in a view too; none when all are finite") {
  Tensor x = Tensor::zeros({2, 3, 2});
  CHECK_FALSE(first_not_finite(x).has_value());
  x.set({1, 2, 0}, INFINITY);
  CHECK(first_not_finite(x) == Index{1, 2, 0});
  x.set({1, 0, 1}, NAN);
  CHECK(first_not_finite(x) == Index{1, 0, 1});
  CHECK(first_not_finite(x.transpose(0, 2)) == Index{0, 2, 1});
  CHECK(first_not_finite(Tensor::scalar(NAN)) == Index{});
}

}  // namespace
}  // namespace heed::tests
