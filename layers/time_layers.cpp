#include "layers/time_layers.h"

#include "autograd/ops/softmax.h"
#include "layers/init.h"

namespace heed {

TimeEmbedding::TimeEmbedding(std::int64_t rows, std::int64_t width, Rng& rng)
    : Embedding("TimeEmbedding", rows, width, 0.01, rng) {}

TimeAffine::TimeAffine(std::int64_t in, std::int64_t out, Rng& rng)
    : Linear("TimeAffine", init::scaled_normal({in, out}, in, rng), Tensor::zeros({out})) {}

TimeLSTM::TimeLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful)
    : LSTM("TimeLSTM", init::scaled_normal({in, 4 * hidden}, in, rng),
           init::scaled_normal({hidden, 4 * hidden}, hidden, rng), Tensor::zeros({4 * hidden})),
      stateful_(stateful) {}

Var TimeLSTM::operator()(const Var& x) {
  const LstmOutput output = LSTM::operator()(x, state_);
  state_ = stateful_ ? LstmState{output.state.h.detach(), output.state.c.detach()} : LstmState{};
  return output.hs;
}

Var TimeSoftmaxWithLoss::operator()(const Var& x, const Tensor& ids) const {
  const ErrorFrame frame = enter();
  return cross_entropy(x, ids);
}

}  // namespace heed
