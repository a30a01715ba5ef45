#include "layers/sampling.h"

#include <cmath>

#include "layers/decoding.h"
#include "tests/layers/decoding_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

std::vector<double> logs_of(const std::vector<double>& probabilities) {
  std::vector<double> logs;
  for (const double p : probabilities) logs.push_back(std::log(p));
  return logs;
}

// What is left of 0.1, 0.4, 0.2, 0.05, 0.25, as multiples of 1/100 of the original.
const std::vector<double> kFive = logs_of({0.10, 0.40, 0.20, 0.05, 0.25});

void check_kept(const SamplingOptions& options, const std::vector<double>& kept) {
  double sum = 0;
  for (const double each : kept) sum += each;
  const std::vector<double> p = sampling_probabilities(kFive, options);
  REQUIRE(p.size() == kept.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    CHECK((p[i] == 0) == (kept[i] == 0));
    CHECK(p[i] == Approx(kept[i] / sum).epsilon(1e-12));
  }
}

// The sum of (seen - expected)² / expected over what can be drawn.
double chi_square(const std::vector<double>& probabilities, const std::vector<std::int64_t>& seen) {
  double draws = 0, total = 0;
  for (const std::int64_t count : seen) draws += static_cast<double>(count);
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double expected = draws * probabilities[i], difference = static_cast<double>(seen[i]) - expected;
    if (probabilities[i] == 0)
      CHECK(seen[i] == 0);
    else
      total += difference * difference / expected;
  }
  return total;
}

}  // namespace

TEST_CASE("sampling: without options the model's own probabilities") {
  check_kept({}, {0.10, 0.40, 0.20, 0.05, 0.25});
}

TEST_CASE("sampling: temperature raises probabilities to the power of its inverse") {
  check_kept({.temperature = 0.5}, {0.01, 0.16, 0.04, 0.0025, 0.0625});
  check_kept({.temperature = 2}, {std::sqrt(0.10), std::sqrt(0.40), std::sqrt(0.20), std::sqrt(0.05), 0.5});
  check_kept({.temperature = 0}, {0, 1, 0, 0, 0});
  check_kept({.temperature = 1e-300}, {0, 1, 0, 0, 0});
}

TEST_CASE("sampling: top-k keeps the k most probable") {
  check_kept({.top_k = 1}, {0, 1, 0, 0, 0});
  check_kept({.top_k = 3}, {0, 0.40, 0.20, 0, 0.25});
  check_kept({.top_k = 5}, {0.10, 0.40, 0.20, 0.05, 0.25});
  check_kept({.top_k = 50}, {0.10, 0.40, 0.20, 0.05, 0.25});
}

TEST_CASE("sampling: top-p keeps the fewest most probable that reach it") {
  check_kept({.top_p = 0.01}, {0, 1, 0, 0, 0});
  check_kept({.top_p = 0.39}, {0, 1, 0, 0, 0});
  check_kept({.top_p = 0.41}, {0, 0.40, 0, 0, 0.25});
  check_kept({.top_p = 0.64}, {0, 0.40, 0, 0, 0.25});
  check_kept({.top_p = 0.66}, {0, 0.40, 0.20, 0, 0.25});
  check_kept({.top_p = 0.96}, {0.10, 0.40, 0.20, 0.05, 0.25});
}

TEST_CASE("sampling: min-p keeps what is that many times as probable as the most probable") {
  check_kept({.min_p = 0.12}, {0.10, 0.40, 0.20, 0.05, 0.25});  // 0.05 / 0.40 = 0.125
  check_kept({.min_p = 0.13}, {0.10, 0.40, 0.20, 0, 0.25});
  check_kept({.min_p = 0.51}, {0, 0.40, 0, 0, 0.25});
  check_kept({.min_p = 1}, {0, 1, 0, 0, 0});
}

TEST_CASE("sampling: typical keeps what is nearest to the entropy, not what is most probable") {
  // -log p = 2.30 0.92 1.61 3.00 1.39, entropy 1.4150: in order 0.25 (0.03), 0.20 (0.19), 0.40 (0.50), 0.10,
  // 0.05
  check_kept({.typical = 0.01}, {0, 0, 0, 0, 0.25});
  check_kept({.typical = 0.26}, {0, 0, 0.20, 0, 0.25});
  check_kept({.typical = 0.46}, {0, 0.40, 0.20, 0, 0.25});
  check_kept({.typical = 0.86}, {0.10, 0.40, 0.20, 0, 0.25});
  check_kept({.typical = 0.99}, {0.10, 0.40, 0.20, 0.05, 0.25});
}

TEST_CASE("sampling: each step sees what the one before has left, divided by its sum") {
  // After top-k 3: 0.47, 0.24, 0.29 of 0.85; the first two of these reach 0.7 only together.
  check_kept({.top_k = 3, .top_p = 0.7}, {0, 0.40, 0, 0, 0.25});
  check_kept({.top_p = 0.7}, {0, 0.40, 0.20, 0, 0.25});
  // At temperature 0.5 the most probable alone has 0.58.
  check_kept({.temperature = 0.5, .top_p = 0.55}, {0, 1, 0, 0, 0});
  check_kept({.top_k = 3, .min_p = 0.6}, {0, 0.40, 0, 0, 0.25});
  // Of 0.40 and 0.25 the entropy is 0.666, -log p 0.486 and 0.956.
  check_kept({.top_k = 2, .typical = 0.5}, {0, 1, 0, 0, 0});
}

