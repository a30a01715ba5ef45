// Parting examples into those to train on and those to be judged by, and what one gives away of the other.
#pragma once

#include <cstdint>
#include <string>

#include "core/random.h"
#include "data/pairs.h"

namespace heed {

/// `auto [train, unseen] = split_leak_free(pairs, 0.1, rng);` Both keep the order that the pairs had.
struct Split {
  Pairs train, unseen;
};

/// A share of the examples at random, rounded to the nearest number, becomes `unseen`. When a source occurs
/// more than once it may stand on both sides: this is how books split, and it flatters the model (see
/// `leak_report`). Throws ConfigError unless 0 < share < 1 and both sides get at least one example.
Split split_random(Pairs pairs, double share, Rng& rng);

/// What must not stand on both sides.
enum class Apart {
  kSources,            ///< no source
  kSourcesAndTargets,  ///< no source and no target: for dates, days that were never seen in any spelling
};

/// As `split_random`, but nothing that is to be kept apart stands on both sides.
///
/// Examples that share a source (or target) form a group, also along chains; groups go to `unseen` in random
/// order as long as they fit, so `unseen` can be smaller than the share when groups are large, and never
/// larger. Throws ConfigError unless 0 < share < 1 and both sides get at least one example.
Split split_leak_free(Pairs pairs, double share, Rng& rng, Apart apart = Apart::kSources);

/// What `train` gives away of `unseen`. Counts of examples, unless they say otherwise.
struct LeakReport {
  std::int64_t train = 0;             ///< examples in train
  std::int64_t train_sources = 0;     ///< distinct sources in train
  std::int64_t train_duplicates = 0;  ///< examples of train that repeat an earlier one, source and target
  std::int64_t unseen = 0;            ///< the same for unseen
  std::int64_t unseen_sources = 0;
  std::int64_t unseen_duplicates = 0;
  std::int64_t source_in_train = 0;  ///< unseen examples whose source stands in train
  std::int64_t target_in_train = 0;  ///< unseen examples whose target stands in train
  std::int64_t contradicted = 0;     ///< unseen examples whose source stands in train with another target
  bool operator==(const LeakReport&) const = default;
};

LeakReport leak_report(const Pairs& train, const Pairs& unseen);

/// The report in five lines with percentages.
std::string to_string(const LeakReport& report);

}  // namespace heed
