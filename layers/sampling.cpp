#include "layers/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace heed {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

void require_sensible(const SamplingOptions& o) {
  const auto share = [](double x) { return x > 0 && x <= 1; };
  const bool fits = o.temperature >= 0 && o.temperature < INFINITY && o.top_k >= 0 && share(o.top_p) &&
                    o.min_p >= 0 && o.min_p <= 1 && share(o.typical);
  if (!fits)
    throw ConfigError({.what = text("sampling: temperature ", o.temperature, ", top_k ", o.top_k, ", top_p ",
                                    o.top_p, ", min_p ", o.min_p, ", typical ", o.typical),
                       .expected = "temperature >= 0 and finite, top_k >= 0, 0 < top_p <= 1, 0 <= min_p <= 1, "
                                   "0 < typical <= 1"});
}

// Probabilities of the log-probabilities divided by the temperature.
std::vector<double> tempered(std::span<const double> log_probabilities, double temperature) {
  const auto best = std::max_element(log_probabilities.begin(), log_probabilities.end());
  if (best == log_probabilities.end() || !(*best > kNever))
    throw ConfigError({.what = text("sampling: none of ", log_probabilities.size(), " ids can be drawn"),
                       .expected = "a log-probability above -inf"});
  std::vector<double> p(log_probabilities.size(), 0.0);
  if (temperature == 0)
    p[static_cast<std::size_t>(best - log_probabilities.begin())] = 1;
  else
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = std::exp((log_probabilities[i] - *best) / temperature);
  return p;
}

void normalise(std::vector<double>& p) {
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= total;
}

// Ids that can be drawn, in the order of `before`; equal ones in the order of the ids.
template <class Before>
std::vector<std::size_t> possible_in_order(const std::vector<double>& p, Before before) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), before);
  return order;
}

void keep_first(std::vector<double>& p, const std::vector<std::size_t>& order, std::size_t count) {
  for (std::size_t i = count; i < order.size(); ++i) p[order[i]] = 0;
  normalise(p);
}

// The first ids of the order that together have the probability, at least one.
void keep_probable(std::vector<double>& p, const std::vector<std::size_t>& order, double probability) {
  double sum = 0;
  std::size_t count = 0;
  while (count < order.size() && (count == 0 || sum < probability)) sum += p[order[count++]];
  keep_first(p, order, count);
}

void keep_typical(std::vector<double>& p, double probability) {
  double entropy = 0;
  for (const double each : p)
    if (each > 0) entropy -= each * std::log(each);
  const auto oddity = [&](std::size_t i) { return std::abs(-std::log(p[i]) - entropy); };
  keep_probable(p, possible_in_order(p, [&](std::size_t a, std::size_t b) { return oddity(a) < oddity(b); }),
                probability);
}

}  // namespace

std::vector<double> sampling_probabilities(std::span<const double> log_probabilities,
                                           const SamplingOptions& options) {
  require_sensible(options);
  std::vector<double> p = tempered(log_probabilities, options.temperature);
  normalise(p);
  const auto more_probable = [&](std::size_t a, std::size_t b) { return p[a] > p[b]; };
  if (options.top_k > 0) {
    const auto order = possible_in_order(p, more_probable);
    keep_first(p, order, static_cast<std::size_t>(options.top_k));
  }
  if (options.top_p < 1) keep_probable(p, possible_in_order(p, more_probable), options.top_p);
  if (options.min_p > 0) {
    const double least = options.min_p * *std::max_element(p.begin(), p.end());
    for (double& each : p)
      if (each < least) each = 0;
    normalise(p);
  }
  if (options.typical < 1) keep_typical(p, options.typical);
  return p;
}

std::int32_t draw(std::span<const double> probabilities, Rng& rng) {
  const double at = rng.uniform();
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!(probabilities[i] > 0)) continue;
    last = i;
    sum += probabilities[i];
    if (sum > at) break;
  }
  return static_cast<std::int32_t>(last);
}

}  // namespace heed
