#include "layers/decoding_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/index.h"

namespace heed::decoding {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// Log-probabilities of a row of scores; false when they have none.
template <class T>
bool normalise(const T* scores, std::vector<double>& out) {
  double best = kNever;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<double>(scores[i]);
    if (!(out[i] < INFINITY)) return false;
    best = std::max(best, out[i]);
  }
  if (best == kNever) return false;
  double sum = 0;
  for (const double score : out) sum += std::exp(score - best);
  const double log_sum = best + std::log(sum);
  for (double& score : out) score -= log_sum;
  return true;
}

}  // namespace

Rules::Rules(const char* way, const DecodingStart& from, const GenerateOptions& options)
    : way_(way), options_(options) {
  const auto count = static_cast<std::size_t>(from.stepper.rows());
  if (!from.source_lengths.empty() && from.source_lengths.size() != count)
    throw ShapeError({.what = text(way, ": the model starts ", count, " sequences from ",
                                   from.source_lengths.size(), " sources")});
  const auto start = options.start ? options.start : from.start;
  if (!start || (!options.ends && !from.end))
    throw ConfigError({.what = text(way, ": the model does not name the ids of start and end"),
                       .hint = "give GenerateOptions::start and ::ends"});
  start_ = *start;
  if (options.ends)
    ends_ = *options.ends;
  else if (*from.end >= 0)
    ends_ = {*from.end};
  if (!options.max_length && from.source_lengths.empty() && count > 0)
    throw ConfigError({.what = text(way, ": a model without sources needs a max_length")});
  for (std::size_t i = 0; i < count; ++i)
    max_length_.push_back(options.max_length ? *options.max_length : 2 * from.source_lengths[i] + 32);
  const std::int64_t shortest =
      max_length_.empty() ? options.min_length : *std::min_element(max_length_.begin(), max_length_.end());
  if (options.min_length < 0 || options.min_length > shortest || options.no_repeat < 0)
    throw ConfigError({.what = text(way, ": min_length ", options.min_length, ", max_length ", shortest,
                                    ", no_repeat ", options.no_repeat),
                       .expected = "0 <= min_length <= max_length and no_repeat >= 0"});
  for (const std::int32_t id : options.banned)
    if (is_end(id))
      throw ConfigError({.what = text(way, ": the banned id ", id, " is an end"),
                         .hint = "ends = {} lets only the length end a sequence"});
  for (const auto& stop : options.stop_sequences)
    if (stop.empty()) throw ConfigError({.what = text(way, ": a stop sequence is empty")});
  if (!options.prefixes.empty() && options.prefixes.size() != count)
    throw ConfigError({.what = text(way, ": ", options.prefixes.size(), " prefixes for ", count, " sequences"),
                       .expected = "one for each sequence, or none"});
  if (ends_.empty() && shortest < 1 && count > 0)
    throw ConfigError({.what = text(way, ": max_length ", shortest, " and no end leave nothing to write")});
  for (std::size_t i = 0; i < options.prefixes.size(); ++i) {
    const auto& prefix = options.prefixes[i];
    const bool ends = std::any_of(prefix.begin(), prefix.end(), [this](std::int32_t id) { return is_end(id); });
    if (ends || static_cast<std::int64_t>(prefix.size()) > max_length_[i])
      throw ConfigError({.what = text(way, ": the prefix of sequence ", i,
                                      ends ? " contains an end" : " is longer than max_length")});
  }
}

bool Rules::is_end(std::int32_t id) const { return std::find(ends_.begin(), ends_.end(), id) != ends_.end(); }

std::int32_t Rules::most_probable_end(const Row& row) const {
  return *std::max_element(ends_.begin(), ends_.end(), [&](std::int32_t a, std::int32_t b) {
    return row.model[static_cast<std::size_t>(a)] < row.model[static_cast<std::size_t>(b)];
  });
}

std::optional<std::int32_t> Rules::forced(std::size_t sequence, std::size_t length,
                                          const Tensor& scores) const {
  if (options_.prefixes.empty() || length >= options_.prefixes[sequence].size()) return {};
  const std::int32_t id = options_.prefixes[sequence][length];
  require_within(scores, std::span(&id, 1), "of a prefix");
  return id;
}

