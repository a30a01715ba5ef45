#include "layers/decoding.h"

#include <algorithm>
#include <set>

#include "tests/layers/decoding_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr std::uint64_t kModels = 40;

// Models of many draws and sources of lengths 4, 1 and 3: some end soon, some at the limit, some apart.
struct Setting {
  TableModel model;
  std::vector<Ids> sources;

  explicit Setting(std::uint64_t seed) : model{.seed = seed} {
    Rng rng(seed);
    sources = random_sources({4, 1, 3}, 9, rng);
  }
  Tokens batch() const { return batch_of(sources, 0); }
};

std::int32_t best_of(const std::vector<double>& scores) {
  return static_cast<std::int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void check_same(const Generated& a, const Generated& b) {
  CHECK(a.ids == b.ids);
  CHECK(a.ended == b.ended);
  CHECK(a.log_probability == b.log_probability);
  REQUIRE(a.weights.defined() == b.weights.defined());
  if (a.weights.defined()) CHECK(identical(a.weights, b.weights));
}

}  // namespace

TEST_CASE("greedy: takes the most probable id at each step, until the end or max_length") {
  std::set<Ended> seen;
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const auto results = greedy(s.model, s.batch(), {.max_length = 4});
    REQUIRE(results.size() == 3);
    for (std::size_t b = 0; b < 3; ++b) {
      const Generated& result = results[b];
      Ids ids;
      while (ids.size() < 4 && best_of(s.model.scores_after(s.sources[b], ids)) != 2)
        ids.push_back(best_of(s.model.scores_after(s.sources[b], ids)));
      CHECK(result.ids == ids);
      const bool ends = best_of(s.model.scores_after(s.sources[b], ids)) == 2;
      CHECK(result.ended == (ends ? Ended::end : Ended::length));
      seen.insert(result.ended);
      CHECK(result.log_probability ==
            Approx(s.model.log_probability(s.sources[b], ids, 0, true)).epsilon(1e-12));
      CHECK(result.score == result.log_probability);
    }
  }
  CHECK(seen.size() == 2);
}

TEST_CASE("greedy: weights have a row a step and the columns of the source's real ids") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Setting s(seed);
    const auto results = greedy(s.model, s.batch(), {.max_length = 4});
    for (std::size_t b = 0; b < 3; ++b) {
      const auto steps = static_cast<std::int64_t>(results[b].ids.size()) + 1;
      REQUIRE(results[b].weights.shape() == Shape{steps, static_cast<std::int64_t>(s.sources[b].size())});
      for (std::int64_t t = 0; t < steps; ++t) {
        const Ids so_far(results[b].ids.begin(), results[b].ids.begin() + t);
        CHECK(results[b].weights.select(0, t).to_vector() == s.model.weights_after(s.sources[b], so_far));
      }
    }
  }
  Setting s(1);
  s.model.attention = false;
  CHECK_FALSE(greedy(s.model, s.batch())[0].weights.defined());
}

TEST_CASE("decoding: a batch of mixed lengths gives what its sequences give one by one, greedily or sampled") {
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const auto together = greedy(s.model, s.batch());
    Rng rng(seed), again(seed);
    const auto sampled = sample(s.model, s.batch(), rng, {.temperature = 1.5});
    for (std::size_t b = 0; b < 3; ++b) {
      check_same(greedy(s.model, one(s.sources[b])).front(), together[b]);
      check_same(sample(s.model, one(s.sources[b]), again, {.temperature = 1.5}).front(), sampled[b]);
    }
    CHECK(rng.state() == again.state());
  }
}

TEST_CASE("decoding: sequences that have ended are not computed on") {
  bool apart = false;
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const auto results = greedy(s.model, s.batch(), {.max_length = 6});
    std::vector<std::int64_t> expected;
    for (std::size_t step = 0;; ++step) {
      const auto live = std::count_if(results.begin(), results.end(),
                                      [step](const Generated& r) { return r.ids.size() + 1 > step; });
      if (live == 0) break;
      expected.push_back(live);
    }
    CHECK(s.model.rows_of_steps == expected);
    apart |= expected.back() < 3;
  }
  CHECK(apart);
}

TEST_CASE("decoding: the default limit is the sequence's own, twice its source and 32 more") {
  Setting s(1);
  s.model.change = [](const Ids&, const Ids&, std::vector<double>& scores) { scores[2] = -30; };
  const auto results = greedy(s.model, s.batch());
  for (std::size_t b = 0; b < 3; ++b) CHECK(results[b].ids.size() == 2 * s.sources[b].size() + 32);
}

