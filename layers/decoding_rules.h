// What all ways of decoding share: the log-probabilities of a step, what may follow, where steps looked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "layers/decoding.h"

namespace heed::decoding {

/// Log-probabilities [V] of what may follow a sequence, in f64.
struct Row {
  std::vector<double> model;    ///< the model's
  std::vector<double> allowed;  ///< the same, -inf where the rules forbid the id
};

/// GenerateOptions, which must outlive it, with everything settled for a batch that is about to start. Lengths
/// are numbers of ids so far.
class Rules {
 public:
  /// Throws ConfigError for options that contradict each other or the batch. `way` is the name in messages.
  Rules(const char* way, const DecodingStart& from, const GenerateOptions& options);

  std::int32_t start() const { return start_; }
  const std::vector<std::int32_t>& ends() const { return ends_; }
  bool is_end(std::int32_t id) const;
  std::int32_t most_probable_end(const Row& row) const;
  std::int64_t max_length(std::size_t sequence) const { return max_length_[sequence]; }
  /// Whether nothing but an end can follow, and whether nothing at all can.
  bool is_full(std::size_t sequence, std::size_t length) const {
    return static_cast<std::int64_t>(length) >= max_length_[sequence];
  }
  bool is_complete(std::size_t sequence, std::size_t length) const {
    return ends_.empty() && is_full(sequence, length);
  }
  /// The id that must follow; none when it is free. Throws IndexError for one outside scores [N, V].
  std::optional<std::int32_t> forced(std::size_t sequence, std::size_t length, const Tensor& scores) const;
  /// Whether ids that have just grown end with a stop sequence.
  bool stops(std::span<const std::int32_t> ids) const;

  /// Fills `row` from row `at` of scores [N, V]; false when no id may follow. Throws ConfigError for scores
  /// that are NaN, inf or all -inf, naming the step and the sequence; IndexError for an id of the rules that is
  /// not in [0, V).
  bool fill(Row& row, const Tensor& scores, std::int64_t at, std::size_t sequence,
            std::span<const std::int32_t> ids) const;
  /// Throws the ConfigError of a sequence that goes no further because no id may follow.
  [[noreturn]] void throw_stuck(std::size_t sequence, std::span<const std::int32_t> ids) const;

 private:
  void require_within(const Tensor& scores, std::span<const std::int32_t> ids, const char* what) const;
  std::string step_name(std::size_t sequence, std::span<const std::int32_t> ids) const;
  void forbid(std::vector<double>& allowed, std::span<const std::int32_t> ids) const;

  const char* way_;
  const GenerateOptions& options_;
  std::int32_t start_ = 0;
  std::vector<std::int32_t> ends_;
  std::vector<std::int64_t> max_length_;
};

/// Where the steps of a decoding looked.
class Lookout {
 public:
  /// Takes the weights of the next step, if there are any.
  void add(const Step& step) {
    if (step.weights.defined()) steps_.push_back(step.weights.value());
  }
  /// The weights of a sequence that stood in row rows[t] at step t: [rows.size(), its source's length];
  /// undefined when the model gives none.
  Tensor along(std::span<const std::int32_t> rows, std::span<const std::int64_t> source_lengths,
               std::size_t sequence) const;

 private:
  std::vector<Tensor> steps_;  // [N, S] each
};

}  // namespace heed::decoding
