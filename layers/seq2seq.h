// Sequence to sequence: an encoder reads, a decoder writes. Plain, Peeky and with attention.
//
// Source: "Deep Learning from Scratch 2", chapters 7 and 8; but embeddings start standard normal, where the
// book's start a hundred times smaller, which makes the attention model slow to find where to look. B
// sequences, S source steps, T target steps, H hidden, E embedding, V vocabulary.
#pragma once

#include <vector>

#include "core/mask.h"
#include "core/tokens.h"
#include "layers/attention.h"
#include "layers/decoding.h"
#include "layers/time_layers.h"

namespace heed {

struct Seq2seqConfig {
  std::int64_t vocabulary = 0;  ///< ids of sources and targets are in [0, vocabulary)
  std::int64_t embedding = 16;
  std::int64_t hidden = 256;
  bool reverse_source = true;  ///< the encoder reads from the end, so that first letters are near each other
  std::int32_t start = 1;      ///< id that generation starts from
  std::int32_t end = 2;        ///< id that ends it; below 0: only the length does
};

/// What the decoder knows of the source.
struct Encoded {
  Var hs;     ///< [B, S, H]: all states, in the order in which they were read
  Var h;      ///< [B, H]: the last one
  Mask mask;  ///< the real positions of S, for attention [B, 1, S]
};

/// Some steps of the decoder.
struct Decoded {
  Var scores;       ///< [B, T, V]
  Var weights;      ///< [B, T, S] in the order in which the source was read; undefined without attention
  LstmState state;  ///< after the last step: where the next call goes on
};

/// Where a decoder is in its sequences: what it still reads of their sources, and its LSTM's state.
struct Seq2seqState {
  Encoded encoded;
  LstmState lstm;
  std::vector<std::int32_t> sources;  ///< which source each sequence is written from

  /// Keeps those sequences in that order: rows [N] (i32). Gradients flow through. Throws IndexError for a row
  /// that there is not.
  void select(const Tensor& rows);
  std::int64_t rows() const { return static_cast<std::int64_t>(sources.size()); }
};

/// The same state cut off from the graph that made it (autograd/truncate.h).
Seq2seqState detached(const Seq2seqState& state);

/// Embedding and LSTM over the source.
class Encoder : public Module {
 public:
  Encoder(const Seq2seqConfig& config, Rng& rng);
  Encoded operator()(const Tokens& source) const;

 private:
  Embedding embed_;
  TimeLSTM lstm_;
};

/// Embedding, LSTM that starts from the encoder's last state, affine map.
class Decoder : public Module {
 public:
  Decoder(const Seq2seqConfig& config, Rng& rng);
  /// ids [B, T]: the targets so far (in training all at once, in generation one step a call).
  Decoded operator()(const Tensor& ids, const Encoded& encoded, const LstmState& state) const;
  /// The part of `encoded` that operator() reads.
  static Encoded read_part(const Encoded&) { return {}; }

 private:
  Embedding embed_;
  TimeLSTM lstm_;
  TimeAffine affine_;
};

/// As Decoder, but LSTM and affine map see the encoder's last state at every step.
class PeekyDecoder : public Module {
 public:
  PeekyDecoder(const Seq2seqConfig& config, Rng& rng);
  Decoded operator()(const Tensor& ids, const Encoded& encoded, const LstmState& state) const;
  static Encoded read_part(const Encoded& encoded) { return {{}, encoded.h, {}}; }

 private:
  Embedding embed_;
  TimeLSTM lstm_;
  TimeAffine affine_;
};

/// As Decoder, with attention over all encoder states between LSTM and affine map.
class AttentionDecoder : public Module {
 public:
  AttentionDecoder(const Seq2seqConfig& config, Rng& rng);
  Decoded operator()(const Tensor& ids, const Encoded& encoded, const LstmState& state) const;
  static Encoded read_part(const Encoded& encoded) { return {encoded.hs, {}, encoded.mask}; }

 private:
  Embedding embed_;
  TimeLSTM lstm_;
  TimeAttention attention_;
  TimeAffine affine_;
};

/// An encoder and one of the decoders above.
template <class DecoderType>
class EncoderDecoder : public Module {
 public:
  EncoderDecoder(std::string kind, const Seq2seqConfig& config, Rng& rng);

  /// Scores [B, T, V] of the next id at each step, the targets so far being given (teacher forcing).
  /// Throws IndexError for an id outside the vocabulary, ShapeError when the batches differ.
  Var operator()(const Tokens& source, const Tokens& target_in) const;
  /// The same with the attention weights [B, T, S], in the order of the source.
  struct Forward {
    Var scores;
    Tensor weights;
  };
  Forward with_attention(const Tokens& source, const Tokens& target_in) const;

  /// The state before the first step, a row a source (step.h).
  using State = Seq2seqState;
  State start(const Tokens& source) const;
  /// Scores of the next id from the last ones, ids [N] (i32), and weights in the order of the source; moves the
  /// state on. Differentiable, so that a model can be trained on ids of its own. Throws IndexError for an id
  /// outside the vocabulary.
  Step step(const Tensor& ids, State& state) const;

  /// greedy(): the most probable next id again and again.
  std::vector<Generated> generate(const Tokens& source, const GenerateOptions& options = {}) const;
  Generated generate(const std::vector<std::int32_t>& source, const GenerateOptions& options = {}) const;

  const Seq2seqConfig& config() const { return config_; }

 private:
  Tokens as_read(const Tokens& source) const { return config_.reverse_source ? reversed(source) : source; }
  Tensor in_source_order(const Tensor& weights, const Tokens& source) const;

  Seq2seqConfig config_;
  Encoder encoder_;
  DecoderType decoder_;
};

class Seq2seq : public EncoderDecoder<Decoder> {
 public:
  Seq2seq(const Seq2seqConfig& config, Rng& rng) : EncoderDecoder("Seq2seq", config, rng) {}
};

class PeekySeq2seq : public EncoderDecoder<PeekyDecoder> {
 public:
  PeekySeq2seq(const Seq2seqConfig& config, Rng& rng) : EncoderDecoder("PeekySeq2seq", config, rng) {}
};

class AttentionSeq2seq : public EncoderDecoder<AttentionDecoder> {
 public:
  AttentionSeq2seq(const Seq2seqConfig& config, Rng& rng) : EncoderDecoder("AttentionSeq2seq", config, rng) {}
};

extern template class EncoderDecoder<Decoder>;
extern template class EncoderDecoder<PeekyDecoder>;
extern template class EncoderDecoder<AttentionDecoder>;

}  // namespace heed
