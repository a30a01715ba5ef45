// From the probabilities that a model gives to those that ids are drawn with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"

namespace heed {

/// What is done to the probabilities before an id is drawn, in this order; each step sees what the one before
/// has left, divided by its sum. The values here leave everything as it is.
struct SamplingOptions {
  /// Log-probabilities are divided by it: below 1 favours what is probable; 0 takes the most probable id.
  double temperature = 1;
  /// The so many most probable ids; 0: all.
  std::int64_t top_k = 0;
  /// The fewest most probable ids that together have at least this probability (Holtzman et al. 2020, "The
  /// curious case of neural text degeneration").
  double top_p = 1;
  /// Ids at least this times as probable as the most probable one (Nguyen et al. 2024, "Turning up the heat").
  double min_p = 0;
  /// The fewest ids that together have at least this probability, taken by how near their -log p is to the
  /// entropy (Meister et al. 2023, "Locally typical sampling").
  double typical = 1;
};

/// The probabilities [V] that ids are drawn with: some 0, and the others, at least one, summing to 1. Of
/// equally good ids at a limit the first are kept. `log_probabilities` [V] need not be normalised; -inf is an
/// id that cannot be drawn. Throws ConfigError when all are, for a temperature or top_k below 0, and for top_p
/// or typical outside (0, 1] or min_p outside [0, 1].
std::vector<double> sampling_probabilities(std::span<const double> log_probabilities,
                                           const SamplingOptions& options);

/// An id drawn with these probabilities, which sum to 1: the first at which their running sum exceeds one
/// uniform number.
std::int32_t draw(std::span<const double> probabilities, Rng& rng);

}  // namespace heed
