#include "layers/beam_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "layers/decoding_rules.h"

namespace heed {
namespace decoding {
namespace {

void require_sensible(const BeamOptions& beam, const GenerateOptions& options) {
  if (beam.best < 1 || beam.best > beam.beams || !std::isfinite(beam.alpha) || !std::isfinite(beam.coverage) ||
      beam.coverage < 0)
    throw ConfigError({.what = text("beam_search: beams ", beam.beams, ", best ", beam.best, ", alpha ",
                                    beam.alpha, ", coverage ", beam.coverage),
                       .expected = "1 <= best <= beams, a finite alpha, coverage >= 0"});
  if (options.on_id)
    throw ConfigError({.what = "beam_search: on_id cannot be told of ids that are settled only at the end"});
}

struct Hypothesis {
  std::vector<std::int32_t> ids, rows;  // rows: of the batch, step after step
  double log_probability = 0;
  std::int64_t terms = 0;        // that the log-probability sums over
  std::vector<double> coverage;  // weight of each source id in all steps
  double score = 0;              // of a finished one
  Ended ended = Ended::end;
};

struct Candidate {
  double log_probability;
  std::size_t hypothesis;
  std::int32_t id;
  // Whether this one comes later: the less probable, and of equals the one found later.
  bool operator<(const Candidate& other) const {
    if (log_probability != other.log_probability) return log_probability < other.log_probability;
    return hypothesis != other.hypothesis ? hypothesis > other.hypothesis : id > other.id;
  }
};

// The search for one sequence of the batch.
class Search {
 public:
  Search(const BeamOptions& beam, const Rules& rules, std::size_t sequence, std::int64_t source_length)
      : beam_(beam), rules_(rules), sequence_(sequence) {
    live_.emplace_back();
    if (beam.coverage > 0) live_[0].coverage.resize(static_cast<std::size_t>(source_length));
  }

  /// Those that go on; each knows the row of the batch that it comes from.
  const std::vector<Hypothesis>& live() const { return live_; }
  const std::vector<Hypothesis>& finished() const { return finished_; }

  /// Takes one step, `row` being the first of its rows in the batch.
  void advance(const Step& step, std::int64_t row) {
    for (Hypothesis& hypothesis : live_) look(hypothesis, step, row++);
    const std::size_t length = live_[0].ids.size();
    if (const auto forced = rules_.forced(sequence_, length, step.scores.value()))
      live_[0].ids.push_back(*forced);  // the only one: nothing was chosen yet
    else
      branch(candidates(step.scores.value()));
    if (rules_.is_complete(sequence_, length + 1))
      for (Hypothesis& hypothesis : std::exchange(live_, {})) finish(std::move(hypothesis), Ended::length);
    if (is_settled()) live_.clear();
  }

 private:
  void look(Hypothesis& hypothesis, const Step& step, std::int64_t row) const {
    hypothesis.rows.push_back(static_cast<std::int32_t>(row));
    if (beam_.coverage == 0) return;
    if (!step.weights.defined())
      throw ConfigError({.what = "beam_search: coverage of a model whose steps give no weights"});
    const std::vector<double> weights = step.weights.value().select(0, row).to_vector();
    for (std::size_t s = 0; s < hypothesis.coverage.size(); ++s) hypothesis.coverage[s] += weights.at(s);
  }

  // All ways to go on, as a heap.
  std::vector<Candidate> candidates(const Tensor& scores) {
    std::vector<Candidate> heap;
    ends_itself_.clear();
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const Hypothesis& hypothesis = live_[i];
      rules_.fill(row_, scores, hypothesis.rows.back(), sequence_, hypothesis.ids);
      const auto add = [&](std::int32_t id, double log_probability) {
        heap.push_back({hypothesis.log_probability + log_probability, i, id});
      };
      if (rules_.is_full(sequence_, hypothesis.ids.size())) {
        const auto best = std::max_element(row_.allowed.begin(), row_.allowed.end()) - row_.allowed.begin();
        ends_itself_.push_back(rules_.is_end(static_cast<std::int32_t>(best)));
        for (const std::int32_t id : rules_.ends()) add(id, row_.model[static_cast<std::size_t>(id)]);
        continue;
      }
      for (std::size_t id = 0; id < row_.allowed.size(); ++id)
        if (row_.allowed[id] > -INFINITY) add(static_cast<std::int32_t>(id), row_.allowed[id]);
    }
    if (heap.empty() && finished_.empty()) rules_.throw_stuck(sequence_, live_[0].ids);
    std::make_heap(heap.begin(), heap.end());
    return heap;
  }

