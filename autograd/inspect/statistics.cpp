#include "autograd/inspect/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/error.h"
#include "core/plot.h"
#include "core/strided.h"

namespace heed {
namespace {

// Calls body(row, length) for the elements as rows of neighbours; a row that is strided comes element by
// element.
template <class T, class Body>
void for_each_row(const Tensor& x, Body body) {
  if (x.count() == 0) return;
  const StridedWalk<1> walk(x.shape(), {&x});
  const T* const data = x.data<T>();
  for (std::int64_t row = 0; row < walk.rows; ++row) {
    const T* const first = data + walk.offsets(row)[0];
    if (walk.inner_stride[0] == 1)
      body(first, walk.inner);
    else
      for (std::int64_t i = 0; i < walk.inner; ++i) body(first + i * walk.inner_stride[0], std::int64_t{1});
  }
}

// Sums of distances from the first finite element, which is one of them: so nothing cancels that matters.
class Pass {
 public:
  void add(double value) {
    ++result_.count;
    if (std::isnan(value)) {
      ++result_.nan;
    } else if (std::isinf(value)) {
      ++(value > 0 ? result_.positive_infinite : result_.negative_infinite);
    } else {
      if (result_.finite() == 1) origin_ = result_.min = result_.max = value;
      result_.zeros += value == 0;
      result_.min = std::min(result_.min, value);
      result_.max = std::max(result_.max, value);
      const double distance = value - origin_;
      sum_ += distance;
      sum_of_squares_ += distance * distance;
      norm_squared_ += value * value;
    }
  }
  Statistics result() {
    if (const auto n = static_cast<double>(result_.finite()); n > 0) {
      result_.mean = origin_ + sum_ / n;
      result_.deviation = std::sqrt(std::max(0.0, sum_of_squares_ - sum_ * sum_ / n) / n);
      result_.norm = std::sqrt(norm_squared_);
    }
    return result_;
  }

 private:
  Statistics result_;
  double origin_ = 0, sum_ = 0, sum_of_squares_ = 0, norm_squared_ = 0;
};

}  // namespace

double Statistics::root_mean_square() const {
  return finite() == 0 ? 0 : norm / std::sqrt(static_cast<double>(finite()));
}

Statistics statistics_of(const Tensor& x) {
  Pass pass;
  if (x.defined())
    for_any(x.dtype(), [&](auto zero) {
      for_each_row<decltype(zero)>(x, [&](const auto* row, std::int64_t length) {
        for (std::int64_t i = 0; i < length; ++i) pass.add(static_cast<double>(row[i]));
      });
    });
  return pass.result();
}

std::string to_string(const Statistics& s) {
  if (s.count == 0) return "no elements";
  std::string out;
  if (s.finite() > 0 && s.min == s.max)
    out = text(short_number(s.min), s.finite() > 1 ? " throughout" : "");
  else if (s.finite() > 0)
    out = text(short_number(s.min), " … ", short_number(s.max), ", mean ", short_number(s.mean), ", deviation ",
               short_number(s.deviation));
  const auto part = [&](std::int64_t n, const char* what) {
    if (n > 0) append(out, text(out.empty() ? "" : ", ", n, " of ", s.count, " ", what));
  };
  part(s.zeros, "zero");
  part(s.nan, "NaN");
  part(s.positive_infinite, "∞");
  part(s.negative_infinite, "−∞");
  return out;
}

bool Magnitudes::finite() const { return std::isfinite(largest); }

// Without their sign, floating-point numbers are in the order of their bits, NaN last: a loop over integers
// that has no branches.
Magnitudes magnitudes_of(const Tensor& x) {
  if (!x.defined() || !is_floating(x.dtype()) || x.count() == 0) return {};
  return for_floating(x.dtype(), "magnitudes_of", [&](auto zero) -> Magnitudes {
    using T = decltype(zero);
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits kNoSign = std::numeric_limits<Bits>::max() >> 1;
    Bits least = kNoSign, greatest = 0;
    for_each_row<T>(x, [&](const T* row, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i) {
        const Bits bits = std::bit_cast<Bits>(row[i]) & kNoSign;
        least = bits < least ? bits : least;
        greatest = bits > greatest ? bits : greatest;
      }
    });
    return {static_cast<double>(std::bit_cast<T>(least)), static_cast<double>(std::bit_cast<T>(greatest))};
  });
}

std::optional<std::vector<std::int64_t>> first_not_finite(const Tensor& x) {
  if (magnitudes_of(x).finite()) return {};
  const std::vector<double> values = x.to_vector();
  auto place =
      std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }) - values.begin();
  std::vector<std::int64_t> index(static_cast<std::size_t>(x.rank()));
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = place % x.extent(axis);
    place /= x.extent(axis);
  }
  return index;
}

}  // namespace heed
