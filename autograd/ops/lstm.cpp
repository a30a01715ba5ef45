#include "autograd/ops/lstm.h"

#include <vector>

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/recurrent.h"
#include "core/lstm.h"

namespace heed {
namespace {

using LstmOperands = std::array<Var, 6>;  // x, h0, c0, Wx, Wh, bias

LstmInput input_of(const LstmOperands& in, const Tensor& lengths, const Tensor& h_factors) {
  return {in[0].value(),
          value_or_none(in[1]),
          value_or_none(in[2]),
          in[3].value(),
          in[4].value(),
          in[5].value(),
          lengths,
          h_factors};
}

}  // namespace

LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths,
                const Tensor& h_factors, SourceLocation at) {
  const LstmOperands operands{x, initial.h, initial.c, weights.wx, weights.wh, weights.bias};
  const LstmResult forward = lstm_forward(input_of(operands, lengths, h_factors));
  auto [hs, h, c] = record_joint(
      {"lstm", at}, std::array{forward.hs, forward.h, forward.c}, operands,
      [operands, lengths, h_factors, forward](std::span<const Var> dy) -> LstmOperands {
        if (is_recording())
          return differentiate_definition<6>(operands, dy, [&](const LstmOperands& in) {
            const LstmOutput out = definition::lstm(in[0], {in[1], in[2]}, {in[3], in[4], in[5]},
                                                    unchanged(lengths), unchanged(h_factors));
            return std::vector<Var>{out.hs, out.state.h, out.state.c};
          });
        unchanged(forward.hs);  // an output that users see, and what the backward pass reads
        const LstmGradients d =
            lstm_backward(input_of(operands, unchanged(lengths), unchanged(h_factors)), forward,
                          value_or_none(dy[0]), value_or_none(dy[1]), value_or_none(dy[2]));
        return {Var(d.dx),   d.dh0.defined() ? Var(d.dh0) : Var(), Var(d.dc0), Var(d.dwx), Var(d.dwh),
                Var(d.dbias)};
      });
  return {hs, {h, c}};
}

namespace definition {

LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths,
                const Tensor& h_factors) {
  const std::int64_t H = weights.wh.extent(0);
  auto [hs, last] = unroll<2>(
      without_padding(x, lengths), {initial.h, initial.c}, H, lengths, [&](const Var& x_t, const auto& state) {
        const auto& [h, c] = state;
        const Var gates =
            matmul(x_t, weights.wx) + matmul(dropped(h, h_factors), weights.wh) + weights.bias;  // [B, 4H]
        const Var f = sigmoid(slice(gates, 1, 0, H));
        const Var g = tanh(slice(gates, 1, H, 2 * H));
        const Var i = sigmoid(slice(gates, 1, 2 * H, 3 * H));
        const Var o = sigmoid(slice(gates, 1, 3 * H, 4 * H));
        const Var c_next = f * c + g * i;
        return std::array{o * tanh(c_next), c_next};
      });
  return {hs, {last[0], last[1]}};
}

}  // namespace definition

}  // namespace heed
