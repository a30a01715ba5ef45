// Beam search: the sequences that score best, among those that several hypotheses side by side come upon.
#pragma once

#include <vector>

#include "layers/decoding.h"

namespace heed {

/// What the log-probability of n ids is divided by, so that long sequences are not always worse than short
/// ones. n counts what the log-probability sums over: ids that were not forced, and the end.
enum class LengthPenalty {
  gnmt,   ///< ((5 + n) / 6)^alpha (Wu et al. 2016, "Google's neural machine translation system")
  power,  ///< n^alpha: with alpha 1 the mean
};

struct BeamOptions {
  std::int64_t beams = 4;  ///< hypotheses a sequence that go on at each step
  std::int64_t best = 1;   ///< results a sequence, at most `beams`
  LengthPenalty length_penalty = LengthPenalty::gnmt;
  double alpha = 0;  ///< 0: no penalty
  /// beta of Wu et al.: what is added is beta times the sum over the source's ids of log(min(1, weight that the
  /// id got in all steps)); a sum below 1e-10 counts as that.
  double coverage = 0;
};

/// The best sequences for each source, the best first; fewer than `best` where there are no more.
///
///   score = log_probability / length_penalty + coverage
///
/// At each step the `beams` most probable continuations that do not end go on; one that ends is a result when
/// it is among the `beams` most probable of all continuations. The search of a sequence is over when it has
/// `best` results that no hypothesis can still beat, whatever follows. With one beam and no penalty it is
/// greedy(); with as many beams as there are sequences it is exact. `source` is as for greedy(). Throws as
/// greedy(); ConfigError unless 1 <= best <= beams, alpha is finite and coverage >= 0, for coverage of a model
/// without weights, and with on_id: nothing is settled until the end.
std::vector<std::vector<Generated>> beam_search(DecodingStart from, const BeamOptions& beam = {},
                                                const GenerateOptions& options = {});
template <Decodes Model, class Source>
std::vector<std::vector<Generated>> beam_search(const Model& model, const Source& source,
                                                const BeamOptions& beam = {},
                                                const GenerateOptions& options = {}) {
  return beam_search(decoding_start(model, source), beam, options);
}

}  // namespace heed
