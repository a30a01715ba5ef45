// What the tests of the recurrent models share: the models by name, and others of the same parts.
#pragma once

#include <vector>

#include "layers/recurrent_presets.h"
#include "layers/recurrent_seq2seq.h"
#include "tests/layers/checks_testing.h"

namespace heed::tests {

struct RecurrentForm {
  const char* name;
  RecurrentSeq2seqConfig config;
};

inline RecurrentSeq2seqConfig small_recurrent() {
  return {.vocabulary = kVocabulary, .embedding = 3, .hidden = 4};
}

/// The models of recurrent_presets.h.
inline std::vector<RecurrentForm> recurrent_presets() {
  const RecurrentSeq2seqConfig small = small_recurrent();
  return {{"input feeding", input_feeding(small)},
          {"attention between", attention_between(small)},
          {"bidirectional", bidirectional_attention(small)},
          {"deep residual", deep_residual(small)},
          {"gnmt", gnmt(small)},
          {"coverage", coverage_attention(small)},
          {"copy", pointer_generator(small)}};
}

/// Those, and what else their parts can be put together to: every cell, score, place and readout, with feedback
/// and without.
inline std::vector<RecurrentForm> recurrent_forms() {
  std::vector<RecurrentForm> forms = recurrent_presets();
  const auto add = [&](const char* name, auto change) {
    forms.push_back({name, small_recurrent()});
    change(forms.back().config);
  };
  add("nothing but sizes", [](RecurrentSeq2seqConfig&) {});
  add("between, going up only, three layers", [](RecurrentSeq2seqConfig& c) {
    c = attention_between(c);
    c.layers = 3;
    c.residual = true;
    c.input_feeding = false;
  });
  add("local, GRU, sources as they are", [](RecurrentSeq2seqConfig& c) {
    c.cell = CellKind::gru;
    c.score = ScoreKind::general;
    c.window = 2;
    c.reverse_source = false;
  });
  add("projected, RNN, both ways, two layers", [](RecurrentSeq2seqConfig& c) {
    c.cell = CellKind::rnn;
    c.score = ScoreKind::projected;
    c.ways = EncoderWays::both;
    c.layers = 2;
    c.readout = Readout::attentional;
  });
  add("below, GRU, one layer both ways, fed", [](RecurrentSeq2seqConfig& c) {
    c.cell = CellKind::gru;
    c.score = ScoreKind::general;
    c.ways = EncoderWays::both_at_first;
    c.place = AttentionPlace::below;
    c.readout = Readout::state;
    c.input_feeding = true;
  });
  add("concat, coverage and copy, between", [](RecurrentSeq2seqConfig& c) {
    c = attention_between(c);
    c.score = ScoreKind::concat;
    c.coverage = true;
    c.coverage_weight = 0.5;
    c.copy = true;
  });
  return forms;
}

/// A model with parameters far from 0 in f64, sources of lengths 6, 2, 4 and targets of lengths 5, 3, 5.
struct RecurrentSetting : Data {
  RecurrentSeq2seq model;

  explicit RecurrentSetting(const RecurrentSeq2seqConfig& config, double deviation = 0.7) : model(config, rng) {
    take_random_parameters(model, rng, deviation);
    target.lengths = ids_of({5, 3, 5}, {3});
  }
  /// Targets one step on, -1 where nothing counts.
  Tensor target_out() const { return ids_of({4, 7, 0, 2, 8, 3, 1, 2, -1, -1, 5, 5, 6, 0, 2}, {3, 5}); }
  /// What training minimises.
  Var loss(Rng* dropout_rng = nullptr) const {
    const auto forward = model.with_attention(source, target, dropout_rng);
    const Var of_scores = cross_entropy(forward.scores, target_out());
    return forward.auxiliary_loss.defined() ? of_scores + forward.auxiliary_loss : of_scores;
  }
};

}  // namespace heed::tests
