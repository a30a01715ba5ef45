// What the files with the rows of the table of gradient checks share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

  /// Adds one row of several calls of f, each with operands of its own: `calls` has a list of shapes for each.
  /// Values are of the domain, as of Input.
  void calls(const char* name, const char* variant, const std::vector<std::vector<Shape>>& calls,
             const Differentiable& f, double low = -1, double high = 1) const {
    std::vector<Input> inputs;
    std::vector<std::size_t> counts;
    for (const std::vector<Shape>& operands : calls) {
      counts.push_back(operands.size());
      for (const Shape& shape : operands) inputs.push_back({shape, low, high});
    }
    (*this)(name, variant, std::move(inputs), [counts, f](In in) {
      Outputs outputs;
      for (const std::size_t count : counts) {
        for (const Var& output : f(in.first(count))) outputs.push_back(output);
        in = in.subspan(count);
      }
      return outputs;
    });
  }
};

/// A function of one operand: some elements, none, and one. `low` > `high` as of Input.
inline void add_unary(std::vector<OpRow>& rows, const char* name, double low, double high,
                      const std::function<Var(const Var&)>& f,
                      const char* variant = "some elements, none, one") {
  Rows{rows}.calls(
      name, variant, {{{2, 3}}, {{0, 3}}, {{1}}}, [f](In in) { return Outputs{f(in[0])}; }, low, high);
}

/// A function of two operands: broadcast both ways, no elements, one element, a scalar.
inline void add_binary(std::vector<OpRow>& rows, const char* name, const Input& a, const Input& b,
                       const std::function<Var(const Var&, const Var&)>& f) {
  std::vector<Input> inputs;
  for (const Shape& shape : {Shape{2, 1, 3}, Shape{0, 3}, Shape{1}}) inputs.push_back({shape, a.low, a.high});
  for (const Shape& shape : {Shape{2, 1}, Shape{3}, Shape{}}) inputs.push_back({shape, b.low, b.high});
  rows.push_back({name, "broadcast both ways, no elements, one element", std::move(inputs), [f](In in) {
                    return Outputs{f(in[0], in[3]), f(in[1], in[4]), f(in[2], in[5]), f(in[0], in[4])};
                  }});
}

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
