// Small models with faults planted in them, for programs that find them.
#pragma once

#include <cmath>
#include <deque>
#include <string>
#include <type_traits>

#include "autograd/ops.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "layers/rnn.h"

namespace heed::programs {

/// Reads a sequence with a recurrent cell and says at its end of which of two kinds it was: x [B, T, 2] ->
/// scores [B, 2]. An RNN forgets by its nature; an LSTM starts with open forget gates (their bias 4, Gers et
/// al. 2000).
template <class Cell>
class Reader : public Module {
 public:
  Reader(const char* name, std::int64_t hidden, Rng& rng)
      : Module(name), cell_(2, hidden, rng), out_(hidden, 2, rng) {
    register_module("cell", cell_);
    register_module("out", out_);
    if constexpr (std::is_same_v<Cell, LSTM>) cell_.parameters()[2].mutable_value().slice(0, 0, hidden).fill(4);
  }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return out_(hidden_of(cell_(x).state));
  }

 private:
  static const Var& hidden_of(const LstmState& state) { return state.h; }
  static const Var& hidden_of(const Var& state) { return state; }

  Cell cell_;
  Linear out_;
};

/// Maps with a sigmoid or a relu after each, then scores: x [B, 2] -> [B, 2]. The gradient of a sigmoid is at
/// most 1/4, so that little of it is left behind a few of them.
class DeepNet : public Module {
 public:
  DeepNet(int layers, bool rectified, std::int64_t hidden, Rng& rng)
      : Module("DeepNet"), rectified_(rectified), out_(hidden, 2, rng) {
    for (int i = 0; i < layers; ++i)
      register_module(std::to_string(i), maps_.emplace_back(i == 0 ? 2 : hidden, hidden, rng));
    register_module("out", out_);
    if (!rectified) return;
    for (const Linear& map :
         maps_) {  // as large as relus need them, so that no unit starts dead (He et al. 2015)
      scale(map.parameters()[0].mutable_value(), std::sqrt(6.0));
      map.parameters()[1].mutable_value().fill(0);
    }
  }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    Var y = x;
    for (const Linear& map : maps_) y = rectified_ ? relu(map(y)) : sigmoid(map(y));
    return out_(y);
  }
  /// Gives the first units of a layer a bias far below 0, as one step with too large a learning rate does:
  /// their relu is 0 whatever comes in.
  void kill_units(std::size_t layer, std::int64_t units) {
    maps_[layer].parameters()[1].mutable_value().slice(0, 0, units).fill(-10);
  }

 private:
  bool rectified_;
  std::deque<Linear> maps_;
  Linear out_;
};

enum class Fault {
  log_of_zero,   ///< x log x of what a relu let through: −∞ in the forward pass
  root_of_zero,  ///< the length of vectors that are 0: right forward, but the root has no slope there
};

/// A model whose fault is three modules down, in part "head.measure": x [B, 2] -> a scalar.
class FaultyModel : public Module {
 public:
  FaultyModel(Fault fault, Rng& rng) : Module("FaultyModel"), head_(fault, rng) {
    register_module("head", head_);
  }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return head_(x);
  }

 private:
  struct Measure : Module {
    explicit Measure(Fault its_fault) : Module("Measure"), fault(its_fault) {}
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return fault == Fault::log_of_zero ? mean(x * log(x)) : mean(sqrt(sum(square(x), -1)));
    }
    Fault fault;
  };
  struct Head : Module {
    Head(Fault fault, Rng& rng) : Module("Head"), map(2, 4, rng), measure(fault) {
      register_module("map", map);
      register_module("measure", measure);
    }
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      const Var y = map(x);
      return measure(measure.fault == Fault::log_of_zero ? relu(y) : y - map(x));
    }
    Linear map;
    Measure measure;
  };
  Head head_;
};

}  // namespace heed::programs
