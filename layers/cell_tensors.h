// The weights of one recurrent cell as plain tensors: what cells start from, and what converters turn over.
#pragma once

#include "core/tensor.h"

namespace heed {

/// One cell, in one layer and direction; with `gates` times H columns (1 for an RNN, 3 for a GRU, 4 for an
/// LSTM).
struct CellTensors {
  Tensor wx;              ///< [D, gates H]
  Tensor wh;              ///< [H, gates H]
  Tensor bias;            ///< [gates H]
  Tensor recurrent_bias;  ///< [H], of a GRU that resets after the product; else undefined

  /// All uniform within 1 / sqrt(hidden), as PyTorch's.
  static CellTensors uniform(std::int64_t in, std::int64_t hidden, std::int64_t gates, Rng& rng,
                             bool recurrent_bias = false);
  /// The book's: normal with deviation 1 / sqrt(in) and 1 / sqrt(hidden), `wh` drawn first, and a bias of 0.
  static CellTensors scaled_normal(std::int64_t in, std::int64_t hidden, std::int64_t gates, Rng& rng);

  /// Under the names that the layers have: prefix + "wx", "wh", "bias", "recurrent_bias".
  NamedTensors named(const std::string& prefix = {}) const;
};

}  // namespace heed
