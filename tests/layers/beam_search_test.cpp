#include "layers/beam_search.h"

#include <algorithm>
#include <set>

#include "layers/seq2seq.h"
#include "tests/layers/decoding_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// One complete sequence, scored here from the table alone.
struct Scored {
  Ids ids;
  double log_probability = 0, score = 0;
};

struct Search {
  TableModel model;
  Ids source;
  BeamOptions beam;
  std::size_t limit = 4;
  Ids prefix = {};
  std::vector<Ids> stops = {};

  bool is_stopped(const Ids& ids) const {
    return std::any_of(stops.begin(), stops.end(), [&](const Ids& stop) {
      return stop.size() <= ids.size() && std::equal(stop.rbegin(), stop.rend(), ids.rbegin());
    });
  }
  double score(const Ids& ids, double log_probability) const {
    const std::size_t steps = ids.size() + (is_stopped(ids) ? 0 : 1);  // the last for the end
    const double n = static_cast<double>(steps - prefix.size());
    double score =
        log_probability / (beam.length_penalty == LengthPenalty::gnmt ? std::pow((5 + n) / 6, beam.alpha)
                                                                      : std::pow(n, beam.alpha));
    for (std::size_t s = 0; s < source.size(); ++s) {
      double sum = 0;
      for (std::size_t t = 0; t < steps; ++t)
        sum += model.weights_after(source, Ids(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(t)))[s];
      score += beam.coverage * std::log(std::min(1.0, sum));
    }
    return score;
  }
  Scored scored(const Ids& ids) const {
    const double log_probability = model.log_probability(source, ids, prefix.size(), !is_stopped(ids));
    return {ids, log_probability, score(ids, log_probability)};
  }
  GenerateOptions options() const {
    GenerateOptions options{.max_length = static_cast<std::int64_t>(limit), .stop_sequences = stops};
    if (!prefix.empty()) options.prefixes = {prefix};
    return options;
  }
  std::vector<Generated> found() const { return beam_search(model, one(source), beam, options()).front(); }
};

std::vector<Scored> best_first(std::vector<Scored> all, std::int64_t most) {
  std::stable_sort(all.begin(), all.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (static_cast<std::int64_t>(all.size()) > most) all.resize(static_cast<std::size_t>(most));
  return all;
}

// Everything that can be written after the prefix.
std::vector<Scored> exhaustive(const Search& s) {
  std::vector<Scored> all;
  const auto visit = [&](const auto& self, const Ids& ids) -> void {
    all.push_back(s.scored(ids));
    if (ids.size() == s.limit) return;
    for (std::int32_t id = 0; id < s.model.vocabulary; ++id) {
      if (id == 2) continue;
      Ids longer = ids;
      longer.push_back(id);
      self(self, longer);
    }
  };
  visit(visit, s.prefix);
  return best_first(all, s.beam.best);
}

// Beam search in its plainest form: every step to the last, nothing stops early.
std::vector<Scored> plain_beam_search(const Search& s) {
  std::vector<Scored> live{{s.prefix}}, finished;
  const auto beams = static_cast<std::size_t>(s.beam.beams);
  while (!live.empty()) {
    std::vector<Scored> candidates;
    for (const Scored& each : live) {
      const std::vector<double> next = s.model.log_probabilities(s.source, each.ids);
      for (std::int32_t id = 0; id < s.model.vocabulary; ++id) {
        if (each.ids.size() == s.limit && id != 2) continue;
        Ids longer = each.ids;
        longer.push_back(id);
        const double log_probability = each.log_probability + next[static_cast<std::size_t>(id)];
        candidates.push_back({longer, log_probability, log_probability});
      }
    }
    candidates = best_first(candidates, static_cast<std::int64_t>(candidates.size()));
    live.clear();
    for (std::size_t rank = 0; rank < candidates.size() && live.size() < beams; ++rank) {
      Ids ids = candidates[rank].ids;
      const bool ends = ids.back() == 2;
      if (!ends && !s.is_stopped(ids)) {
        live.push_back({ids, candidates[rank].log_probability});
      } else if (rank < beams) {
        if (ends) ids.pop_back();
        finished.push_back(s.scored(ids));
      }
    }
  }
  return best_first(finished, s.beam.best);
}

void check_found(const Search& s, const std::vector<Generated>& found, const std::vector<Scored>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].ids == expected[i].ids);
    CHECK(found[i].score == Approx(expected[i].score).epsilon(1e-12));
    CHECK(found[i].log_probability == Approx(expected[i].log_probability).epsilon(1e-12));
    const std::size_t steps = found[i].ids.size() + (s.is_stopped(found[i].ids) ? 0 : 1);
    CHECK(found[i].weights.shape() ==
          Shape{static_cast<std::int64_t>(steps), static_cast<std::int64_t>(s.source.size())});
  }
}

