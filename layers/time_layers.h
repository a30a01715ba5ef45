// The book's layers over a whole sequence, under the book's names and with its initial values.
//
// Source: "Deep Learning from Scratch 2", chapters 5 to 7. B sequences, T steps.
#pragma once

#include <utility>

#include "layers/embedding.h"
#include "layers/gru.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "layers/rnn.h"

namespace heed {

/// ids [B, T] -> [B, T, width]; `weight` [rows, width] is normal with deviation 0.01.
class TimeEmbedding : public Embedding {
 public:
  TimeEmbedding(std::int64_t rows, std::int64_t width, Rng& rng);
};

/// x [B, T, in] -> [B, T, out]; `weight` [in, out] is normal with deviation 1 / sqrt(in), `bias` 0.
class TimeAffine : public Linear {
 public:
  TimeAffine(std::int64_t in, std::int64_t out, Rng& rng);
};

/// A cell that keeps a state, the only layers that do, because the book's do: when stateful, each call goes on
/// from where the last one ended (the values, not the gradients: truncated backpropagation through time).
template <class Cell>
class TimeCell : public Cell {
 public:
  using State = typename Cell::State;

  /// hs [B, T, hidden] of a call that goes on from the kept state; keeps the last state when stateful.
  Var operator()(const Var& x);
  /// One explicit pass, as the cell alone; the kept state takes no part.
  using Cell::operator();

  /// The state that the next call starts from, h or, of an LSTM, h and c; what is undefined stands for zeros.
  template <class... Parts>
  void set_state(const Parts&... parts) {
    state_ = State{parts...};
  }
  void reset_state() { state_ = {}; }
  const State& kept_state() const { return state_; }

 protected:
  template <class... Arguments>
  explicit TimeCell(bool stateful, Arguments&&... arguments)
      : Cell(std::forward<Arguments>(arguments)...), stateful_(stateful) {}

 private:
  State state_;
  bool stateful_;
};

extern template class TimeCell<RNN>;
extern template class TimeCell<GRU>;
extern template class TimeCell<LSTM>;

/// x [B, T, in] -> hs [B, T, hidden]:  h = tanh(x Wx + h Wh + b). `wx` is normal with deviation 1 / sqrt(in),
/// `wh` 1 / sqrt(hidden), `bias` 0.
class TimeRNN : public TimeCell<RNN> {
 public:
  TimeRNN(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful = false);
};

/// x [B, T, in] -> hs [B, T, hidden]; `wx` is normal with deviation 1 / sqrt(in), `wh` 1 / sqrt(hidden), `bias`
/// 0.
class TimeLSTM : public TimeCell<LSTM> {
 public:
  TimeLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful = false);
};

/// x [B, T, in] -> hs [B, T, hidden], the book's GRU: the gate resets before the product, and z takes the
/// candidate. Initial values as of TimeLSTM.
class TimeGRU : public TimeCell<GRU> {
 public:
  TimeGRU(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful = false);
};

/// x [B, T, in] -> hs [B, T, 2 hidden]: a TimeLSTM that reads forwards, part `forward`, beside one that reads
/// each sequence from its last real step, part `backward` (the book's chapter 8).
class TimeBiLSTM : public Module {
 public:
  TimeBiLSTM(std::int64_t in, std::int64_t hidden, Rng& rng);
  /// `lengths` [B] (i32), undefined when all are T long; outputs are 0 on padding.
  Var operator()(const Var& x, const Tensor& lengths = {}) const;

 private:
  TimeLSTM forward_, backward_;
};

/// Mean cross-entropy of all steps:  x [B, T, V], ids [B, T] -> scalar; steps with id -1 do not count.
class TimeSoftmaxWithLoss : public Module {
 public:
  TimeSoftmaxWithLoss() : Module("TimeSoftmaxWithLoss") {}
  Var operator()(const Var& x, const Tensor& ids) const;
};

}  // namespace heed
