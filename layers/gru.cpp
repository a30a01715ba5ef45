#include "layers/gru.h"

namespace heed {

GRU::GRU(std::int64_t in, std::int64_t hidden, Rng& rng, const GruVariant& variant)
    : GRU("GRU",
          CellTensors::uniform(in, hidden, 3, rng,
                               /*recurrent_bias=*/variant.reset == ResetGate::after_product),
          variant) {}

GRU::GRU(const std::string& kind, CellTensors initial, const GruVariant& variant)
    : Module(text(kind, " ", initial.wx.extent(0), " -> ", initial.wh.extent(0))), variant_(variant) {
  weights_.wx = register_parameter("wx", std::move(initial.wx));
  weights_.wh = register_parameter("wh", std::move(initial.wh));
  weights_.bias = register_parameter("bias", std::move(initial.bias));
  if (initial.recurrent_bias.defined())
    weights_.recurrent_bias = register_parameter("recurrent_bias", std::move(initial.recurrent_bias));
}

RecurrentOutput GRU::operator()(const Var& x, const Var& initial, const Tensor& lengths,
                                const Tensor& h_factors) const {
  const ErrorFrame frame = enter();
  RecurrentOutput output = gru(x, initial, weights_, variant_, lengths, h_factors);
  note("lengths", lengths);
  note("hs", output.hs);
  note("h", output.state);
  return output;
}

}  // namespace heed
