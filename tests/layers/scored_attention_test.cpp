#include "layers/scored_attention.h"

#include <memory>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "layers/attention_maps.h"
#include "layers/checks.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr std::int64_t kBatch = 2, kSources = 5, kTargets = 3, kQuery = 4, kKey = 6, kInner = 3;

constexpr ScoreKind kKinds[] = {ScoreKind::dot,    ScoreKind::scaled_dot, ScoreKind::general,
                                ScoreKind::concat, ScoreKind::additive,   ScoreKind::projected};

bool is_dot(ScoreKind kind) { return kind == ScoreKind::dot || kind == ScoreKind::scaled_dot; }

struct Setting {
  Rng rng{7};
  std::int64_t key_width;
  ScoredAttention attention;
  Var hs, queries;
  Tensor lengths = ids_of({5, 3}, {2});

  explicit Setting(ScoreKind kind, std::int64_t window = 0)
      : key_width(is_dot(kind) ? kQuery : kKey),
        attention(
            {.score = kind, .query_width = kQuery, .key_width = key_width, .inner = kInner, .window = window},
            rng) {
    take_random_parameters(attention, rng);
    hs = normal_leaf({kBatch, kSources, key_width}, rng);
    queries = normal_leaf({kBatch, kTargets, kQuery}, rng);
  }
  Mask mask() const { return Mask::padding(lengths, kSources); }
  std::vector<double> parameter(std::size_t i) const {
    return attention.parameters().at(i).value().to_vector();
  }
};

