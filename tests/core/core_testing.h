// What the tests of core share: tensors with known values, and plain loops to hold results against.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/tensor.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {

using Values = std::vector<double>;

/// 0, 1, 2, … in that shape: every element says where it came from.
inline Tensor counted(const Shape& shape, DType dtype = DType::f64) {
  return Tensor::arange(shape.count(), dtype).reshape(shape);
}

inline Tensor normal(const Shape& shape, std::uint64_t seed, DType dtype = DType::f64) {
  Rng rng(seed);
  return Tensor::normal(shape, 0, 1, rng, dtype);
}

/// The same elements behind strides that are not those of a contiguous tensor.
inline Tensor strided(const Tensor& x) {
  Tensor wide = Tensor::full(x.shape().inserted(x.rank(), 3), -77, x.dtype());
  wide.select(-1, 1).copy_from(x);
  return wide.select(-1, 1);
}

/// The first line of a message.
inline std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

/// The largest |a - b|, infinite when the numbers of elements differ.
inline double difference(const Values& a, const Values& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= largest)) largest = std::abs(a[i] - b[i]);
  return largest;
}
inline double difference(const Tensor& a, const Values& b) { return difference(a.to_vector(), b); }
inline double difference(const Tensor& a, const Tensor& b) { return difference(a.to_vector(), b.to_vector()); }

/// Sets the number of threads and puts the old one back.
class Threads {
 public:
  explicit Threads(int n) : before_(threads()) { set_threads(n); }
  ~Threads() { set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// The elements of what `compute` gives on 1, 2, 3 and 8 threads, one after the other.
template <class F>
std::vector<Values> on_any_threads(F compute) {
  std::vector<Values> results;
  for (const int n : {1, 2, 3, 8}) {
    const Threads now(n);
    results.push_back(compute().to_vector());
  }
  return results;
}

/// Whether all results are the same, NaN nowhere.
inline bool all_same(const std::vector<Values>& results) {
  for (const Values& result : results)
    if (result != results.front()) return false;
  return !results.empty() && !results.front().empty();
}

}  // namespace heed::tests