// Penalties of every kind, with results one and several.
std::vector<BeamOptions> penalties(std::int64_t beams) {
  std::vector<BeamOptions> all;
  for (const std::int64_t best : {std::int64_t{1}, std::min<std::int64_t>(beams, 5)}) {
    all.push_back({.beams = beams, .best = best});
    for (const LengthPenalty penalty : {LengthPenalty::gnmt, LengthPenalty::power})
      for (const double alpha : {0.6, 1.0, 2.5, -1.0})
        all.push_back({.beams = beams, .best = best, .length_penalty = penalty, .alpha = alpha});
    all.push_back({.beams = beams, .best = best, .coverage = 0.4});
    all.push_back({.beams = beams, .best = best, .alpha = 1, .coverage = 0.2});
  }
  return all;
}

}  // namespace

TEST_CASE("beam search: with as many beams as there are sequences it finds what exhaustive search finds") {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    for (const std::int64_t vocabulary : {3, 4}) {
      const std::size_t limit = vocabulary == 3 ? 4 : 3;
      for (const BeamOptions& beam : penalties(vocabulary == 3 ? 81 : 64)) {
        const Search s{{.vocabulary = vocabulary, .seed = seed}, {1, 0, 2}, beam, limit};
        const auto expected = exhaustive(s);
        check_found(s, s.found(), expected);
        lengths.insert(expected[0].ids.size());
      }
    }
  CHECK(lengths.size() >= 4);  // the penalties have had something to decide
}

TEST_CASE("beam search: of any width it finds what one that never stops early finds, in fewer steps") {
  std::size_t stopped_early = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    for (const double spread : {1.0, 6.0})  // the larger, the more certain of what follows
      for (std::int64_t beams = 1; beams <= 6; ++beams)
        for (const BeamOptions& beam : penalties(beams)) {
          const TableModel model{.seed = seed, .spread = spread};
          const Search s{model, {3, 1}, beam, 5};
          check_found(s, s.found(), plain_beam_search(s));
          stopped_early += s.model.rows_of_steps.size() < 6;
          const Search stopping{model, {3, 1}, beam, 5, {}, {{0, 3}, {1}}};
          check_found(stopping, stopping.found(), plain_beam_search(stopping));
        }
  CHECK(stopped_early > 100);
}

TEST_CASE("beam search: one beam without a penalty is greedy") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const TableModel model{.seed = seed};
    Rng rng(seed);
    const Tokens batch = batch_of(random_sources({4, 1, 3}, 9, rng), 0);
    const GenerateOptions options{.max_length = 5, .prefixes = {{}, {3, 0}, {1}}};
    const auto greedily = greedy(model, batch, options);
    const auto beams = beam_search(model, batch, {.beams = 1}, options);
    for (std::size_t b = 0; b < 3; ++b) {
      REQUIRE(beams[b].size() == 1);
      CHECK(beams[b][0].ids == greedily[b].ids);
      CHECK(beams[b][0].ended == greedily[b].ended);
      CHECK(beams[b][0].log_probability == greedily[b].log_probability);
      CHECK(beams[b][0].score == greedily[b].score);
      CHECK(identical(beams[b][0].weights, greedily[b].weights));
    }
  }
}

TEST_CASE("beam search: a batch of mixed lengths gives what its sequences give one by one") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TableModel model{.seed = seed};
    Rng rng(seed);
    const std::vector<Ids> sources = random_sources({4, 1, 3}, 9, rng);
    const BeamOptions beam{.beams = 3, .best = 3, .alpha = 0.6, .coverage = 0.1};
    const std::vector<Ids> prefixes{{0, 3, 1}, {}, {1}};
    const auto together =
        beam_search(model, batch_of(sources, 0), beam, {.max_length = 5, .prefixes = prefixes});
    for (std::size_t b = 0; b < 3; ++b) {
      const auto alone =
          beam_search(model, one(sources[b]), beam, {.max_length = 5, .prefixes = {prefixes[b]}}).front();
      REQUIRE(together[b].size() == alone.size());
      for (std::size_t i = 0; i < alone.size(); ++i) {
        CHECK(together[b][i].ids == alone[i].ids);
        CHECK(together[b][i].score == alone[i].score);
        CHECK(together[b][i].ended == alone[i].ended);
        CHECK(identical(together[b][i].weights, alone[i].weights));
      }
    }
  }
}

