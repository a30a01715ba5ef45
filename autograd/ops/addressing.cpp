#include "autograd/ops/addressing.h"

#include <vector>

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "core/error.h"

namespace heed {
namespace {

// 1 / sqrt(|row|² + epsilon) of each row, [..., rows, 1].
Tensor inverse_lengths(const Tensor& x, double epsilon) {
  using kernels::Unary;
  const Tensor squares = sum(apply(Unary::square, x, "cosine_similarity"), -1, true);
  return apply(Unary::reciprocal, apply(Unary::sqrt, squares + epsilon, "cosine_similarity"),
               "cosine_similarity");
}

}  // namespace

Var cosine_similarity(const Var& keys, const Var& rows, double epsilon, SourceLocation at) {
  if (keys.rank() < 2 || rows.rank() < 2 || keys.shape().with(-2, 0) != rows.shape().with(-2, 0))
    throw ShapeError({.what = text("cosine_similarity: keys are ", keys.shape(), ", rows are ", rows.shape()),
                      .expected = "keys [..., H, M] and rows [..., N, M]",
                      .operands = text("keys: ", keys.value().origin(), "    rows: ", rows.value().origin())});
  const Tensor u = inverse_lengths(keys.value(), epsilon);  // [..., H, 1]
  const Tensor v = inverse_lengths(rows.value(), epsilon);  // [..., N, 1]
  Tensor value = matmul_transposed(keys.value(), rows.value()) * u * v.transpose();
  return record_joint(
      {"cosine_similarity", at}, std::move(value), std::array{keys, rows},
      [keys, rows, epsilon, u, v](const Var& dy, const Var& y) -> std::array<Var, 2> {
        if (is_recording())
          return differentiate_definition<2>(
              {keys, rows}, std::span(&dy, 1), [&](const std::array<Var, 2>& in) {
                return std::vector<Var>{definition::cosine_similarity(in[0], in[1], epsilon)};
              });
        const Tensor g = dy.value() * u * v.transpose(), along = dy.value() * y.value();  // [..., H, N]
        const Tensor dkeys = matmul(g, rows.value()) - keys.value() * (u * u * sum(along, -1, true));
        const Tensor drows =
            transposed_matmul(g, keys.value()) - rows.value() * (v * v * sum(along, -2, true).transpose());
        return {Var(dkeys), Var(drows)};
      });
}

namespace definition {

Var cosine_similarity(const Var& keys, const Var& rows, double epsilon) {
  const auto lengths = [&](const Var& x) { return sqrt(sum(square(x), -1, true) + epsilon); };
  return matmul_transposed(keys / lengths(keys), rows / lengths(rows));
}

}  // namespace definition

}  // namespace heed
