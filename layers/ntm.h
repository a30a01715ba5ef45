// NTM: the Neural Turing Machine, a network with a memory that it reads and writes by attention.
//
// Source: Graves, Wayne and Danihelka 2014. B sequences, T steps, H heads (the reading ones first, then the
// writing ones), N rows of the memory, M their width.
#pragma once

#include <optional>

#include "layers/linear.h"
#include "layers/lstm.h"
#include "layers/ntm_memory.h"

namespace heed {

enum class NtmController {
  lstm,         ///< has a state of its own
  feed_forward  ///< tanh of a Linear: all that it remembers is in the memory
};

struct NtmConfig {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t rows = 128;    ///< N
  std::int64_t width = 20;    ///< M
  std::int64_t hidden = 100;  ///< of the controller
  NtmController controller = NtmController::lstm;
  std::int64_t read_heads = 1;
  std::int64_t write_heads = 1;
  std::int64_t shift = 1;  ///< k: in a step a head moves by at most so many rows
};

/// Where a machine is in its sequences: a value.
struct NtmState {
  Var memory;            ///< [B, N, M]
  Var weights;           ///< [B, H, N]: of each head in the last step
  Var reads;             ///< [B, reading heads, M]: what they read there
  LstmState controller;  ///< undefined before the first step, and without an LSTM

  /// Keeps those sequences in that order: rows [B'] (i32). Gradients flow through. Throws IndexError for a row
  /// that there is not.
  void select(const Tensor& rows);
  std::int64_t rows() const { return memory.extent(0); }
};

/// The same state cut off from the graph that made it (autograd/truncate.h).
NtmState detached(const NtmState& state);

struct NtmOutput {
  Var y;           ///< [B, T, out]
  NtmState state;  ///< after the last step
};

/// x [B, T, in] -> y [B, T, out] and the state. In each step the controller sees x_t and what was read the step
/// before; from its output h come the addresses of all heads and what the writing ones erase and add; those
/// write, then the reading ones read what the memory has become, r; and y_t is a linear map of h and r.
///
/// Parts `controller` (LSTM, or Linear), `heads` (Linear hidden -> what addresses are made of), `out` (Linear).
/// What is erased and gates go through sigmoid, β through softplus, γ through 1 + softplus; keys and what is
/// added are as they come.
///
/// Before the first step the memory holds 1e-6 everywhere (of constant, learnt and random beginnings the one
/// that learns fastest: Collier and Beel 2018, "Implementing Neural Turing Machines") and all heads stand on
/// its first row. Nothing of that is learnt, so no parameter depends on N: a trained machine runs with any
/// memory. What is read and where is told by with_weights(), and by AttentionMaps, as [B, H, T, N].
class NTM : public Module {
 public:
  /// Throws ConfigError unless all sizes are at least 1 and shift at least 0.
  NTM(const NtmConfig& config, Rng& rng);

  /// Goes on from a state, or begins when that is undefined. Throws ShapeError unless x is [B, T, in] with
  /// T >= 1 and the state fits.
  NtmOutput operator()(const Var& x, const NtmState& initial = {}) const;
  /// The same with the weighting of every head in every step, [B, H, T, N].
  struct Forward {
    NtmOutput output;
    Tensor weights;
  };
  Forward with_weights(const Var& x, const NtmState& initial = {}) const;

  /// The state before the first step.
  NtmState start(std::int64_t sequences, DType dtype = DType::f32) const;
  const NtmConfig& config() const { return config_; }

 private:
  struct Emitted;
  Emitted emit(const Var& h) const;
  Var control(const Var& x, LstmState& state) const;
  Var step(const Var& x, NtmState& state) const;
  void require_fit(const Var& x, const NtmState& state) const;

  NtmConfig config_;
  std::optional<LSTM> lstm_;
  std::optional<Linear> feed_forward_;
  Linear heads_, out_;
};

}  // namespace heed