TEST_CASE("sampling: of equally probable ids the first are kept, impossible ones never") {
  const std::vector<double> equal = logs_of({0.25, 0, 0.25, 0.25, 0.25});
  CHECK(sampling_probabilities(equal, {.top_k = 2}) == std::vector<double>{0.5, 0, 0.5, 0, 0});
  CHECK(sampling_probabilities(equal, {.top_p = 0.5}) == std::vector<double>{0.5, 0, 0.5, 0, 0});
  CHECK(sampling_probabilities(equal, {.typical = 0.5}) == std::vector<double>{0.5, 0, 0.5, 0, 0});
  CHECK(sampling_probabilities(equal, {.temperature = 0}) == std::vector<double>{1, 0, 0, 0, 0});
  CHECK(sampling_probabilities(equal, {.min_p = 1}) == std::vector<double>{0.25, 0, 0.25, 0.25, 0.25});
  CHECK(sampling_probabilities(equal, {.top_k = 5}) == std::vector<double>{0.25, 0, 0.25, 0.25, 0.25});
}

TEST_CASE("sampling: ids are drawn with the probabilities") {
  // The bound is passed by chance once in 100,000 seeds, with 4 degrees of freedom.
  constexpr double kBound = 28.5;
  constexpr int kDraws = 40'000;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Rng rng(seed);
    const std::vector<double> p = sampling_probabilities(kFive, {.temperature = 1.3});
    std::vector<std::int64_t> seen(5);
    for (int i = 0; i < kDraws; ++i) ++seen[static_cast<std::size_t>(draw(p, rng))];
    CHECK(chi_square(p, seen) < kBound);
    CHECK(chi_square(sampling_probabilities(kFive, {}), seen) > kBound);  // it would have been noticed
  }
}

TEST_CASE("sampling: what is drawn last takes what rounding leaves of 1") {
  Rng rng(1);
  for (int i = 0; i < 100; ++i) CHECK(draw(std::vector<double>{0, 1e-300, 0}, rng) == 1);
}

TEST_CASE("sample: whole sequences come with the probabilities that the model gives them") {
  // Two ids and the end, at most 2 ids: what can be written, and with what probability.
  const TableModel model{.vocabulary = 3, .seed = 8};
  std::vector<Ids> outcomes;
  std::vector<double> probabilities;
  const auto visit = [&](const auto& self, const Ids& ids, double probability) -> void {
    const std::vector<double> next = model.log_probabilities({}, ids);
    if (ids.size() == 2) {
      outcomes.push_back(ids);
      probabilities.push_back(probability);
      return;
    }
    outcomes.push_back(ids);
    probabilities.push_back(probability * std::exp(next[2]));
    for (const std::int32_t id : {0, 1}) {
      Ids longer = ids;
      longer.push_back(id);
      self(self, longer, probability * std::exp(next[static_cast<std::size_t>(id)]));
    }
  };
  visit(visit, {}, 1);
  REQUIRE(outcomes.size() == 7);

  Rng rng(3);
  std::vector<std::int64_t> seen(7);
  std::int64_t ended = 0, of_two = 0;
  for (const Generated& result : sample(model, 20'000, rng, {}, {.max_length = 2})) {
    ++seen[static_cast<std::size_t>(std::find(outcomes.begin(), outcomes.end(), result.ids) -
                                    outcomes.begin())];
    CHECK(result.log_probability == Approx(model.log_probability({}, result.ids, 0, true)).epsilon(1e-12));
    of_two += result.ids == Ids{0, 1};
    ended += result.ids == Ids{0, 1} && result.ended == Ended::end;
  }
  CHECK(chi_square(probabilities, seen) < 33.1);  // 6 degrees of freedom, once in 100,000 seeds
  // Behind max_length ids the end is drawn as often as the model would have it.
  const double p = std::exp(model.log_probabilities({}, {0, 1})[2]);
  const double share = static_cast<double>(ended) / static_cast<double>(of_two);
  CHECK(std::abs(share - p) < 4.5 * std::sqrt(p * (1 - p) / static_cast<double>(of_two)));
}

TEST_CASE("sample: temperature 0 is greedy, and the same seed gives the same sequences") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const TableModel model{.seed = seed};
    Rng rng(seed), again(seed), other(seed + 1);
    const GenerateOptions options{.max_length = 6};
    CHECK(sample(model, 1, rng, {.temperature = 0}, options)[0].ids == greedy(model, 1, options)[0].ids);
    again.split();
    const auto ids_of_all = [](const std::vector<Generated>& all) {
      std::vector<Ids> ids;
      for (const Generated& each : all) ids.push_back(each.ids);
      return ids;
    };
    const auto first = ids_of_all(sample(model, 8, rng, {}, options));
    CHECK(first == ids_of_all(sample(model, 8, again, {}, options)));
    CHECK(first != ids_of_all(sample(model, 8, other, {}, options)));
  }
}

TEST_CASE("sampling: options outside their range are an error that shows them") {
  const auto message = [](const SamplingOptions& options) {
    return thrown<ConfigError>([&] { sampling_probabilities(kFive, options); });
  };
  CHECK_THAT(message({.temperature = -1}), ContainsSubstring("temperature -1"));
  CHECK_THAT(message({.temperature = NAN}), ContainsSubstring("temperature nan"));
  CHECK_THAT(message({.top_k = -1}), ContainsSubstring("top_k -1"));
  CHECK_THAT(message({.top_p = 0}), ContainsSubstring("top_p 0"));
  CHECK_THAT(message({.min_p = 1.5}), ContainsSubstring("min_p 1.5"));
  CHECK_THAT(message({.typical = 1.01}), ContainsSubstring("typical 1.01"));
  CHECK_THAT(thrown<ConfigError>([] {
               sampling_probabilities(logs_of({0, 0}), {});
             }),
             ContainsSubstring("sampling: none of 2 ids can be drawn"));
}

}  // namespace heed::tests
