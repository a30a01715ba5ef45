// What the files with the rows of the table of gradient checks share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "tests/autograd/op_table.h"

namespace heed::tests {

using In = std::span<const Var>;
using Outputs = std::vector<Var>;

/// Adds rows one by one.
struct Rows {
  std::vector<OpRow>& all;

  void operator()(const char* name, const char* variant, std::vector<Input> inputs, Differentiable f) const {
    all.push_back({name, variant, std::move(inputs), std::move(f)});
  }
};

/// Values of either sign whose distance from 0 is at least `nearest`.
inline Input apart_from_zero(const Shape& shape, double nearest, double farthest) {
  return {shape, farthest, nearest};
}

inline Tensor positions(std::initializer_list<std::int32_t> values, const Shape& shape) {
  return Tensor::of(std::span(values.begin(), values.size()), shape);
}

inline Tensor mask_of(std::initializer_list<double> values, const Shape& shape) {
  return Tensor::of(values, shape, DType::boolean);
}

}  // namespace heed::tests
