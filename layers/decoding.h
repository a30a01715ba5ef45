// Writing ids one after the other with any model that has a step: greedily and by sampling; beam_search.h has a
// third way. Every way of it keeps the same rules of what may follow and when a sequence ends.
//
// A sequence gives what it gives alone, whatever else is in the batch (but for the rounding of products of
// other sizes). One that has ended leaves the batch.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "layers/sampling.h"
#include "layers/stepper.h"

namespace heed {

/// Told of each id as it is chosen: the sequence in the batch, the id, and the probability that the model gave
/// it. False stops that sequence.
using OnId = std::function<bool(std::int64_t sequence, std::int32_t id, double probability)>;

/// What may follow, and when a sequence ends. Lengths count the forced ids too, the start and the end not.
struct GenerateOptions {
  /// Ids at most, behind which only the end can stand; when not given, twice the source's and 32 more.
  std::optional<std::int64_t> max_length = {};
  /// Before that many ids there is no end and no stop.
  std::int64_t min_length = 0;
  /// The id of the first step, and the ids that end a sequence (none: only the length does); when not given,
  /// those that the model names (an end below 0: none).
  std::optional<std::int32_t> start = {};
  std::optional<std::vector<std::int32_t>> ends = {};
  /// A sequence whose last ids are one of these is over; they stay in it.
  std::vector<std::vector<std::int32_t>> stop_sequences = {};
  std::vector<std::int32_t> banned = {};  ///< never chosen
  std::int64_t no_repeat = 0;             ///< no run of so many ids is written twice; 0: as it comes
  /// What each sequence begins with, of any lengths: one for each sequence, or none at all.
  std::vector<std::vector<std::int32_t>> prefixes = {};
  OnId on_id = {};
};

/// Why a sequence is over.
enum class Ended {
  end,            ///< the model chose the end
  length,         ///< it has max_length ids and the model would have gone on
  stop_sequence,  ///< its last ids are a stop sequence
  callback,       ///< on_id returned false
};

/// One generated sequence.
struct Generated {
  std::vector<std::int32_t> ids;  ///< without start and end, with what was forced
  /// [steps, S]: where each id, and the end, looked in the source; undefined without attention. There is a row
  /// an id and one for the end, which a stop sequence and on_id leave out.
  Tensor weights;
  /// Natural logarithm of the probability that the model gives the ids that were not forced, and the end where
  /// it was reached by `end` or `length`.
  double log_probability = 0;
  double score = 0;  ///< what beam_search() ranks by; log_probability of the other ways
  Ended ended = Ended::end;
};

/// A model in the state before its first step, and what the sequences depend on. Made by decoding_start().
struct DecodingStart {
  Stepper stepper;
  std::vector<std::int64_t> source_lengths;  ///< ids of each source; empty without sources
  std::optional<std::int32_t> start, end;    ///< what the model names
};
template <DecodesSource Model>
DecodingStart decoding_start(const Model& model, const Tokens& source);
template <DecodesAlone Model>
DecodingStart decoding_start(const Model& model, std::int64_t sequences);

/// The most probable id again and again (the first of several); one result a sequence. `source` is Tokens, or
/// the number of sequences of a model without a source. The model must be in evaluation mode if that matters to
/// it. Throws ConfigError for options that contradict each other or leave no id to choose, and for scores that
/// are no numbers, naming the step and the sequence; IndexError for an id outside the vocabulary.
std::vector<Generated> greedy(DecodingStart from, const GenerateOptions& options = {});
template <Decodes Model, class Source>
std::vector<Generated> greedy(const Model& model, const Source& source, const GenerateOptions& options = {}) {
  return greedy(decoding_start(model, source), options);
}

/// Each id drawn at random from what the model thinks probable (sampling.h). Each sequence has a stream of
/// random numbers of its own, split from `rng` in the order of the sequences, and draws one number an id that
/// is not forced: a batch gives what its sequences give that are sampled one by one with the same generator.
/// Throws as greedy().
std::vector<Generated> sample(DecodingStart from, Rng& rng, const SamplingOptions& sampling = {},
                              const GenerateOptions& options = {});
template <Decodes Model, class Source>
std::vector<Generated> sample(const Model& model, const Source& source, Rng& rng,
                              const SamplingOptions& sampling = {}, const GenerateOptions& options = {}) {
  return sample(decoding_start(model, source), rng, sampling, options);
}

namespace decoding {

/// The ids that each source has.
std::vector<std::int64_t> lengths_of(const Tokens& source);

template <class Model>
DecodingStart start_of(const Model& model, typename Model::State state, std::vector<std::int64_t> lengths) {
  DecodingStart from{Stepper(model, std::move(state)), std::move(lengths), {}, {}};
  if constexpr (NamesStartAndEnd<Model>) {
    from.start = model.config().start;
    from.end = model.config().end;
  }
  return from;
}

}  // namespace decoding

template <DecodesSource Model>
DecodingStart decoding_start(const Model& model, const Tokens& source) {
  const NoGrad no_grad;
  return decoding::start_of(model, model.start(source), decoding::lengths_of(source));
}

template <DecodesAlone Model>
DecodingStart decoding_start(const Model& model, std::int64_t sequences) {
  const NoGrad no_grad;
  return decoding::start_of(model, model.start(sequences), {});
}

}  // namespace heed
