#include "layers/time_layers.h"

#include "autograd/ops/losses.h"
#include "autograd/ops/recurrent.h"
#include "autograd/ops/shape.h"
#include "autograd/truncate.h"
#include "layers/init.h"

namespace heed {

TimeEmbedding::TimeEmbedding(std::int64_t rows, std::int64_t width, Rng& rng)
    : Embedding("TimeEmbedding", rows, width, 0.01, rng) {}

TimeAffine::TimeAffine(std::int64_t in, std::int64_t out, Rng& rng)
    : Linear("TimeAffine", init::scaled_normal({in, out}, in, rng), Tensor::zeros({out})) {}

template <class Cell>
Var TimeCell<Cell>::operator()(const Var& x) {
  const auto output = Cell::operator()(x, state_);
  state_ = stateful_ ? detached(output.state) : State{};
  return output.hs;
}

template class TimeCell<RNN>;
template class TimeCell<GRU>;
template class TimeCell<LSTM>;

TimeRNN::TimeRNN(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful)
    : TimeCell(stateful, "TimeRNN", CellTensors::scaled_normal(in, hidden, 1, rng), RnnActivation::tanh) {}

TimeLSTM::TimeLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful)
    : TimeCell(stateful, "TimeLSTM", CellTensors::scaled_normal(in, hidden, 4, rng)) {}

TimeGRU::TimeGRU(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful)
    : TimeCell(stateful, "TimeGRU", CellTensors::scaled_normal(in, hidden, 3, rng),
               GruVariant{ResetGate::before_product, UpdateGate::takes_candidate}) {}

TimeBiLSTM::TimeBiLSTM(std::int64_t in, std::int64_t hidden, Rng& rng)
    : Module(text("TimeBiLSTM ", in, " -> ", 2 * hidden)),
      forward_(in, hidden, rng),
      backward_(in, hidden, rng) {
  register_module("forward", forward_);
  register_module("backward", backward_);
}

Var TimeBiLSTM::operator()(const Var& x, const Tensor& lengths) const {
  const ErrorFrame frame = enter();
  const Var hs_back = backward_(reverse_sequences(x, lengths), {}, lengths).hs;
  return note("hs", concat({forward_(x, {}, lengths).hs, reverse_sequences(hs_back, lengths)}, -1));
}

Var TimeSoftmaxWithLoss::operator()(const Var& x, const Tensor& ids) const {
  const ErrorFrame frame = enter();
  return cross_entropy(x, ids);
}

}  // namespace heed