TEST_CASE("decoding: several ends, and none at all") {
  Setting s(3);
  const auto either = greedy(s.model, s.batch(), {.max_length = 5, .ends = Ids{2, 3}});
  for (std::size_t b = 0; b < 3; ++b) {
    for (const std::int32_t id : either[b].ids) CHECK((id == 0 || id == 1));
    const std::int32_t next = best_of(s.model.scores_after(s.sources[b], either[b].ids));
    CHECK((next == 2 || next == 3) == (either[b].ended == Ended::end));
  }
  s.model.rows_of_steps.clear();
  const auto endless = greedy(s.model, s.batch(), {.max_length = 5, .ends = Ids{}});
  for (std::size_t b = 0; b < 3; ++b) {
    CHECK(endless[b].ids.size() == 5);
    CHECK(endless[b].ended == Ended::length);
    CHECK(endless[b].weights.extent(0) == 5);
    CHECK(endless[b].log_probability ==
          Approx(s.model.log_probability(s.sources[b], endless[b].ids, 0, false)).epsilon(1e-12));
  }
  CHECK(s.model.rows_of_steps.size() == 5);  // none for an end that cannot be
  s.model.end = -1;
  const auto unnamed = greedy(s.model, s.batch(), {.max_length = 5});
  for (std::size_t b = 0; b < 3; ++b) check_same(unnamed[b], endless[b]);
}

TEST_CASE("decoding: min_length, banned ids and no_repeat leave the most probable of what may follow") {
  bool cut_off = false;
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const GenerateOptions options{.max_length = 8, .min_length = 3, .banned = {1}, .no_repeat = 2};
    const auto results = greedy(s.model, s.batch(), options);
    for (std::size_t b = 0; b < 3; ++b) {
      Ids ids;
      for (;;) {
        std::vector<double> scores = s.model.scores_after(s.sources[b], ids);
        scores[1] = -INFINITY;
        if (ids.size() < 3) scores[2] = -INFINITY;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i)
          if (ids[i] == ids.back()) scores[static_cast<std::size_t>(ids[i + 1])] = -INFINITY;
        const std::int32_t next = best_of(scores);
        if (next == 2 || ids.size() == 8) break;
        ids.push_back(next);
      }
      CHECK(results[b].ids == ids);
      CHECK(ids.size() >= 3);
      cut_off |= ids.size() == 3;
    }
  }
  CHECK(cut_off);
}

TEST_CASE("decoding: no_repeat 1 writes every id once") {
  const Setting s(4);
  for (const Generated& result : greedy(s.model, s.batch(), {.max_length = 3, .min_length = 3, .no_repeat = 1}))
    CHECK(std::set<std::int32_t>(result.ids.begin(), result.ids.end()) == std::set<std::int32_t>{0, 1, 3});
}

TEST_CASE("decoding: a stop sequence ends a sequence and stays in it, but not before min_length") {
  std::size_t stopped = 0, late = 0;
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const std::vector<Ids> stops{{3, 0}, {0, 0, 1}};
    const auto ends_with_stop = [&](const Ids& ids) {
      return std::any_of(stops.begin(), stops.end(), [&](const Ids& stop) {
        return ids.size() >= stop.size() && std::equal(stop.rbegin(), stop.rend(), ids.rbegin());
      });
    };
    for (const std::int64_t least : {0, 4}) {
      const auto results =
          greedy(s.model, s.batch(), {.max_length = 6, .min_length = least, .stop_sequences = stops});
      const auto freely = greedy(s.model, s.batch(), {.max_length = 6, .min_length = least});
      for (std::size_t b = 0; b < 3; ++b) {
        Ids expected;
        for (const std::int32_t id : freely[b].ids) {
          expected.push_back(id);
          if (static_cast<std::int64_t>(expected.size()) >= least && ends_with_stop(expected)) break;
        }
        const bool stops_here = static_cast<std::int64_t>(expected.size()) >= least && ends_with_stop(expected);
        CHECK(results[b].ids == expected);
        CHECK((results[b].ended == Ended::stop_sequence) == stops_here);
        if (!stops_here) continue;
        CHECK(results[b].weights.extent(0) == static_cast<std::int64_t>(expected.size()));
        CHECK(results[b].log_probability ==
              Approx(s.model.log_probability(s.sources[b], expected, 0, false)).epsilon(1e-12));
        ++(least == 0 ? stopped : late);
      }
    }
  }
  CHECK(stopped > 0);
  CHECK(late > 0);
}

