#include "autograd/ops/gru.h"

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"

namespace heed {
namespace {

using GruOperands = std::array<Var, 6>;  // x, h0, Wx, Wh, bias, recurrent bias

GruInput input_of(const GruOperands& in, const GruVariant& variant, const Tensor& lengths,
                  const Tensor& h_factors) {
  return {in[0].value(), value_or_none(in[1]), in[2].value(), in[3].value(),
          in[4].value(), value_or_none(in[5]), lengths,       variant,
          h_factors};
}

}  // namespace

RecurrentOutput gru(const Var& x, const Var& initial, const GruWeights& weights, const GruVariant& variant,
                    const Tensor& lengths, const Tensor& h_factors, SourceLocation at) {
  const GruOperands operands{x, initial, weights.wx, weights.wh, weights.bias, weights.recurrent_bias};
  const GruResult forward = gru_forward(input_of(operands, variant, lengths, h_factors));
  auto [hs, h] = record_joint(
      {"gru", at}, std::array{forward.hs, forward.h}, operands,
      [operands, variant, lengths, h_factors, forward](std::span<const Var> dy) -> GruOperands {
        if (is_recording())
          return differentiate_definition<6>(operands, dy, [&](const GruOperands& in) {
            const RecurrentOutput out = definition::gru(in[0], in[1], {in[2], in[3], in[4], in[5]}, variant,
                                                        unchanged(lengths), unchanged(h_factors));
            return std::vector<Var>{out.hs, out.state};
          });
        unchanged(forward.hs);  // an output that users see, and what the backward pass reads
        const GruGradients d =
            gru_backward(input_of(operands, variant, unchanged(lengths), unchanged(h_factors)), forward,
                         value_or_none(dy[0]), value_or_none(dy[1]));
        return {Var(d.dx),    d.dh0.defined() ? Var(d.dh0) : Var(),
                Var(d.dwx),   Var(d.dwh),
                Var(d.dbias), d.drecurrent_bias.defined() ? Var(d.drecurrent_bias) : Var()};
      });
  return {hs, h};
}

namespace definition {

RecurrentOutput gru(const Var& x, const Var& initial, const GruWeights& weights, const GruVariant& variant,
                    const Tensor& lengths, const Tensor& h_factors) {
  const std::int64_t H = weights.wh.extent(0);
  const auto part = [H](const Var& all, int gate) { return slice(all, 1, gate * H, (gate + 1) * H); };
  auto [hs, last] =
      unroll<1>(without_padding(x, lengths), {initial}, H, lengths, [&](const Var& x_t, const auto& state) {
        const Var& h = state[0];
        const Var met = dropped(h, h_factors);  // what U is multiplied by
        const Var from_x = matmul(x_t, weights.wx) + weights.bias, from_h = matmul(met, weights.wh);  // [B, 3H]
        const Var z = sigmoid(part(from_x, 0) + part(from_h, 0));
        const Var r = sigmoid(part(from_x, 1) + part(from_h, 1));
        Var recurrent = part(from_h, 2);
        if (weights.recurrent_bias.defined()) recurrent = recurrent + weights.recurrent_bias;
        if (variant.reset == ResetGate::after_product)
          recurrent = r * recurrent;
        else
          recurrent = matmul(r * met, part(weights.wh, 2));
        const Var n = tanh(part(from_x, 2) + recurrent);
        return std::array{variant.update == UpdateGate::keeps_state ? (1.0 - z) * n + z * h
                                                                    : (1.0 - z) * h + z * n};
      });
  return {hs, last[0]};
}

}  // namespace definition

}  // namespace heed
