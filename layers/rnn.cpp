#include "layers/rnn.h"

namespace heed {

RNN::RNN(std::int64_t in, std::int64_t hidden, Rng& rng, RnnActivation activation)
    : RNN("RNN", CellTensors::uniform(in, hidden, 1, rng), activation) {}

RNN::RNN(const std::string& kind, CellTensors initial, RnnActivation activation)
    : Module(text(kind, " ", initial.wx.extent(0), " -> ", initial.wh.extent(0),
                  activation == RnnActivation::relu ? ", relu" : "")),
      activation_(activation) {
  weights_.wx = register_parameter("wx", std::move(initial.wx));
  weights_.wh = register_parameter("wh", std::move(initial.wh));
  weights_.bias = register_parameter("bias", std::move(initial.bias));
}

RecurrentOutput RNN::operator()(const Var& x, const Var& initial, const Tensor& lengths,
                                const Tensor& h_factors) const {
  const ErrorFrame frame = enter();
  RecurrentOutput output = rnn(x, initial, weights_, activation_, lengths, h_factors);
  note("lengths", lengths);
  note("hs", output.hs);
  note("h", output.state);
  return output;
}

}  // namespace heed
