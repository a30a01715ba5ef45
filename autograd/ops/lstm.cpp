#include "autograd/ops/lstm.h"

#include <vector>

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"
#include "core/elementwise.h"
#include "core/lstm.h"

namespace heed {
namespace {

using Operands = std::array<Var, 6>;  // x, h0, c0, Wx, Wh, bias

Tensor value_or_none(const Var& var) { return var.defined() ? var.value() : Tensor(); }

LstmInput input_of(const Operands& in, const Tensor& lengths) {
  return {in[0].value(), value_or_none(in[1]), value_or_none(in[2]),
          in[3].value(), in[4].value(),        in[5].value(),
          lengths};
}

}  // namespace

LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths) {
  const Operands operands{x, initial.h, initial.c, weights.wx, weights.wh, weights.bias};
  const LstmResult forward = lstm_forward(input_of(operands, lengths));
  auto [hs, h, c] = record_joint(
      "lstm", std::array{forward.hs, forward.h, forward.c}, operands,
      [operands, lengths, forward](std::span<const Var> dy) -> Operands {
        if (is_recording())
          return differentiate_definition<6>(operands, dy, [&](const Operands& in) {
            const LstmOutput out =
                definition::lstm(in[0], {in[1], in[2]}, {in[3], in[4], in[5]}, unchanged(lengths));
            return std::vector<Var>{out.hs, out.state.h, out.state.c};
          });
        unchanged(forward.hs);  // an output that users see, and what the backward pass reads
        const LstmGradients d = lstm_backward(input_of(operands, unchanged(lengths)), forward,
                                              value_or_none(dy[0]), value_or_none(dy[1]), value_or_none(dy[2]));
        return {Var(d.dx),   d.dh0.defined() ? Var(d.dh0) : Var(), Var(d.dc0), Var(d.dwx), Var(d.dwh),
                Var(d.dbias)};
      });
  return {hs, {h, c}};
}

namespace definition {

LstmOutput lstm(const Var& x, const LstmState& initial, const LstmWeights& weights, const Tensor& lengths) {
  const std::int64_t batch = x.extent(0), hidden = weights.wh.extent(0);
  const auto or_zeros = [&](const Var& state) {
    return state.defined() ? state : Var(Tensor::zeros({batch, hidden}, x.dtype()));
  };
  Var h = or_zeros(initial.h), c = or_zeros(initial.c);
  const Var zeros(Tensor::zeros({batch, hidden}, x.dtype()));
  std::vector<Var> hs;
  for (std::int64_t t = 0; t < x.extent(1); ++t) {
    const Var gates = matmul(select(x, 1, t), weights.wx) + matmul(h, weights.wh) + weights.bias;  // [B, 4H]
    const Var f = sigmoid(slice(gates, 1, 0, hidden));
    const Var g = tanh(slice(gates, 1, hidden, 2 * hidden));
    const Var i = sigmoid(slice(gates, 1, 2 * hidden, 3 * hidden));
    const Var o = sigmoid(slice(gates, 1, 3 * hidden, 4 * hidden));
    const Var c_next = f * c + g * i;
    const Var h_next = o * tanh(c_next);
    if (!lengths.defined()) {
      c = c_next;
      h = h_next;
      hs.push_back(h);
    } else {
      const Tensor real =
          less(Tensor::scalar(static_cast<double>(t), DType::i32), lengths).unsqueeze(1);  // [B, 1]
      c = where(real, c_next, c);
      h = where(real, h_next, h);
      hs.push_back(where(real, h_next, zeros));
    }
  }
  return {stack(hs, 1), {h, c}};
}

}  // namespace definition

}  // namespace heed
