// What attention weights say in numbers: how widely a head looks, where, and what reaches a position through
// all layers.
//
// H heads, T rows (the positions that look), S columns (the places that are looked at). Weights are those of
// AttentionMaps: each row sums to 1, or to 0 where there is nothing to attend to. All results are f64.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace heed {

enum class EntropyUnit { nats, bits };

/// The entropy -sum w log w of each row, [..., S] -> [...]: 0 for a look at one place, log S for an even one.
/// A row whose sum is not 1 (a window's bell takes some) counts as divided by it; one that is all 0 looks
/// nowhere, and gives NaN. Throws ShapeError for a scalar, DTypeError unless the weights are f32 or f64.
Tensor attention_entropy(const Tensor& weights, EntropyUnit unit = EntropyUnit::nats);

/// In how many places a row looks, [..., S] -> [...]: the number of places of an even look with its entropy,
/// from 1 to S (the perplexity of the row). NaN and errors as attention_entropy().
Tensor effective_places(const Tensor& weights);

/// What one head does, on average over its rows that look somewhere. Shares are of a row's weight.
struct HeadStatistics {
  std::int64_t rows = 0;  ///< that look somewhere; when there is none all else is 0
  double entropy = 0;     ///< in nats
  /// Entropy divided by that of an even look at the row's places with any weight, in [0, 1]; over the rows that
  /// have several of them.
  double evenness = 0;
  double places = 0;                        ///< effective_places()
  double largest = 0;                       ///< the greatest weight of the row
  double distance = 0;                      ///< from the row's number to the places', in steps
  double same = 0, previous = 0, next = 0;  ///< share of the place of the row's number, one before, one after
  double first = 0, last = 0;               ///< share of the first and of the last place
  /// Correlation of the row's number with its mean place, in [-1, 1]; 0 where one of them does not vary.
  double alignment = 0;
};
/// One a head of weights [H, T, S]. Throws ShapeError for another rank, and as attention_entropy().
std::vector<HeadStatistics> head_statistics(const Tensor& weights);

/// A few words on where a head looks: "the place before", "forward, step by step", "evenly", "about 3 places".
std::string where_it_looks(const HeadStatistics& head);

/// How alike heads look, weights [H, T, S] -> [H, H]: 1 less the Jensen-Shannon divergence (in bits) of their
/// rows, on average over rows in which both look somewhere; 1 for the same, 0 when they share no place, NaN
/// without such rows. Throws as head_statistics().
Tensor head_agreement(const Tensor& weights);

struct RolloutOptions {
  double residual = 0.5;  ///< share of a position's own content that each attention keeps, in [0, 1)
};

/// How much of each input has reached each position after each layer, if all mix by attention alone (Abnar and
/// Zuidema 2020, "Quantifying attention flow in transformers"): layers [H, T, T] -> [T, T] each,
///
///   R_0 = 1,   R_l = (residual 1 + (1 - residual) A_l) R_(l-1),   A_l: the mean over the heads
///
/// Rows sum to 1: a row of A_l is divided by its sum, and a position that looks nowhere keeps what it has.
/// Throws ShapeError unless all layers have one T, ConfigError for a residual out of range.
std::vector<Tensor> attention_rollout(const std::vector<Tensor>& layers, const RolloutOptions& options = {});

/// The same through a decoder, whose positions are made of its own inputs and of the source's.
struct DecoderRollout {
  std::vector<Tensor> target;  ///< [T, T] after each layer
  std::vector<Tensor> source;  ///< [T, S]; rows of both together sum to 1
};
/// self [H, T, T] and cross [H, T, S], one of each a layer, in which self-attention comes first; `encoder`
/// [S, S] is what each encoder state is made of, the last of attention_rollout(), each of its own place when
/// undefined. Throws ShapeError unless all fit together, ConfigError for a residual out of range.
DecoderRollout decoder_rollout(const std::vector<Tensor>& self, const std::vector<Tensor>& cross,
                               const Tensor& encoder = {}, const RolloutOptions& options = {});

}  // namespace heed
