// A model that is nothing but a table, so that what decoding must give can be found by looking everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "core/random.h"
#include "layers/step.h"
#include "tests/layers/layer_testing.h"

namespace heed::tests {

using Ids = std::vector<std::int32_t>;

/// Scores that are drawn for each source and everything written so far, and are the same each time: a model
/// with a source or without. Ids 1 and 2 start and end, as those of a Vocabulary.
struct TableModel {
  std::int64_t vocabulary = 4;
  std::uint64_t seed = 1;
  bool attention = true;
  std::int32_t end = 2;
  double spread = 1;  ///< standard deviation of the scores
  /// Changes the scores of a step, when given: of a sequence's source after those ids.
  std::function<void(const Ids& source, const Ids& ids, std::vector<double>& scores)> change = {};
  mutable std::vector<std::int64_t> rows_of_steps = {};  ///< N of each step that was made

  struct Marks {
    std::int32_t start = 1, end = 2;
  };
  Marks config() const { return {1, end}; }

  struct State {
    std::vector<Ids> sources, ids;  ///< ids without the start
    std::int64_t widest = 0;        ///< S
    bool begun = false;

    void select(const Tensor& rows) {
      State chosen{{}, {}, widest, begun};
      for (const double row : rows.to_vector()) {
        chosen.sources.push_back(sources.at(static_cast<std::size_t>(row)));
        chosen.ids.push_back(ids.at(static_cast<std::size_t>(row)));
      }
      *this = std::move(chosen);
    }
    std::int64_t rows() const { return static_cast<std::int64_t>(ids.size()); }
  };

  State start(const Tokens& source) const {
    State state{{}, {}, source.time(), false};
    for (std::int64_t b = 0; b < source.batch(); ++b) state.sources.push_back(source.sequence(b));
    state.ids.resize(state.sources.size());
    return state;
  }
  State start(std::int64_t sequences) const {
    const auto n = static_cast<std::size_t>(sequences);
    return {std::vector<Ids>(n), std::vector<Ids>(n), 0, false};
  }

  Step step(const Tensor& given, State& state) const {
    const std::int64_t n = state.rows();
    rows_of_steps.push_back(n);
    Step step{Var(Tensor::empty({n, vocabulary}, DType::f64)), {}};
    if (attention && state.widest > 0) step.weights = Var(Tensor::zeros({n, state.widest}, DType::f64));
    for (std::int64_t row = 0; row < n; ++row) {
      const auto i = static_cast<std::size_t>(row);
      const std::int32_t id = given.data<std::int32_t>()[row];
      if (state.begun)
        state.ids[i].push_back(id);
      else
        CHECK(id == config().start);
      const std::vector<double> scores = scores_after(state.sources[i], state.ids[i]);
      for (std::int64_t v = 0; v < vocabulary; ++v)
        step.scores.mutable_value().set({row, v}, scores[static_cast<std::size_t>(v)]);
      if (!step.weights.defined()) continue;
      const std::vector<double> weights = weights_after(state.sources[i], state.ids[i]);
      for (std::size_t s = 0; s < weights.size(); ++s)
        step.weights.mutable_value().set({row, static_cast<std::int64_t>(s)}, weights[s]);
    }
    state.begun = true;
    return step;
  }

  // A generator of its own for each place in the table.
  Rng place(const Ids& source, const Ids& ids, std::uint64_t kind) const {
    std::uint64_t name = kind;
    for (const Ids* const part : {&source, &ids}) {
      for (const std::int32_t id : *part) name = name * 1'000'003 + static_cast<std::uint64_t>(id) + 17;
      name = name * 31 + 7;
    }
    return Rng(Rng::State{seed, name, 0});
  }
  std::vector<double> scores_after(const Ids& source, const Ids& ids) const {
    Rng rng = place(source, ids, 1);
    std::vector<double> scores;
    for (std::int64_t v = 0; v < vocabulary; ++v) scores.push_back(spread * rng.normal());
    if (change) change(source, ids, scores);
    return scores;
  }
  std::vector<double> weights_after(const Ids& source, const Ids& ids) const {
    Rng rng = place(source, ids, 2);
    std::vector<double> weights;
    for (std::size_t s = 0; s < source.size(); ++s) weights.push_back(std::exp(2 * rng.normal()));
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight /= sum;
    return weights;
  }
  /// log softmax of the scores.
  std::vector<double> log_probabilities(const Ids& source, const Ids& ids) const {
    std::vector<double> scores = scores_after(source, ids);
    double sum = 0;
    for (const double score : scores) sum += std::exp(score);
    for (double& score : scores) score -= std::log(sum);
    return scores;
  }
  /// The sum of the log-probabilities of ids[from], … and of the end where there is one.
  double log_probability(const Ids& source, const Ids& ids, std::size_t from, bool with_end) const {
    double sum = 0;
    for (std::size_t t = from; t < ids.size(); ++t)
      sum += log_probabilities(
          source,
          Ids(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(t)))[static_cast<std::size_t>(ids[t])];
    return with_end ? sum + log_probabilities(source, ids)[2] : sum;
  }
};

/// Sources of the lengths, of ids below `vocabulary`.
inline std::vector<Ids> random_sources(std::initializer_list<std::int64_t> lengths, std::int64_t vocabulary,
                                       Rng& rng) {
  std::vector<Ids> sources;
  for (const std::int64_t length : lengths) {
    sources.emplace_back();
    for (std::int64_t i = 0; i < length; ++i)
      sources.back().push_back(static_cast<std::int32_t>(rng.below(vocabulary)));
  }
  return sources;
}
inline Tokens one(const Ids& sequence) { return batch_of(std::span(&sequence, 1), 0); }

}  // namespace heed::tests
