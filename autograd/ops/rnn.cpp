#include "autograd/ops/rnn.h"

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"

namespace heed {
namespace {

using RnnOperands = std::array<Var, 5>;  // x, h0, Wx, Wh, bias

RnnInput input_of(const RnnOperands& in, RnnActivation activation, const Tensor& lengths,
                  const Tensor& h_factors) {
  return {in[0].value(), value_or_none(in[1]), in[2].value(), in[3].value(), in[4].value(),
          lengths,       activation,           h_factors};
}

}  // namespace

RecurrentOutput rnn(const Var& x, const Var& initial, const RnnWeights& weights, RnnActivation activation,
                    const Tensor& lengths, const Tensor& h_factors, SourceLocation at) {
  const RnnOperands operands{x, initial, weights.wx, weights.wh, weights.bias};
  const RnnResult forward = rnn_forward(input_of(operands, activation, lengths, h_factors));
  auto [hs, h] = record_joint(
      {"rnn", at}, std::array{forward.hs, forward.h}, operands,
      [operands, activation, lengths, h_factors, forward](std::span<const Var> dy) -> RnnOperands {
        if (is_recording())
          return differentiate_definition<5>(operands, dy, [&](const RnnOperands& in) {
            const RecurrentOutput out = definition::rnn(in[0], in[1], {in[2], in[3], in[4]}, activation,
                                                        unchanged(lengths), unchanged(h_factors));
            return std::vector<Var>{out.hs, out.state};
          });
        unchanged(forward.hs);  // an output that users see, and what the backward pass reads
        const RnnGradients d =
            rnn_backward(input_of(operands, activation, unchanged(lengths), unchanged(h_factors)), forward,
                         value_or_none(dy[0]), value_or_none(dy[1]));
        return {Var(d.dx), d.dh0.defined() ? Var(d.dh0) : Var(), Var(d.dwx), Var(d.dwh), Var(d.dbias)};
      });
  return {hs, h};
}

namespace definition {

RecurrentOutput rnn(const Var& x, const Var& initial, const RnnWeights& weights, RnnActivation activation,
                    const Tensor& lengths, const Tensor& h_factors) {
  auto [hs, last] = unroll<1>(without_padding(x, lengths), {initial}, weights.wh.extent(0), lengths,
                              [&](const Var& x_t, const auto& h) {
                                const Var sum = matmul(x_t, weights.wx) +
                                                matmul(dropped(h[0], h_factors), weights.wh) +
                                                weights.bias;  // [B, H]
                                return std::array{activation == RnnActivation::tanh ? tanh(sum) : relu(sum)};
                              });
  return {hs, last[0]};
}

}  // namespace definition

}  // namespace heed