// The score of one pair of states, number by number, as the papers have it.
double score(const Setting& s, ScoreKind kind, std::int64_t b, std::int64_t t, std::int64_t j) {
  const auto h = [&](std::int64_t i) { return s.queries.value().at({b, t, i}); };
  const auto k = [&](std::int64_t i) { return s.hs.value().at({b, j, i}); };
  double sum = 0;
  if (is_dot(kind)) {
    for (std::int64_t i = 0; i < kQuery; ++i) sum += h(i) * k(i);
    return kind == ScoreKind::dot ? sum : sum / 2;  // the root of kQuery
  }
  const std::vector<double> w = s.parameter(0), second = s.parameter(1 % s.attention.parameters().size());
  if (kind == ScoreKind::general) {
    for (std::int64_t i = 0; i < kKey; ++i)
      for (std::int64_t q = 0; q < kQuery; ++q)
        sum += k(i) * w[static_cast<std::size_t>(i * kQuery + q)] * h(q);
    return sum;
  }
  for (std::int64_t n = 0; n < kInner; ++n) {
    const auto column = [&](const std::vector<double>& matrix, std::int64_t row) {
      return matrix[static_cast<std::size_t>(row * kInner + n)];
    };
    if (kind == ScoreKind::projected) {  // parameters: query weight and bias, key weight and bias, …
      const std::vector<double> wk = s.parameter(2), key_bias = s.parameter(3);
      double q = second[static_cast<std::size_t>(n)], key = key_bias[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < kQuery; ++i) q += h(i) * column(w, i);
      for (std::int64_t i = 0; i < kKey; ++i) key += k(i) * column(wk, i);
      sum += q * key;
    } else {
      double inside = second[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < kQuery; ++i) inside += h(i) * column(w, i);
      for (std::int64_t i = 0; i < kKey; ++i) inside += k(i) * column(w, kQuery + i);
      sum += s.parameter(2)[static_cast<std::size_t>(n)] * std::tanh(inside);
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("scored attention: every score is the formula of its paper, number by number") {
  for (const ScoreKind kind : kKinds) {
    const Setting s(kind);
    INFO(s.attention.description());
    const Tensor scores = s.attention.scores(s.attention.memory(s.hs), s.queries).value();
    REQUIRE(scores.shape() == Shape{kBatch, kTargets, kSources});
    for (std::int64_t b = 0; b < kBatch; ++b)
      for (std::int64_t t = 0; t < kTargets; ++t)
        for (std::int64_t j = 0; j < kSources; ++j)
          CHECK(std::abs(scores.at({b, t, j}) - score(s, kind, b, t, j)) < kTolerance);
  }
}

TEST_CASE("scored attention: one matrix on the joined states equals two matrices added, gradients too") {
  Setting joined(ScoreKind::concat), added(ScoreKind::additive);
  added.attention.load_state(joined.attention.state());
  const auto run = [](Setting& s) {
    const Attended attended = s.attention(s.hs, s.queries, s.mask());
    Rng rng(1);
    const Var dy(normal(attended.context.shape(), rng));
    sum(attended.context * dy).backward();
    return attended.context.value();
  };
  CHECK(largest_difference(run(joined), run(added)) < kTolerance);
  CHECK(largest_difference(take_gradients(joined.attention), take_gradients(added.attention)) < kTolerance);
  CHECK(largest_difference(joined.hs.grad().value(), added.hs.grad().value()) < kTolerance);
  CHECK(largest_difference(joined.queries.grad().value(), added.queries.grad().value()) < kTolerance);
}

TEST_CASE("scored attention: dot is the book's TimeAttention, and general with the identity is dot") {
  const Setting s(ScoreKind::dot);
  const Attended book = TimeAttention()(s.hs, s.queries, s.mask());
  const Attended attended = s.attention(s.hs, s.queries, s.mask());
  CHECK(largest_difference(attended.context.value(), book.context.value()) < kTolerance);
  CHECK(largest_difference(attended.weights.value(), book.weights.value()) < kTolerance);

  Rng rng(1);
  ScoredAttention general({.score = ScoreKind::general, .query_width = kQuery}, rng);
  general.to(DType::f64);
  Tensor identity = Tensor::zeros({kQuery, kQuery}, DType::f64);
  for (std::int64_t i = 0; i < kQuery; ++i) identity.set({i, i}, 1);
  general.load_state({{"weight", identity}});
  CHECK(largest_difference(general(s.hs, s.queries, s.mask()).context.value(), book.context.value()) <
        kTolerance);
}

TEST_CASE("scored attention: padding gets no weight, and nothing to attend to gives 0 and gradient 0") {
  for (const ScoreKind kind : kKinds)
    for (const std::int64_t window : {0, 2}) {
      Setting s(kind, window);
      INFO(s.attention.description());
      s.lengths = ids_of({3, 0}, {2});
      const Attended attended = s.attention(s.hs, s.queries, s.mask());
      CHECK(largest(attended.weights.value().slice(2, 3, kSources)) == 0);
      CHECK(largest(attended.weights.value().select(0, 1)) == 0);
      if (kind != ScoreKind::projected) CHECK(largest(attended.context.value().select(0, 1)) == 0);
      CHECK(largest(attended.weights.value().select(0, 0)) > 0);
      sum(attended.context * attended.context).backward();
      CHECK(largest(s.hs.grad().value().select(0, 1)) == 0);
      CHECK(largest(s.queries.grad().value().select(0, 1)) == 0);
      CHECK(largest(s.hs.grad().value().select(0, 0).slice(0, 3, kSources)) == 0);
      for (const double each : s.queries.grad().value().to_vector()) CHECK(std::isfinite(each));
    }
}

TEST_CASE(
    "scored attention: local attention sees a window around a place within the real source, under a bell") {
  const Setting s(ScoreKind::general, 2);
  const Setting whole(ScoreKind::general);
  const Tensor weights = s.attention(s.hs, s.queries, s.mask()).weights.value();
  const Tensor place_weight = s.attention.parameters().at(1).value(),
               place_v = s.attention.parameters().at(2).value();
  for (std::int64_t b = 0; b < kBatch; ++b)
    for (std::int64_t t = 0; t < kTargets; ++t) {
      double inner = 0;
      for (std::int64_t n = 0; n < kQuery; ++n) {
        double x = 0;
        for (std::int64_t i = 0; i < kQuery; ++i)
          x += s.queries.value().at({b, t, i}) * place_weight.at({i, n});
        inner += place_v.at({n}) * std::tanh(x);
      }
      const double length = b == 0 ? 5 : 3, place = length / (1 + std::exp(-inner));
      double total = 0;
      std::vector<double> expected(kSources);
      for (std::int64_t j = 0; j < static_cast<std::int64_t>(length); ++j) {
        const double distance = static_cast<double>(j) - place;
        if (std::abs(distance) > 2) continue;
        expected[static_cast<std::size_t>(j)] = std::exp(score(s, ScoreKind::general, b, t, j));
        total += expected[static_cast<std::size_t>(j)];
        expected[static_cast<std::size_t>(j)] *= std::exp(-distance * distance / 2);  // deviation 1
      }
      for (std::int64_t j = 0; j < kSources; ++j)
        CHECK(std::abs(weights.at({b, t, j}) - expected[static_cast<std::size_t>(j)] / total) < kTolerance);
    }
}

TEST_CASE("scored attention: gradients of all parameters are those of finite differences") {
  for (const ScoreKind kind : kKinds) {
    if (is_dot(kind)) continue;  // without parameters
    Setting s(kind, kind == ScoreKind::additive ? 3 : 0);
    Rng rng(2);
    const Var dy(normal({kBatch, kTargets, kind == ScoreKind::projected ? kInner : kKey}, rng));
    const CheckReport report = check_gradients(
        s.attention, [&] { return sum(s.attention(s.hs, s.queries, s.mask()).context * dy); }, {.most = 0});
    INFO(s.attention.description() << "\n" << to_string(report));
    CHECK(report);
  }
}

TEST_CASE("scored attention: its maps are kept, and misfits are named") {
  const Setting s(ScoreKind::additive);
  const AttentionMaps maps;
  const Attended attended = s.attention(s.hs, s.queries);
  CHECK(largest_difference(maps[""].front().squeeze(1), attended.weights.value()) == 0);
  const std::string error = thrown<ShapeError>([&] { s.attention(s.queries, s.queries); });
  CHECK_THAT(error, ContainsSubstring("attention: hs is [2, 3, 4]") && ContainsSubstring("hs [B, S, 6]") &&
                        ContainsSubstring("in: ScoredAttention, additive"));
  CHECK_THAT(thrown<ShapeError>([&] { s.attention(s.hs, s.hs); }),
             ContainsSubstring("attention: queries are [2, 5, 6] for keys [2, 5, 3]") &&
                 ContainsSubstring("queries [B, T, 4] for keys [B, S, ·]"));
  CHECK_THROWS_AS(s.attention(s.hs, slice(s.queries, 0, 0, 1)), ShapeError);
  Rng rng(1);
  CHECK_THAT(thrown<ConfigError>([&] { ScoredAttention({.query_width = 4, .key_width = 6}, rng); }),
             ContainsSubstring("an inner product of states 4 and 6 wide"));
  CHECK_THAT(thrown<ConfigError>([&] { ScoredAttention({.query_width = 4, .window = -1}, rng); }),
             ContainsSubstring("window -1"));
}

TEST_CASE("scored attention: what is made of the sources once serves any number of queries, gradients too") {
  for (const ScoreKind kind : kKinds) {
    Setting at_once(kind, 3), one_by_one(kind, 3);
    INFO(at_once.attention.description());
    const Attended all = at_once.attention(at_once.hs, at_once.queries, at_once.mask());
    const ScoredAttention::Memory memory = one_by_one.attention.memory(one_by_one.hs);
    std::vector<Var> contexts;
    for (std::int64_t t = 0; t < kTargets; ++t)
      contexts.push_back(
          one_by_one.attention(memory, slice(one_by_one.queries, 1, t, t + 1), one_by_one.mask()).context);
    const Var joined = concat(contexts, 1);
    CHECK(joined.extent(2) == one_by_one.attention.context_width());
    CHECK(largest_difference(joined.value(), all.context.value()) < kTolerance);
    sum(square(all.context)).backward();
    sum(square(joined)).backward();
    CHECK(largest_difference(take_gradients(one_by_one.attention), take_gradients(at_once.attention)) <
          kTolerance);
    CHECK(largest_difference(one_by_one.hs.grad().value(), at_once.hs.grad().value()) < kTolerance);
  }
}

TEST_CASE("scored attention: with coverage the score is v . tanh(h W + s U + c w + b), joined or added") {
  const auto make = [](ScoreKind kind, Rng& rng) {
    auto attention = std::make_unique<ScoredAttention>(
        ScoredAttentionConfig{
            .score = kind, .query_width = kQuery, .key_width = kKey, .inner = kInner, .coverage = true},
        rng);
    take_random_parameters(*attention, rng);
    return attention;
  };
  Rng rng(9);
  const auto joined = make(ScoreKind::concat, rng), added = make(ScoreKind::additive, rng);
  joined->load_state(added->state());
  const Var hs(normal({kBatch, kSources, kKey}, rng)), queries(normal({kBatch, kTargets, kQuery}, rng));
  const Var coverage = normal_leaf({kBatch, kTargets, kSources}, rng);
  const auto score = [&](const ScoredAttention& attention, const Var& given) {
    return attention.scores(attention.memory(hs), queries, given);
  };
  const std::vector<Var> parameters = added->parameters();
  const Tensor w = parameters[0].value(), bias = parameters[1].value(), v = parameters[2].value();
  const Tensor found = score(*added, coverage).value();
  for (std::int64_t b = 0; b < kBatch; ++b)
    for (std::int64_t t = 0; t < kTargets; ++t)
      for (std::int64_t j = 0; j < kSources; ++j) {
        double expected = 0;
        for (std::int64_t n = 0; n < kInner; ++n) {
          double inside = bias.at({n}) + coverage.value().at({b, t, j}) * w.at({kQuery + kKey, n});
          for (std::int64_t i = 0; i < kQuery; ++i) inside += queries.value().at({b, t, i}) * w.at({i, n});
          for (std::int64_t i = 0; i < kKey; ++i) inside += hs.value().at({b, j, i}) * w.at({kQuery + i, n});
          expected += v.at({n}) * std::tanh(inside);
        }
        CHECK(std::abs(found.at({b, t, j}) - expected) < kTolerance);
      }
  CHECK(largest_difference(score(*joined, coverage).value(), found) < kTolerance);
  CHECK(largest_difference(score(*joined, {}).value(), score(*added, {}).value()) < kTolerance);
  sum(square(score(*joined, coverage))).backward();
  const Tensor of_joined = coverage.grad().value().clone();
  Var(coverage).zero_grad();
  sum(square(score(*added, coverage))).backward();
  CHECK(largest_difference(coverage.grad().value(), of_joined) < kTolerance);
  CHECK(largest_difference(take_gradients(*joined), take_gradients(*added)) < kTolerance);
}

TEST_CASE("scored attention: coverage where the score has no place for it is refused") {
  Rng rng(1);
  CHECK(thrown<ConfigError>(
            [&] { ScoredAttention({.score = ScoreKind::general, .query_width = 4, .coverage = true}, rng); }) ==
        "ConfigError: ScoredAttention: coverage in a score of kind general\n  requires concat or additive");
  const Setting s(ScoreKind::additive);
  const Var coverage(Tensor::zeros({kBatch, kTargets, kSources}, DType::f64));
  CHECK_THAT(
      thrown<ConfigError>([&] { s.attention(s.attention.memory(s.hs), s.queries, {}, coverage); }),
      ContainsSubstring("attention: a coverage is given\n  requires a score with coverage\n  in: Scored"));
}

}  // namespace heed::tests
