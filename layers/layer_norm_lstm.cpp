#include "layers/layer_norm_lstm.h"

#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/recurrent.h"
#include "core/recurrent.h"

namespace heed {

LayerNormLSTM::LayerNormLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, const LayerNormOptions& options)
    : Module(text("LayerNormLSTM ", in, " -> ", hidden)),
      x_norm_(4 * hidden, options),
      h_norm_(4 * hidden, options),
      c_norm_(hidden, options) {
  CellTensors initial = CellTensors::uniform(in, hidden, 4, rng);
  weights_.wx = register_parameter("wx", std::move(initial.wx));
  weights_.wh = register_parameter("wh", std::move(initial.wh));
  weights_.bias = register_parameter("bias", std::move(initial.bias));
  register_module("x_norm", x_norm_);
  register_module("h_norm", h_norm_);
  register_module("c_norm", c_norm_);
}

LstmOutput LayerNormLSTM::operator()(const Var& x, const LstmState& initial, const Tensor& lengths,
                                     const Tensor& h_factors) const {
  const ErrorFrame frame = enter();
  const recurrent::Operands operands{x.value(),
                                     value_or_none(initial.h),
                                     weights_.wx.value(),
                                     weights_.wh.value(),
                                     weights_.bias.value(),
                                     lengths,
                                     h_factors};
  const recurrent::Extents e = recurrent::checked_extents("layer_norm_lstm", operands, 4);
  recurrent::require_state("layer_norm_lstm", value_or_none(initial.c), operands, e);

  const std::int64_t H = e.hidden;
  const Var of_x = x_norm_(linear(definition::without_padding(x, lengths), weights_.wx, Var())) + weights_.bias;
  auto [hs, last] = definition::unroll<2>(
      of_x, {initial.h, initial.c}, H, lengths, [&](const Var& of_x_t, const auto& state) {
        const auto& [h, c] = state;
        const Var gates = of_x_t + h_norm_(matmul(definition::dropped(h, h_factors), weights_.wh));  // [B, 4H]
        const Var f = sigmoid(slice(gates, 1, 0, H));
        const Var g = tanh(slice(gates, 1, H, 2 * H));
        const Var i = sigmoid(slice(gates, 1, 2 * H, 3 * H));
        const Var o = sigmoid(slice(gates, 1, 3 * H, 4 * H));
        const Var c_next = f * c + g * i;
        return std::array{note("h", o * tanh(c_norm_(c_next))), note("c", c_next)};
      });
  note("hs", hs);
  return {hs, {last[0], last[1]}};
}

}  // namespace heed