TEST_CASE("decoding: forced prefixes of different lengths in one batch, whose probability does not count") {
  const std::vector<Ids> prefixes{{3, 3, 0}, {}, {1}};
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    const auto results = greedy(s.model, s.batch(), {.max_length = 5, .prefixes = prefixes});
    for (std::size_t b = 0; b < 3; ++b) {
      Ids ids = prefixes[b];
      while (ids.size() < 5 && best_of(s.model.scores_after(s.sources[b], ids)) != 2)
        ids.push_back(best_of(s.model.scores_after(s.sources[b], ids)));
      CHECK(results[b].ids == ids);
      CHECK(results[b].log_probability ==
            Approx(s.model.log_probability(s.sources[b], ids, prefixes[b].size(), true)).epsilon(1e-12));
      check_same(greedy(s.model, one(s.sources[b]), {.max_length = 5, .prefixes = {prefixes[b]}}).front(),
                 results[b]);
    }
  }
}

TEST_CASE("decoding: streaming tells each chosen id with its probability, and false stops that sequence") {
  for (std::uint64_t seed = 1; seed <= kModels; ++seed) {
    const Setting s(seed);
    std::vector<Ids> told(3);
    std::vector<double> log_probability(3);
    GenerateOptions options{.max_length = 5, .prefixes = {{}, {3, 0}, {}}};
    options.on_id = [&](std::int64_t sequence, std::int32_t id, double probability) {
      told[static_cast<std::size_t>(sequence)].push_back(id);
      log_probability[static_cast<std::size_t>(sequence)] += std::log(probability);
      return sequence != 2 || id != 0;
    };
    const auto results = greedy(s.model, s.batch(), options);
    options.on_id = {};
    const auto silent = greedy(s.model, s.batch(), options);
    told[1].insert(told[1].begin(), {3, 0});
    for (std::size_t b = 0; b < 3; ++b) {
      CHECK(results[b].ids == told[b]);
      const bool stopped = results[b].ended == Ended::callback;
      CHECK(stopped ==
            (b == 2 && std::find(silent[2].ids.begin(), silent[2].ids.end(), 0) != silent[2].ids.end()));
      if (!stopped) check_same(results[b], silent[b]);
      const double end = stopped ? 0 : s.model.log_probabilities(s.sources[b], told[b])[2];
      CHECK(results[b].log_probability == Approx(log_probability[b] + end).epsilon(1e-12));
    }
  }
}

TEST_CASE("decoding: a model without a source") {
  const TableModel model{.seed = 5};
  const auto results = greedy(model, 2, {.max_length = 3, .prefixes = {{0}, {3}}});
  REQUIRE(results.size() == 2);
  CHECK(results[0].ids[0] == 0);
  CHECK(results[1].ids[0] == 3);
  CHECK_FALSE(results[0].weights.defined());
  CHECK_THAT(thrown<ConfigError>([&] { greedy(model, 2); }),
             ContainsSubstring("greedy: a model without sources needs a max_length"));
}

TEST_CASE("decoding: scores that are no numbers are an error that names the step and the sequence") {
  Setting s(1);
  const auto message = [&](double value) {
    s.model.change = [&](const Ids& source, const Ids& ids, std::vector<double>& scores) {
      scores[2] = -40;
      if (source != s.sources[2] || ids.size() != 3) return;
      if (value == -INFINITY)
        scores.assign(scores.size(), value);
      else
        scores[1] = value;
    };
    return thrown<ConfigError>([&] { greedy(s.model, s.batch()); });
  };
  CHECK_THAT(message(NAN), ContainsSubstring("greedy: step 3 of sequence 2: the score of id 1 is nan"));
  CHECK_THAT(message(INFINITY), ContainsSubstring("greedy: step 3 of sequence 2: the score of id 1 is inf"));
  CHECK_THAT(message(-INFINITY), ContainsSubstring("greedy: step 3 of sequence 2: all scores are -inf"));
  s.model.change = [](const Ids&, const Ids&, std::vector<double>& scores) { scores[2] = -INFINITY; };
  const auto results = greedy(s.model, s.batch(), {.max_length = 4});  // a few of them may be
  CHECK(results[0].ids.size() == 4);
}

