// The recurrent seq2seq models of the literature by name, each a configuration of RecurrentSeq2seq:
//
//   RecurrentSeq2seq model(gnmt({.vocabulary = 60, .hidden = 128}), rng);
//
// A preset sets what makes the model. All else is as it is given: sizes, cell, dropout, window, start and end,
// and layers and score where they are. What it returns can be changed further.
#pragma once

#include "layers/recurrent_seq2seq_config.h"

namespace heed {

/// Input feeding (Luong, Pham and Manning 2015): the attentional state scores the next id and joins the input
/// of the next step, so that the decoder knows where it has looked. Score: general.
inline RecurrentSeq2seqConfig input_feeding(RecurrentSeq2seqConfig config) {
  config.score = config.score.value_or(ScoreKind::general);
  config.readout = Readout::attentional;
  config.input_feeding = true;
  return config;
}

/// Attention between two LSTM layers ("Deep Learning from Scratch 2", section 8.4.2): the context goes up to
/// the next layer and on to the next time step. Without input_feeding it only goes up, and all steps run at
/// once.
inline RecurrentSeq2seqConfig attention_between(RecurrentSeq2seqConfig config) {
  config.layers = config.layers.value_or(2);
  config.place = AttentionPlace::between;
  config.readout = Readout::state;
  config.input_feeding = true;
  return config;
}

/// An encoder that reads both ways, and attention that the decoder's last state asks for before a step
/// (Bahdanau, Cho and Bengio 2015; but scores are made of an attentional state, where theirs has a maxout).
/// Score: additive.
inline RecurrentSeq2seqConfig bidirectional_attention(RecurrentSeq2seqConfig config) {
  config.score = config.score.value_or(ScoreKind::additive);
  config.ways = EncoderWays::both;
  config.place = AttentionPlace::below;
  config.readout = Readout::attentional;
  return config;
}

/// Several layers with residual connections ("Deep Learning from Scratch 2", section 8.4.3) below attention; 3
/// layers.
inline RecurrentSeq2seqConfig deep_residual(RecurrentSeq2seqConfig config) {
  config.layers = config.layers.value_or(3);
  config.residual = true;
  return config;
}

/// Google's neural machine translation (Wu et al. 2016) as gnmt_v2 of tensorflow/nmt builds it: the encoder's
/// first layer reads both ways; the decoder's first layer asks, its context goes to all layers above and to the
/// next step; residual connections from the third layer on. Score: additive; 4 layers, where theirs has 8.
inline RecurrentSeq2seqConfig gnmt(RecurrentSeq2seqConfig config) {
  config.layers = config.layers.value_or(4);
  config.score = config.score.value_or(ScoreKind::additive);
  config.ways = EncoderWays::both_at_first;
  config.residual = true;
  config.place = AttentionPlace::between;
  config.readout = Readout::state;
  config.input_feeding = true;
  return config;
}

/// Coverage (Tu et al. 2016; See, Liu and Manning 2017): what each source has been given so far enters its
/// score, and training adds a loss for giving it again. Encoder both ways; score: additive.
inline RecurrentSeq2seqConfig coverage_attention(RecurrentSeq2seqConfig config) {
  config.score = config.score.value_or(ScoreKind::additive);
  config.ways = EncoderWays::both;
  config.input_feeding = true;
  config.coverage = true;
  return config;
}

/// The pointer-generator (See, Liu and Manning 2017): the next id is chosen from the vocabulary or copied from
/// the source, p = g p_vocabulary + (1 - g) attention. Encoder both ways; score: additive. Theirs trains with
/// coverage in the end: `config.coverage = true`.
inline RecurrentSeq2seqConfig pointer_generator(RecurrentSeq2seqConfig config) {
  config.score = config.score.value_or(ScoreKind::additive);
  config.ways = EncoderWays::both;
  config.input_feeding = true;
  config.copy = true;
  return config;
}

}  // namespace heed