TEST_CASE("beam search: weights follow the hypothesis through every exchange of rows") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Search s{{.seed = seed}, {3, 1, 0}, {.beams = 4, .best = 4}, 5};
    for (const Generated& result : s.found())
      for (std::size_t t = 0; t <= result.ids.size(); ++t) {
        const Ids so_far(result.ids.begin(), result.ids.begin() + static_cast<std::ptrdiff_t>(t));
        CHECK(result.weights.select(0, static_cast<std::int64_t>(t)).to_vector() ==
              s.model.weights_after(s.source, so_far));
      }
  }
}

TEST_CASE("beam search: what is forced counts neither as probability nor as length") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    for (const BeamOptions& beam : penalties(81)) {
      const Search s{{.vocabulary = 3, .seed = seed}, {1, 0}, beam, 5, {1, 1, 0}};
      check_found(s, s.found(), exhaustive(s));
    }
}

TEST_CASE("beam search: the mean divides by the ids and the end, once each") {
  // Scores made so that by hand: "" has 0.5; "0" has 0.4 · 0.5, "0 0" has 0.4 · 0.5 · 1.
  TableModel model{.vocabulary = 3};
  model.change = [](const Ids&, const Ids& ids, std::vector<double>& scores) {
    if (ids.empty())
      scores = {std::log(0.4), std::log(0.1), std::log(0.5)};
    else if (ids == Ids{0})
      scores = {std::log(0.5), -40, std::log(0.5)};
    else
      scores = {-40, -40, 0};
  };
  const auto results =
      beam_search(model, 1, {.beams = 3, .best = 3, .length_penalty = LengthPenalty::power, .alpha = 1},
                  {.max_length = 2})
          .front();
  REQUIRE(results.size() == 3);
  CHECK(results[0].ids == Ids{0, 0});
  CHECK(results[0].score == Approx(std::log(0.2) / 3).epsilon(1e-9));
  CHECK(results[1].ids.empty());
  CHECK(results[1].score == Approx(std::log(0.5)).epsilon(1e-9));
  CHECK(results[2].ids == Ids{0});
  CHECK(results[2].score == Approx(std::log(0.2) / 2).epsilon(1e-9));
}

TEST_CASE("beam search: results are different sequences, in order, no better than the best there is") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (std::int64_t beams = 1; beams <= 8; ++beams) {
      const Search s{{.seed = seed}, {0, 3}, {.beams = beams, .best = beams, .alpha = 0.8}, 4};
      const auto found = s.found();
      const double best = exhaustive(s).front().score;
      std::set<Ids> different;
      for (std::size_t i = 0; i < found.size(); ++i) {
        different.insert(found[i].ids);
        CHECK(found[i].score <= (i == 0 ? best + 1e-12 : found[i - 1].score));
        CHECK(found[i].score == Approx(s.scored(found[i].ids).score).epsilon(1e-12));
      }
      CHECK(different.size() == found.size());
    }
}

TEST_CASE("beam search: rules hold for every hypothesis") {
  std::set<Ended> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TableModel model{.vocabulary = 5, .seed = seed};
    const GenerateOptions options{
        .max_length = 4, .min_length = 2, .stop_sequences = {{0, 4}}, .banned = {3}, .no_repeat = 2};
    const auto results = beam_search(model, one({1, 2}), {.beams = 4, .best = 4}, options);
    for (const Generated& result : results.front()) {
      const Ids& ids = result.ids;
      seen.insert(result.ended);
      CHECK(std::find(ids.begin(), ids.end(), 3) == ids.end());
      CHECK(ids.size() >= 2);
      CHECK(ids.size() <= 4);
      std::set<std::pair<std::int32_t, std::int32_t>> pairs;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) CHECK(pairs.emplace(ids[i], ids[i + 1]).second);
      const bool at_stop = ids.size() >= 2 && ids[ids.size() - 2] == 0 && ids.back() == 4;
      CHECK(at_stop == (result.ended == Ended::stop_sequence));
      CHECK(result.log_probability == Approx(model.log_probability({1, 2}, ids, 0, !at_stop)).epsilon(1e-12));
      CHECK(result.weights.extent(0) == static_cast<std::int64_t>(ids.size()) + (at_stop ? 0 : 1));
    }
  }
  CHECK(seen == std::set<Ended>{Ended::end, Ended::length, Ended::stop_sequence});
}

