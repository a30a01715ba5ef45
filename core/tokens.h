// Sequences of ids side by side: what passes between data and models.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/mask.h"
#include "core/tensor.h"

namespace heed {

/// A batch of sequences of ids, the shorter ones filled up at the end. Functions of it throw ShapeError when
/// ids or lengths have another form than this, IndexError for a length outside [0, T].
struct Tokens {
  Tensor ids;      ///< [B, T] (i32)
  Tensor lengths;  ///< [B] (i32): the real ids of each; undefined when all are T long

  std::int64_t batch() const { return ids.extent(0); }
  std::int64_t time() const { return ids.extent(1); }
  /// The real ids of one sequence.
  std::vector<std::int32_t> sequence(std::int64_t b) const;
};

/// A batch of the sequences, filled up with `filler` to the longest; without lengths when all are equally long.
Tokens batch_of(std::span<const std::vector<std::int32_t>> sequences, std::int32_t filler);

/// Attends to the real positions of each sequence: [B, 1, T]; undefined when all of them are real.
Mask padding_mask(const Tokens& tokens);

/// The real ids of each sequence in the opposite order, padding left at the end.
Tokens reversed(const Tokens& tokens);

/// How many of the targets [...] (i32) count: those that are not `ignored`. What a mean cross-entropy is the
/// mean of.
std::int64_t count_targets(const Tensor& targets, std::int32_t ignored = -1);

/// Columns of weights [B, T, S] over reversed sources back in the order of the sources themselves.
Tensor columns_reversed(const Tensor& weights, const Tokens& source);

}  // namespace heed
