#include "layers/lstm.h"

namespace heed {

LSTM::LSTM(std::int64_t in, std::int64_t hidden, Rng& rng)
    : LSTM("LSTM", CellTensors::uniform(in, hidden, 4, rng)) {}

LSTM::LSTM(const std::string& kind, CellTensors initial)
    : Module(text(kind, " ", initial.wx.extent(0), " -> ", initial.wh.extent(0))) {
  weights_.wx = register_parameter("wx", std::move(initial.wx));
  weights_.wh = register_parameter("wh", std::move(initial.wh));
  weights_.bias = register_parameter("bias", std::move(initial.bias));
}

LstmOutput LSTM::operator()(const Var& x, const LstmState& initial, const Tensor& lengths,
                            const Tensor& h_factors) const {
  const ErrorFrame frame = enter();
  LstmOutput output = lstm(x, initial, weights_, lengths, h_factors);
  note("lengths", lengths);
  note("hs", output.hs);
  note("h", output.state.h);
  note("c", output.state.c);
  return output;
}

}  // namespace heed
