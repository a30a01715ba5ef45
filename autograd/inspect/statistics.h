// What a tensor's elements are like, in a few numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace heed {

/// Counts are of all elements; norm, mean, deviation and extremes are those of the finite ones, and 0 when
/// there are none.
struct Statistics {
  std::int64_t count = 0;
  std::int64_t zeros = 0;
  std::int64_t nan = 0;
  std::int64_t positive_infinite = 0, negative_infinite = 0;
  double norm = 0;  ///< square root of the sum of squares
  double mean = 0;
  double deviation = 0;  ///< standard deviation: root of the mean squared distance from the mean
  double min = 0, max = 0;

  std::int64_t infinite() const { return positive_infinite + negative_infinite; }
  std::int64_t finite() const { return count - nan - infinite(); }
  bool all_finite() const { return nan + infinite() == 0; }
  double zero_share() const { return count == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(count); }
  /// Root of the mean square: the size of an element, whatever their number.
  double root_mean_square() const;
};

/// In one pass over the elements, in f64; any type. An undefined tensor has no elements.
Statistics statistics_of(const Tensor& x);

/// "−0.4 … 12.1, mean 0.3, deviation 1.2, 4 of 20 zero"; also "3 of 20 NaN", "1 of 20 ∞".
std::string to_string(const Statistics& statistics);

/// The least and the greatest |x|. `largest` is infinite or NaN when an element is; both are 0 without elements
/// and for types that are not floating. Far quicker than statistics_of().
struct Magnitudes {
  double smallest = 0, largest = 0;
  bool finite() const;
};
Magnitudes magnitudes_of(const Tensor& x);

/// Where the first element that is NaN or infinite stands; none when all are finite.
std::optional<std::vector<std::int64_t>> first_not_finite(const Tensor& x);

}  // namespace heed