TEST_CASE("decoding: options that contradict each other, the batch or the vocabulary are errors") {
  const Setting s(1);
  const auto message = [&](const GenerateOptions& options) {
    return thrown<ConfigError>([&] { greedy(s.model, s.batch(), options); });
  };
  CHECK_THAT(message({.max_length = 3, .min_length = 4}), ContainsSubstring("min_length 4, max_length 3"));
  CHECK_THAT(message({.max_length = -1}), ContainsSubstring("max_length -1"));
  CHECK_THAT(message({.no_repeat = -1}), ContainsSubstring("no_repeat -1"));
  CHECK_THAT(message({.banned = {2}}), ContainsSubstring("the banned id 2 is an end"));
  CHECK_THAT(message({.stop_sequences = {{}}}), ContainsSubstring("a stop sequence is empty"));
  CHECK_THAT(message({.prefixes = {{0}}}), ContainsSubstring("1 prefixes for 3 sequences"));
  CHECK_THAT(message({.prefixes = {{}, {0, 2}, {}}}),
             ContainsSubstring("the prefix of sequence 1 contains an end"));
  CHECK_THAT(message({.max_length = 1, .prefixes = {{}, {}, {0, 1}}}),
             ContainsSubstring("the prefix of sequence 2 is longer than max_length"));
  CHECK_THAT(message({.max_length = 0, .ends = Ids{}}), ContainsSubstring("leave nothing to write"));
  CHECK_THAT(message({.min_length = 1, .banned = {0, 1, 3}}),
             ContainsSubstring("step 0 of sequence 0: banned, no_repeat and min_length leave no id"));
  const auto outside = [&](const GenerateOptions& options) {
    return thrown<IndexError>([&] { greedy(s.model, s.batch(), options); });
  };
  CHECK_THAT(outside({.banned = {4}}), ContainsSubstring("id 4 that is banned is outside the scores [3, 4]"));
  CHECK_THAT(outside({.ends = Ids{-1}}), ContainsSubstring("id -1 of an end is outside the scores [3, 4]"));
  CHECK_THAT(outside({.prefixes = {{}, {}, {9}}}), ContainsSubstring("id 9 of a prefix is outside"));
}

namespace {

// Models that break what step() promises, each in its own way.
struct Broken {
  enum class Way { scores, weights, late_weights, lost_weights, vocabulary, rows, select } way;
  struct State {
    std::int64_t n = 0, step = 0;
    bool deaf = false;
    void select(const Tensor& rows) { n = deaf ? n : rows.count(); }
    std::int64_t rows() const { return n; }
  };
  State start(std::int64_t sequences) const { return {sequences, 0, way == Way::select}; }
  Step step(const Tensor&, State& state) const {
    const std::int64_t n = state.n;
    ++state.step;
    if (way == Way::rows) ++state.n;
    const std::int64_t width = way == Way::vocabulary && state.step > 1 ? 5 : 4;
    Step step{Var(Tensor::zeros(way == Way::scores ? Shape{n, 1, width} : Shape{n, width})), {}};
    if (way == (state.step == 1 ? Way::lost_weights : Way::late_weights))
      step.weights = Var(Tensor::zeros({n, 3}));
    if (way == Way::weights) step.weights = Var(Tensor::zeros({n + 1, 3}));
    return step;
  }
};

}  // namespace

TEST_CASE("decoding: a model whose steps do not fit is an error that says what it gave") {
  const auto message = [](Broken::Way way) {
    const GenerateOptions options{
        .max_length = 3, .start = 1, .ends = Ids{3}, .on_id = [](std::int64_t sequence, std::int32_t, double) {
          return sequence == 0;
        }};
    return thrown<ShapeError>([&] { greedy(Broken{way}, 2, options); });
  };
  CHECK_THAT(message(Broken::Way::scores),
             ContainsSubstring("scores [2, 1, 4], weights none, for 2 sequences"));
  CHECK_THAT(message(Broken::Way::weights), ContainsSubstring("scores [2, 4], weights [3, 3]"));
  CHECK_THAT(message(Broken::Way::lost_weights), ContainsSubstring("scores [1, 4], weights none, for 1"));
  CHECK_THAT(message(Broken::Way::late_weights), ContainsSubstring("scores [1, 4], weights [1, 3], for 1"));
  CHECK_THAT(message(Broken::Way::vocabulary),
             ContainsSubstring("scores [1, 5], weights none, for 1 sequences"));
  CHECK_THAT(message(Broken::Way::rows), ContainsSubstring("step: 2 sequences became 3"));
  CHECK_THAT(message(Broken::Way::select), ContainsSubstring("select: 2 sequences are left of the 1"));
  CHECK_THAT(thrown<ConfigError>([] { greedy(Broken{Broken::Way::scores}, 2, {.max_length = 3}); }),
             ContainsSubstring("the model does not name the ids of start and end"));
}

}  // namespace heed::tests
