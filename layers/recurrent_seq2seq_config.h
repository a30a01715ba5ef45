// What a RecurrentSeq2seq is made of.
#pragma once

#include <cstdint>
#include <optional>

#include "layers/gate_orders.h"
#include "layers/scored_attention.h"

namespace heed {

/// Which ways the layers of an encoder read.
enum class EncoderWays {
  one,           ///< all one way
  both,          ///< all both ways
  both_at_first  ///< the first layer both ways, those above it one way (GNMT)
};

/// Where attention stands in a decoder.
enum class AttentionPlace {
  below,  ///< before the layers: the top layer's last state asks, the context joins the step's input (Bahdanau)
  between,  ///< behind the first layer, which asks; every layer above is given the context (GNMT)
  above     ///< behind all layers: the output of the top one asks (Luong; the book)
};

/// What the scores of the next id are a linear map of: the top layer's output h and the context c.
enum class Readout {
  state,       ///< h
  joined,      ///< [c, h]
  attentional  ///< tanh([c, h] W): the attentional state of Luong et al.
};

/// The parts of the models in recurrent_presets.h, to be put together at will.
struct RecurrentSeq2seqConfig {
  std::int64_t vocabulary = 0;  ///< ids of sources and targets are in [0, vocabulary)
  std::int64_t embedding = 16;
  std::int64_t hidden = 256;                ///< of each layer, and direction
  std::optional<std::int64_t> layers = {};  ///< of the encoder, and of the decoder; 1 when not given
  CellKind cell = CellKind::lstm;
  /// From the second layer on, what comes to a layer is added to its output; from the third where the first one
  /// stands apart (both_at_first, between).
  bool residual = false;
  double input_dropout = 0;  ///< of what comes to the first layers, in training
  double dropout = 0;        ///< of what goes from one layer to the next, in training
  bool variational = false;  ///< dropout takes one mask for all steps of a sequence (Gal and Ghahramani 2016)

  EncoderWays ways = EncoderWays::one;
  bool reverse_source = true;  ///< the encoder reads from the end, so that first letters are near each other

  AttentionPlace place = AttentionPlace::above;
  std::optional<ScoreKind> score = {};  ///< dot when not given
  std::int64_t window = 0;              ///< of local attention, as of ScoredAttentionConfig
  Readout readout = Readout::joined;
  /// The attentional state of a step, or without one its context, is joined to the next step's input.
  bool input_feeding = false;
  bool coverage = false;       ///< what the steps before have given each source enters its score
  double coverage_weight = 1;  ///< of the coverage loss beside that of the scores
  /// The next id is chosen from the vocabulary or copied from where the attention looks (pointer-generator).
  bool copy = false;

  std::int32_t start = 1;  ///< id that generation starts from
  std::int32_t end = 2;    ///< id that ends it; below 0: only the length does

  std::int64_t layer_count() const { return layers.value_or(1); }
  ScoreKind score_kind() const { return score.value_or(ScoreKind::dot); }
};

}  // namespace heed
