// Addition as a translation task.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "data/pairs.h"

namespace heed::tasks {

struct SumOptions {
  int max_digits = 3;  ///< of each summand, 1 ... 9
};

/// `count` sums: "16+75" -> "91".
///
/// The number of digits of a summand is uniform in 1 ... max_digits and so is each digit, with zeros in front
/// dropped: short summands come more often than they would among uniform numbers, until they run out.
/// All are distinct, and of "16+75" and "75+16" only one occurs, so no split can leak the answer. With
/// N = 10^max_digits there are N * (N + 1) / 2 of them.
///
/// Throws ConfigError when `count` is not positive or exceeds that number, or `max_digits` is outside 1 ... 9.
Pairs sums(std::int64_t count, Rng& rng, SumOptions options = {});

}  // namespace heed::tasks
