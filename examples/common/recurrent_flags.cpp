#include "examples/common/recurrent_flags.h"

#include <iterator>

namespace heed::programs {
namespace {

struct Score {
  const char* name;
  ScoreKind kind;
};
constexpr Score kScores[] = {{"dot", ScoreKind::dot},           {"scaled-dot", ScoreKind::scaled_dot},
                             {"general", ScoreKind::general},   {"concat", ScoreKind::concat},
                             {"additive", ScoreKind::additive}, {"projected", ScoreKind::projected}};

}  // namespace

void add_recurrent_flags(Flags& flags, RecurrentChoices& choices) {
  std::vector<std::string> scores{"own"};
  for (const Score& score : kScores) scores.push_back(score.name);
  const std::string of = ", of recurrent models", named = of + " but the book's";
  flags.add("hidden", &choices.hidden, "width of the layers" + of, at_least(1));
  flags.add("embedding", &choices.embedding, "width of the embedding" + of, at_least(1));
  flags.add("reverse", &choices.reverse, "read sources from the end" + of);
  flags.choice("cell", &choices.cell, {"rnn", "gru", "lstm"}, "what layers are made of" + named);
  flags.choice("score", &choices.score, scores, "of attention, the model's own or another" + named);
  flags.add("window", &choices.window,
            "attend only so far around a predicted place" + named + "; 0: to all of the source", at_least(0));
}

RecurrentSeq2seqConfig RecurrentChoices::config() const {
  RecurrentSeq2seqConfig made{.embedding = embedding, .hidden = hidden, .window = window};
  made.cell = cell == "rnn" ? CellKind::rnn : cell == "gru" ? CellKind::gru : CellKind::lstm;
  for (const Score& each : kScores)
    if (score == each.name) made.score = each.kind;
  made.reverse_source = reverse;
  return made;
}

}  // namespace heed::programs
