// RecurrentSeq2seq: any of the recurrent encoders and decoders with attention that the literature has.
//
// B sequences, S source steps, T target steps, V vocabulary. The models by name are in recurrent_presets.h.
#pragma once

#include "layers/decoding.h"
#include "layers/recurrent_decoder.h"

namespace heed {

/// An encoder and a decoder of the parts that the configuration puts together; parts `encoder` and `decoder`.
///
///   RecurrentSeq2seq model(gnmt({.vocabulary = 60, .hidden = 128}), rng);
///   Var scores = model(batch.source, batch.target_in, &rng);
///
/// Attention weights are always in the order of the source. AttentionMaps has them as "decoder.attention", in a
/// tensor a step where a step depends on what the one before looked at (input feeding, coverage, attention
/// below the layers), which is in training too, else in one for all.
class RecurrentSeq2seq : public Module {
 public:
  /// Throws ConfigError unless sizes are at least 1, there are two layers for attention to stand between, and
  /// the coverage loss does not count negatively; and as ScoredAttention and RecurrentStack, of which the score
  /// must take states of the widths that there are.
  RecurrentSeq2seq(const RecurrentSeq2seqConfig& config, Rng& rng);

  /// Scores [B, T, V] of the next id at each step, the targets so far being given (teacher forcing); those of a
  /// model that copies are logarithms of probabilities. In training with dropout the generator for it must be
  /// given. Throws IndexError for an id outside the vocabulary, ShapeError when the batches differ, ConfigError
  /// when a generator is missing.
  Var operator()(const Tokens& source, const Tokens& target_in, Rng* dropout_rng = nullptr) const;
  /// The same with the attention weights, and what training adds to the loss of the scores.
  struct Forward {
    Var scores;
    Tensor weights;      ///< [B, T, S]
    Var auxiliary_loss;  ///< coverage_weight times coverage_loss(), a scalar; undefined without coverage
  };
  Forward with_attention(const Tokens& source, const Tokens& target_in, Rng* dropout_rng = nullptr) const;

  /// The state before the first step, a row a source (step.h).
  using State = RecurrentSeq2seqState;
  State start(const Tokens& source) const;
  /// Scores of the next id from the last ones, ids [N] (i32), and weights; moves the state on. Differentiable,
  /// so that a model can be trained on ids of its own. This and start() throw ConfigError in training with
  /// dropout: call eval(). Throws IndexError for an id outside the vocabulary, ShapeError unless there is an id
  /// a sequence.
  Step step(const Tensor& ids, State& state) const;

  /// greedy(): the most probable next id again and again.
  std::vector<Generated> generate(const Tokens& source, const GenerateOptions& options = {}) const;
  Generated generate(const std::vector<std::int32_t>& source, const GenerateOptions& options = {}) const;

  /// As given, and what was not given as it is.
  const RecurrentSeq2seqConfig& config() const { return config_; }

 private:
  RecurrentSeq2seqConfig config_;
  RecurrentEncoder encoder_;
  RecurrentDecoder decoder_;
};

}  // namespace heed
