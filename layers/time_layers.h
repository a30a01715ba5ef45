// The book's layers over a whole sequence, under the book's names and with its initial values.
//
// Source: "Deep Learning from Scratch 2", chapters 5 to 7. B sequences, T steps.
#pragma once

#include "layers/embedding.h"
#include "layers/linear.h"
#include "layers/lstm.h"

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

/// x [B, T, in] -> hs [B, T, hidden]; the one layer that keeps a state, because the book's does: when stateful,
/// each call goes on from where the last one ended (the values, not the gradients: truncated backpropagation
/// through time). `wx` is normal with deviation 1 / sqrt(in), `wh` 1 / sqrt(hidden), `bias` 0.
class TimeLSTM : public LSTM {
 public:
  TimeLSTM(std::int64_t in, std::int64_t hidden, Rng& rng, bool stateful = false);

  /// hs [B, T, hidden] of a call that goes on from the kept state; keeps the last state when stateful.
  Var operator()(const Var& x);
  /// One explicit pass, as LSTM; the kept state takes no part.
  using LSTM::operator();

  /// The state that the next call starts from; undefined stands for zeros.
  void set_state(const Var& h, const Var& c = {}) { state_ = {h, c}; }
  void reset_state() { state_ = {}; }
  const LstmState& kept_state() const { return state_; }

 private:
  LstmState state_;
  bool stateful_;
};

/// Mean cross-entropy of all steps:  x [B, T, V], ids [B, T] -> scalar; steps with id -1 do not count.
class TimeSoftmaxWithLoss : public Module {
 public:
  TimeSoftmaxWithLoss() : Module("TimeSoftmaxWithLoss") {}
  Var operator()(const Var& x, const Tensor& ids) const;
};

}  // namespace heed
