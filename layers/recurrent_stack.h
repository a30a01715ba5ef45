// RecurrentStack: recurrent layers one upon the other, in one direction or both.
#pragma once

#include <deque>
#include <vector>

#include "layers/gru.h"
#include "layers/layer_norm_lstm.h"
#include "layers/lstm.h"
#include "layers/rnn.h"

namespace heed {

struct StackConfig {
  std::int64_t in = 0;
  std::int64_t hidden = 0;  ///< of each direction
  std::int64_t layers = 1;
  std::int64_t context = 0;    ///< width of what every layer is given beside what comes to it (GNMT)
  bool bidirectional = false;  ///< a second cell in each layer reads each sequence from its last real step
  bool residual = false;     ///< from the second layer on, what comes to a layer is added to its output (GNMT)
  double input_dropout = 0;  ///< of x, in training
  double dropout = 0;        ///< of what goes from one layer to the next, in training
  bool variational = false;  ///< dropout takes one mask for all steps of a sequence (Gal and Ghahramani 2016)
  double recurrent_dropout = 0;  ///< of the state where it meets Wh, in training; always one mask for all steps

  std::int64_t directions() const { return bidirectional ? 2 : 1; }
};

/// Layers of cells (RNN, GRU, LSTM or LayerNormLSTM):  x [B, T, in] -> hs [B, T, directions hidden], the last
/// layer's, forward beside backward. Padding is in no direction read, written or differentiated. Parts `0`,
/// `1`, … and, for the way back, `0_reverse`, `1_reverse`, …: PyTorch's layers, whose weights from_pytorch()
/// converts.
template <class Cell>
class RecurrentStack : public Module {
 public:
  using State = typename Cell::State;
  struct Output {
    Var hs;  ///< [B, T, directions hidden], 0 on padding
    std::vector<State>
        states;  ///< of each layer and direction at the sequences' ends, in the order of the parts
  };

  /// What else a cell takes (a GruVariant, say) comes last. Throws ConfigError unless there is a layer and
  /// probabilities are in [0, 1).
  template <class... CellOptions>
  RecurrentStack(const StackConfig& config, Rng& rng, const CellOptions&... options);

  /// `initial` holds a state for each layer and direction in the order of the parts, undefined ones for zeros;
  /// empty for all zeros. `lengths` [B] (i32), undefined when all are T long. `rng` is for dropout: ConfigError
  /// in training without one, and for another number of states. It draws layer by layer: the mask of what comes
  /// to the layer, then that of the state for each direction. `context` [B, T, context], where layers are given
  /// one; it is no part of what a residual layer adds.
  Output operator()(const Var& x, const std::vector<State>& initial = {}, const Tensor& lengths = {},
                    Rng* rng = nullptr, const Var& context = {}) const;
  const StackConfig& config() const { return config_; }

 private:
  StackConfig config_;
  std::deque<Cell> cells_;
};

/// Throws ConfigError unless there is a layer and probabilities are in [0, 1).
const StackConfig& checked(const StackConfig& config);
std::string description_of(const StackConfig& config);

template <class Cell>
template <class... CellOptions>
RecurrentStack<Cell>::RecurrentStack(const StackConfig& config, Rng& rng, const CellOptions&... options)
    : Module(description_of(checked(config))), config_(config) {
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    for (const char* const direction : {"", "_reverse"}) {
      if (*direction != '\0' && !config.bidirectional) continue;
      const std::int64_t in = layer == 0 ? config.in : config.directions() * config.hidden;
      register_module(text(layer, direction),
                      cells_.emplace_back(in + config.context, config.hidden, rng, options...));
    }
}

extern template class RecurrentStack<RNN>;
extern template class RecurrentStack<GRU>;
extern template class RecurrentStack<LSTM>;
extern template class RecurrentStack<LayerNormLSTM>;

}  // namespace heed
