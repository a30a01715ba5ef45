// KeyValueCache: what an attention has made of the steps so far, so that decoding does not make it again.
#pragma once

#include "core/tensor.h"

namespace heed {

/// Keys [N, G, L, d] and values [N, G, L, e] of N sequences of L steps in G heads. A value: copies have
/// elements of their own. Nothing of it is differentiable.
class KeyValueCache {
 public:
  KeyValueCache() = default;
  KeyValueCache(const KeyValueCache& other);
  KeyValueCache(KeyValueCache&& other) noexcept = default;
  KeyValueCache& operator=(KeyValueCache other) noexcept;
  ~KeyValueCache() = default;

  /// N, or 0 before the first steps.
  std::int64_t rows() const { return keys_.defined() ? keys_.extent(0) : 0; }
  /// L.
  std::int64_t length() const { return length_; }
  /// Views of what has been appended, until the next append or select. Undefined before the first steps.
  Tensor keys() const { return so_far(keys_); }
  Tensor values() const { return so_far(values_); }

  /// Adds steps, keys [N, G, T, d] and values [N, G, T, e]. Steps before are copied only when there is no more
  /// room, which then doubles. Throws ShapeError unless these fit to each other and to what is there,
  /// DTypeError when the types differ.
  void append(const Tensor& keys, const Tensor& values);
  /// Keeps those sequences, rows [N'] (i32), in that order; one may be kept several times. Throws IndexError
  /// for a row outside [0, N), ShapeError unless there is one axis of rows.
  void select(const Tensor& rows);

 private:
  Tensor so_far(const Tensor& store) const { return store.defined() ? store.slice(2, 0, length_) : store; }
  void require_fit(const Tensor& keys, const Tensor& values) const;

  Tensor keys_, values_;  // [N, G, capacity, ·]
  std::int64_t length_ = 0;
};

/// Those rows of x [N, ...], rows [N'] (i32) -> [N', ...]; x itself when they are 0 … N - 1. Throws as
/// KeyValueCache::select.
Tensor selected_rows(const Tensor& x, const Tensor& rows);

}  // namespace heed
