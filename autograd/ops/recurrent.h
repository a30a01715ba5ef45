// What recurrent cells share: the way through time step by step, and sequences read from their ends.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"

namespace heed {

/// What a cell with one state gives.
struct RecurrentOutput {
  Var hs;     ///< [B, T, H]: the state after each step, 0 on padding
  Var state;  ///< [B, H]: the state after the last real step of each sequence
};

/// Each sequence from its last real step to its first; padding stays where it is.
///
///   x [B, T, ...]   lengths [B] (i32), undefined when all are T long   ->   y [B, T, ...]
///   dx = dy reversed in the same way
///
/// Throws ShapeError unless x has a batch and a time axis and the lengths fit, IndexError for a length outside
/// [0, T].
Var reverse_sequences(const Var& x, const Tensor& lengths, SourceLocation at = {});

/// The value of an operand that may be left out.
inline Tensor value_or_none(const Var& var) { return var.defined() ? var.value() : Tensor(); }

namespace definition {

/// x [B, T, D] with 0 on padding, so that nothing that stands there counts; x itself without lengths.
Var without_padding(const Var& x, const Tensor& lengths);

/// The state as it meets Wh: h [B, H] by the factors of its dropout, h itself where they are undefined.
inline Var dropped(const Var& h, const Tensor& h_factors) {
  return h_factors.defined() ? h * Var(h_factors) : h;
}

template <std::size_t N>
struct Unrolled {
  Var hs;                     ///< [B, T, H]: the first state after each step, 0 on padding
  std::array<Var, N> states;  ///< [B, H] each, after the last real step of each sequence
};

/// A recurrence written out: next states = step(x_t [B, D], states [B, H]) for each step, from states that are
/// zeros where undefined.
template <std::size_t N, class Step>
Unrolled<N> unroll(const Var& x, std::array<Var, N> states, std::int64_t hidden, const Tensor& lengths,
                   Step step) {
  const Var zeros(Tensor::zeros({x.extent(0), hidden}, x.dtype()));
  for (Var& state : states)
    if (!state.defined()) state = zeros;
  std::vector<Var> hs;
  for (std::int64_t t = 0; t < x.extent(1); ++t) {
    std::array<Var, N> next = step(select(x, 1, t), std::as_const(states));
    if (!lengths.defined()) {
      states = std::move(next);
      hs.push_back(states[0]);
    } else {
      const Tensor real =
          less(Tensor::scalar(static_cast<double>(t), DType::i32), lengths).unsqueeze(1);  // [B, 1]
      for (std::size_t i = 0; i < N; ++i) states[i] = where(real, next[i], states[i]);
      hs.push_back(where(real, next[0], zeros));
    }
  }
  if (hs.empty()) return {Var(Tensor::zeros({x.extent(0), 0, hidden}, x.dtype())), states};
  return {stack(hs, 1), states};
}

}  // namespace definition

}  // namespace heed
