// RecurrentEncoder: the half of a RecurrentSeq2seq that reads.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "core/tokens.h"
#include "layers/embedding.h"
#include "layers/recurrent_seq2seq_config.h"
#include "layers/stack_of_cells.h"

namespace heed {

/// Embedding and layers of cells over the source, in the ways that the configuration names:
///
///   source [B, S]   ->   hs [B, S, width], in the order of the source however it is read, and a state for each
///                        layer of a decoder with as many
///
/// A decoder's layer starts from where the encoder's of the same height ends, and where that reads both ways
/// from both ends: h = tanh of a Linear of both, of LSTMs c, which has no bounds, a Linear alone (the bridge).
/// Parts `embed`; `lower`, all layers or the first one that reads both ways, and then `upper`; `bridge_h_0`,
/// `bridge_c_0`, … of the layers that have one.
class RecurrentEncoder : public Module {
 public:
  struct Output {
    Var hs;                         ///< [B, S, width], 0 on padding
    std::vector<LstmState> states;  ///< of each layer [B, hidden]
  };

  RecurrentEncoder(const RecurrentSeq2seqConfig& config, Rng& rng);
  /// Throws IndexError for an id outside the vocabulary, ConfigError in training with dropout without an Rng.
  Output operator()(const Tokens& source, Rng* rng = nullptr) const;
  /// Of hs.
  std::int64_t width() const;

 private:
  bool reverses_source_;
  Embedding embed_;
  StackOfCells lower_;
  std::optional<StackOfCells> upper_;
  std::deque<Linear> bridges_h_, bridges_c_;  // of the layers of lower_, when these read both ways
};

}  // namespace heed
