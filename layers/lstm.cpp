#include "layers/lstm.h"

#include "layers/init.h"

namespace heed {

LSTM::LSTM(std::int64_t in, std::int64_t hidden, Rng& rng) : Module(text("LSTM ", in, " -> ", hidden)) {
  weights_.wx = register_parameter("wx", init::scaled_uniform({in, 4 * hidden}, hidden, rng));
  weights_.wh = register_parameter("wh", init::scaled_uniform({hidden, 4 * hidden}, hidden, rng));
  weights_.bias = register_parameter("bias", init::scaled_uniform({4 * hidden}, hidden, rng));
}

LSTM::LSTM(std::string kind, Tensor wx, Tensor wh, Tensor bias)
    : Module(text(kind, " ", wx.extent(0), " -> ", wh.extent(0))) {
  weights_.wx = register_parameter("wx", std::move(wx));
  weights_.wh = register_parameter("wh", std::move(wh));
  weights_.bias = register_parameter("bias", std::move(bias));
}

LstmOutput LSTM::operator()(const Var& x, const LstmState& initial, const Tensor& lengths) const {
  const ErrorFrame frame = enter();
  return lstm(x, initial, weights_, lengths);
}

}  // namespace heed