  void branch(std::vector<Candidate> heap) {
    std::vector<Hypothesis> next;
    const auto beams = static_cast<std::size_t>(beam_.beams);
    for (std::size_t rank = 0; !heap.empty() && next.size() < beams; ++rank) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate candidate = heap.back();
      heap.pop_back();
      const bool ends = rules_.is_end(candidate.id);
      if (ends && rank >= beams) continue;
      Hypothesis child = live_[candidate.hypothesis];
      child.log_probability = candidate.log_probability;
      ++child.terms;
      if (!ends) child.ids.push_back(candidate.id);
      if (ends)
        finish(std::move(child),
               ends_itself_.empty() || ends_itself_[candidate.hypothesis] ? Ended::end : Ended::length);
      else if (!rules_.stops(child.ids))
        next.push_back(std::move(child));
      else if (rank < beams)
        finish(std::move(child), Ended::stop_sequence);
    }
    live_ = std::move(next);
  }

  void finish(Hypothesis hypothesis, Ended ended) {
    hypothesis.ended = ended;
    hypothesis.score = score(hypothesis.log_probability, hypothesis.terms);
    if (beam_.coverage > 0)
      for (const double weight : hypothesis.coverage)
        hypothesis.score += beam_.coverage * std::log(std::clamp(weight, 1e-10, 1.0));
    const auto worse = [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; };
    finished_.insert(std::upper_bound(finished_.begin(), finished_.end(), hypothesis, worse), hypothesis);
    if (static_cast<std::int64_t>(finished_.size()) > beam_.best) finished_.pop_back();
  }

  double score(double log_probability, std::int64_t terms) const {
    if (terms == 0) return 0;
    const double n = static_cast<double>(terms);
    return log_probability /
           std::pow(beam_.length_penalty == LengthPenalty::gnmt ? (5 + n) / 6 : n, beam_.alpha);
  }

  // Whether no hypothesis can become better than all results that there is room for. A log-probability can only
  // fall, coverage adds at most 0, and the penalty grows or falls with every id: one end of what is still
  // possible is the best that can come.
  bool is_settled() const {
    if (live_.empty() || static_cast<std::int64_t>(finished_.size()) < beam_.best) return false;
    const Hypothesis& best = live_[0];  // they are in order
    const auto room = rules_.max_length(sequence_) - static_cast<std::int64_t>(best.ids.size());
    const std::int64_t longest = best.terms + room + (rules_.ends().empty() ? 0 : 1);
    const double bound =
        std::max(score(best.log_probability, best.terms + 1), score(best.log_probability, longest));
    return bound <= finished_.back().score;
  }

  const BeamOptions& beam_;
  const Rules& rules_;
  std::size_t sequence_;
  std::vector<Hypothesis> live_;      // the most probable first
  std::vector<Hypothesis> finished_;  // the best first
  std::vector<bool> ends_itself_;     // of those that are full, whether they would end anyway
  Row row_;
};

// The last ids of all that go on, and the rows of the batch that they come from.
struct NextBatch {
  std::vector<std::int32_t> ids, rows;

  explicit NextBatch(const std::vector<Search>& searches) {
    for (const Search& search : searches)
      for (const Hypothesis& hypothesis : search.live()) {
        ids.push_back(hypothesis.ids.back());
        rows.push_back(hypothesis.rows.back());
      }
  }
  bool has_all_rows_in_order(std::int64_t count) const {
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i] != static_cast<std::int32_t>(i)) return false;
    return static_cast<std::int64_t>(rows.size()) == count;
  }
};

Generated result_of(const Hypothesis& h, const Lookout& lookout, const DecodingStart& from,
                    std::size_t sequence) {
  return {h.ids, lookout.along(h.rows, from.source_lengths, sequence), h.log_probability, h.score, h.ended};
}

Tensor ids_tensor(const std::vector<std::int32_t>& ids) {
  return Tensor::of(ids, {static_cast<std::int64_t>(ids.size())});
}

}  // namespace
}  // namespace decoding

std::vector<std::vector<Generated>> beam_search(DecodingStart from, const BeamOptions& beam,
                                                const GenerateOptions& options) {
  using namespace decoding;
  const NoGrad no_grad;
  require_sensible(beam, options);
  const Rules rules("beam_search", from, options);
  std::vector<Search> searches;
  for (std::size_t i = 0; i < static_cast<std::size_t>(from.stepper.rows()); ++i)
    searches.emplace_back(beam, rules, i, from.source_lengths.empty() ? 0 : from.source_lengths[i]);
  Lookout lookout;
  std::vector<std::int32_t> ids(searches.size(), rules.start());
  while (!ids.empty()) {
    const Step step = from.stepper.step(ids_tensor(ids));
    lookout.add(step);
    std::int64_t row = 0;
    for (Search& search : searches) {
      const auto rows = static_cast<std::int64_t>(search.live().size());
      if (rows > 0) search.advance(step, row);
      row += rows;
    }
    NextBatch next(searches);
    if (!next.ids.empty() && !next.has_all_rows_in_order(row)) from.stepper.select(ids_tensor(next.rows));
    ids = std::move(next.ids);
  }
  std::vector<std::vector<Generated>> results(searches.size());
  for (std::size_t i = 0; i < searches.size(); ++i)
    for (const Hypothesis& hypothesis : searches[i].finished())
      results[i].push_back(result_of(hypothesis, lookout, from, i));
  return results;
}

}  // namespace heed
