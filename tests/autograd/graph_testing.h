// What the tests of the graph share.
#pragma once

#include <string>
#include <vector>

#include "autograd/var.h"
#include "core/allocator.h"
#include "tests/thrown.h"

namespace heed::tests {

/// The first line of the message of the `Expected` that `act` throws, or "nothing was thrown".
template <class Expected, class Act>
std::string first_line(Act act) {
  const std::string message = thrown<Expected>(act);
  return message.substr(0, message.find('\n'));
}

/// A parameter [n], or of a shape, f64 unless said otherwise.
inline Var leaf(std::initializer_list<double> values, std::string name = {}, DType dtype = DType::f64) {
  return Var::parameter(Tensor::of(values, {static_cast<std::int64_t>(values.size())}, dtype), std::move(name));
}
inline Var scalar_leaf(double value, std::string name = {}) {
  return Var::parameter(Tensor::scalar(value, DType::f64), std::move(name));
}
inline Var constant(std::initializer_list<double> values) {
  return Var(Tensor::of(values, {static_cast<std::int64_t>(values.size())}, DType::f64));
}

using Numbers = std::vector<double>;
inline Numbers numbers(const Var& var) { return var.value().to_vector(); }

/// Bytes that tensors and nodes hold now.
inline std::int64_t bytes_in_use() { return pool::statistics().bytes_in_use; }

}  // namespace heed::tests
