// Copying as a task for models with a memory: read random vectors, then write them down.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "core/tensor.h"

namespace heed::tasks {

struct CopyingOptions {
  std::int64_t bits = 8;      ///< of each vector
  std::int64_t shortest = 1;  ///< vectors a sequence: uniform in shortest …
  std::int64_t longest = 20;  ///< … longest
  bool one_length = true;     ///< all sequences of a batch have one length, so that no step is padding
};

/// Some sequences side by side, with T = 2 L + 1 steps for the longest of L vectors.
struct CopyBatch {
  Tensor x;        ///< [B, T, bits + 1]: the vectors, then 1 in the last channel alone, then zeros
  Tensor target;   ///< [B, T, bits]: the vectors again from the step after that one on; elsewhere 0
  Tensor mask;     ///< [B, T, 1]: 1 where a vector is to be written, 0 while reading and on padding
  Tensor lengths;  ///< [B] (i32): vectors of each
};

/// `batch` sequences of independent random bits (Graves et al. 2014, "Neural Turing Machines", section 4.1). A
/// sequence has 2 l + 1 steps: l vectors, the delimiter, and l steps without input in which they are to be
/// written; a shorter one stands at the beginning of its row and is filled up with zeros.
///
/// Throws ConfigError unless batch >= 1, bits >= 1 and 1 <= shortest <= longest.
CopyBatch copying(std::int64_t batch, Rng& rng, const CopyingOptions& options = {});

}  // namespace heed::tasks
