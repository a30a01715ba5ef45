#include "layers/decoding.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "layers/decoding_rules.h"

namespace heed {
namespace decoding {

std::vector<std::int64_t> lengths_of(const Tokens& source) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < source.batch(); ++b)
    lengths.push_back(source.lengths.defined()
                          ? source.lengths.data<std::int32_t>()[b * source.lengths.stride(0)]
                          : source.time());
  return lengths;
}

namespace {

// Picks the next id of a sequence by the log-probabilities of what may follow, of which one is above -inf.
using Choose = std::function<std::int32_t(std::size_t sequence, const std::vector<double>& allowed)>;

struct Writing {
  Generated result;
  std::vector<std::int32_t> rows;  // of the batch, step after step
};

// The batch while it is written: each sequence takes one id a step and leaves when it is over.
class Batch {
 public:
  Batch(const char* way, DecodingStart from, const GenerateOptions& options, Choose choose)
      : from_(std::move(from)),
        on_id_(options.on_id),
        rules_(way, from_, options),
        choose_(std::move(choose)),
        writings_(static_cast<std::size_t>(from_.stepper.rows())) {}

  std::vector<Generated> write() {
    for (std::size_t i = 0; i < writings_.size(); ++i) live_.push_back(i);
    std::vector<std::int32_t> last(live_.size(), rules_.start()), kept;
    while (!live_.empty()) {
      const Step step = from_.stepper.step(Tensor::of(last, {static_cast<std::int64_t>(last.size())}));
      lookout_.add(step);
      kept.clear();
      for (std::size_t row = 0; row < live_.size(); ++row)
        if (goes_on(step.scores.value(), row)) kept.push_back(static_cast<std::int32_t>(row));
      keep(kept);
      last.clear();
      for (const std::size_t sequence : live_) last.push_back(writings_[sequence].result.ids.back());
    }
    std::vector<Generated> results;
    for (std::size_t i = 0; i < writings_.size(); ++i) results.push_back(finished(i));
    return results;
  }

 private:
  // Gives a sequence its next id; false when it is over.
  bool goes_on(const Tensor& scores, std::size_t row) {
    const std::size_t sequence = live_[row];
    auto& [result, rows] = writings_[sequence];
    rows.push_back(static_cast<std::int32_t>(row));
    if (const auto forced = rules_.forced(sequence, result.ids.size(), scores)) {
      result.ids.push_back(*forced);
    } else {
      if (!rules_.fill(row_, scores, static_cast<std::int64_t>(row), sequence, result.ids))
        rules_.throw_stuck(sequence, result.ids);
      if (!take(sequence, result)) return false;
    }
    if (!rules_.is_complete(sequence, result.ids.size())) return true;
    result.ended = Ended::length;
    return false;
  }

  // The same for an id that is free, by row_.
  bool take(std::size_t sequence, Generated& result) {
    std::int32_t id = choose_(sequence, row_.allowed);
    const bool full = rules_.is_full(sequence, result.ids.size());
    if (full && !rules_.is_end(id)) {
      id = rules_.most_probable_end(row_);
      result.ended = Ended::length;
    }
    const double log_probability = row_.model[static_cast<std::size_t>(id)];
    result.log_probability += log_probability;
    if (rules_.is_end(id)) return false;
    result.ids.push_back(id);
    if (on_id_ && !on_id_(static_cast<std::int64_t>(sequence), id, std::exp(log_probability))) {
      result.ended = Ended::callback;
      return false;
    }
    if (rules_.stops(result.ids)) {
      result.ended = Ended::stop_sequence;
      return false;
    }
    return true;
  }

  void keep(const std::vector<std::int32_t>& rows) {
    if (rows.size() == live_.size()) return;
    for (std::size_t i = 0; i < rows.size(); ++i) live_[i] = live_[static_cast<std::size_t>(rows[i])];
    live_.resize(rows.size());
    if (!rows.empty()) from_.stepper.select(Tensor::of(rows, {static_cast<std::int64_t>(rows.size())}));
  }

  Generated finished(std::size_t sequence) {
    auto& [result, rows] = writings_[sequence];
    result.score = result.log_probability;
    result.weights = lookout_.along(rows, from_.source_lengths, sequence);
    return std::move(result);
  }

  DecodingStart from_;
  const OnId& on_id_;
  Rules rules_;
  Choose choose_;
  std::vector<Writing> writings_;
  std::vector<std::size_t> live_;  // which sequence each row of the state is
  Lookout lookout_;
  Row row_;
};

}  // namespace
}  // namespace decoding

std::vector<Generated> greedy(DecodingStart from, const GenerateOptions& options) {
  const NoGrad no_grad;
  const auto most_probable = [](std::size_t, const std::vector<double>& allowed) {
    return static_cast<std::int32_t>(std::max_element(allowed.begin(), allowed.end()) - allowed.begin());
  };
  return decoding::Batch("greedy", std::move(from), options, most_probable).write();
}

std::vector<Generated> sample(DecodingStart from, Rng& rng, const SamplingOptions& sampling,
                              const GenerateOptions& options) {
  const NoGrad no_grad;
  std::vector<Rng> streams;
  for (std::int64_t i = 0; i < from.stepper.rows(); ++i) streams.push_back(rng.split());
  const auto drawn = [&](std::size_t sequence, const std::vector<double>& allowed) {
    return draw(sampling_probabilities(allowed, sampling), streams[sequence]);
  };
  return decoding::Batch("sample", std::move(from), options, drawn).write();
}

}  // namespace heed