bool Rules::stops(std::span<const std::int32_t> ids) const {
  if (static_cast<std::int64_t>(ids.size()) < options_.min_length) return false;
  return std::any_of(options_.stop_sequences.begin(), options_.stop_sequences.end(), [&](const auto& stop) {
    return stop.size() <= ids.size() && std::equal(stop.rbegin(), stop.rend(), ids.rbegin());
  });
}

void Rules::require_within(const Tensor& scores, std::span<const std::int32_t> ids, const char* what) const {
  for (const std::int32_t id : ids)
    if (id < 0 || id >= scores.extent(1))
      throw IndexError({.what = text(way_, ": id ", id, " ", what, " is outside the scores ", scores.shape()),
                        .expected = text("0 <= id < ", scores.extent(1))});
}

void Rules::forbid(std::vector<double>& allowed, std::span<const std::int32_t> ids) const {
  const auto forbid_each = [&](const std::vector<std::int32_t>& given) {
    for (const std::int32_t id : given) allowed[static_cast<std::size_t>(id)] = kNever;
  };
  forbid_each(options_.banned);
  if (static_cast<std::int64_t>(ids.size()) < options_.min_length) forbid_each(ends_);
  const auto run = static_cast<std::size_t>(options_.no_repeat);
  if (run == 0 || ids.size() < run) return;
  const auto last = ids.last(run - 1);
  for (std::size_t i = 0; i + run <= ids.size(); ++i)
    if (std::equal(last.begin(), last.end(), ids.begin() + static_cast<std::ptrdiff_t>(i)))
      allowed[static_cast<std::size_t>(ids[i + run - 1])] = kNever;
}

std::string Rules::step_name(std::size_t sequence, std::span<const std::int32_t> ids) const {
  return text(way_, ": step ", ids.size(), " of sequence ", sequence, ": ");
}

bool Rules::fill(Row& row, const Tensor& scores, std::int64_t at, std::size_t sequence,
                 std::span<const std::int32_t> ids) const {
  require_within(scores, ends_, "of an end");
  require_within(scores, options_.banned, "that is banned");
  row.model.resize(static_cast<std::size_t>(scores.extent(1)));
  const Tensor mine = scores.select(0, at).contiguous_copy_if_needed();
  const bool usable = for_floating(
      scores.dtype(), way_, [&](auto zero) { return normalise(mine.data<decltype(zero)>(), row.model); });
  if (!usable) {
    const std::vector<double> all = mine.to_vector();
    const auto wrong = std::find_if(all.begin(), all.end(), [](double score) { return !(score < INFINITY); });
    throw ConfigError(
        {.what = step_name(sequence, ids) +
                 (wrong == all.end() ? text("all scores are -inf")
                                     : text("the score of id ", wrong - all.begin(), " is ", *wrong)),
         .expected = "finite scores, or -inf for some",
         .operands = text("scores: ", scores.origin())});
  }
  row.allowed = row.model;
  forbid(row.allowed, ids);
  return std::any_of(row.allowed.begin(), row.allowed.end(), [](double p) { return p > kNever; });
}

void Rules::throw_stuck(std::size_t sequence, std::span<const std::int32_t> ids) const {
  throw ConfigError({.what = step_name(sequence, ids) +
                             "banned, no_repeat and min_length leave no id that the model thinks possible",
                     .expected = "an id that may follow"});
}

Tensor Lookout::along(std::span<const std::int32_t> rows, std::span<const std::int64_t> source_lengths,
                      std::size_t sequence) const {
  if (steps_.empty()) return {};
  std::vector<Tensor> looked;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const Tensor row = steps_[t].slice(0, rows[t], rows[t] + 1);  // [1, S]
    looked.push_back(source_lengths.empty() ? row : row.slice(1, 0, source_lengths[sequence]));
  }
  return concat(looked, 0);
}

}  // namespace heed::decoding