TEST_CASE("beam search: without ends, all sequences have max_length ids") {
  const TableModel model{.seed = 2};
  const auto results = beam_search(model, 2, {.beams = 3, .best = 3},
                                   {.max_length = 4, .ends = Ids{}, .prefixes = {{}, {1, 1, 1, 1}}});
  REQUIRE(results[0].size() == 3);
  for (const Generated& result : results[0]) {
    CHECK(result.ids.size() == 4);
    CHECK(result.ended == Ended::length);
    CHECK(result.log_probability == Approx(model.log_probability({}, result.ids, 0, false)).epsilon(1e-12));
  }
  REQUIRE(results[1].size() == 1);  // all of it is forced
  CHECK(results[1][0].score == 0);
}

TEST_CASE("beam search: hypotheses that can go no further are left behind, and an error when all are") {
  TableModel model{.vocabulary = 4, .seed = 6};
  model.change = [](const Ids&, const Ids& ids, std::vector<double>& scores) {
    if (!ids.empty() && ids[0] == 0) scores = {1, -INFINITY, -INFINITY, -INFINITY};
  };
  // After 0 there is only 0, which would repeat: the others go on.
  const auto results =
      beam_search(model, 1, {.beams = 4, .best = 4}, {.max_length = 3, .no_repeat = 1}).front();
  CHECK(std::all_of(results.begin(), results.end(),
                    [](const Generated& r) { return r.ids.empty() || r.ids[0] != 0; }));
  CHECK_THAT(
      thrown<ConfigError>([&] {
        beam_search(model, 1, {.beams = 4},
                    {.max_length = 3, .min_length = 3, .banned = {1, 3}, .no_repeat = 1});
      }),
      ContainsSubstring("beam_search: step 1 of sequence 0: banned, no_repeat and min_length leave no id"));
}

TEMPLATE_TEST_CASE("beam search: real models give what their teacher-forced scores say of the results", "",
                   Seq2seq, PeekySeq2seq, AttentionSeq2seq) {
  const Seq2seqConfig config{.vocabulary = 7, .embedding = 4, .hidden = 6};
  Rng rng(5);
  TestType model(config, rng);
  take_random_parameters(model, rng, 1.2);
  const std::vector<Ids> sources = random_sources({5, 2, 4}, 7, rng);
  const auto results = beam_search(model, batch_of(sources, 0), {.beams = 4, .best = 3}, {.max_length = 6});
  for (std::size_t b = 0; b < 3; ++b) {
    CHECK(results[b][0].log_probability >=
          model.generate(sources[b], {.max_length = 6}).log_probability - 1e-9);
    for (const Generated& result : results[b]) {
      Ids given = result.ids;
      given.insert(given.begin(), 1);
      const auto steps = static_cast<std::int64_t>(given.size());
      const auto forced = model.with_attention(one(sources[b]), {ids_of(given, {1, steps}), {}});
      const Tensor logs = log_softmax(forced.scores.value());
      double sum = 0;
      for (std::int64_t t = 0; t < steps; ++t)
        sum += logs.at({0, t, t + 1 < steps ? given[static_cast<std::size_t>(t) + 1] : 2});
      CHECK(result.log_probability == Approx(sum).epsilon(1e-9));
      REQUIRE(result.weights.defined() == (std::is_same_v<TestType, AttentionSeq2seq>));
      if (result.weights.defined())
        CHECK(largest_difference(result.weights, forced.weights.select(0, 0)) < kTolerance);
    }
  }
}

TEST_CASE("beam search: options that make no sense are errors") {
  const TableModel model{.attention = false};
  const auto message = [&](const BeamOptions& beam, const GenerateOptions& options = {}) {
    return thrown<ConfigError>([&] { beam_search(model, one({1}), beam, options); });
  };
  CHECK_THAT(message({.beams = 0}), ContainsSubstring("beam_search: beams 0, best 1"));
  CHECK_THAT(message({.beams = 2, .best = 3}), ContainsSubstring("beams 2, best 3"));
  CHECK_THAT(message({.alpha = NAN}), ContainsSubstring("alpha nan"));
  CHECK_THAT(message({.coverage = -1}), ContainsSubstring("coverage -1"));
  CHECK_THAT(message({.coverage = 1}), ContainsSubstring("coverage of a model whose steps give no weights"));
  CHECK_THAT(message({}, {.on_id = [](std::int64_t, std::int32_t, double) { return true; }}),
             ContainsSubstring("on_id cannot be told"));
}

}  // namespace heed::tests
