#include "layers/key_value_cache.h"

#include <algorithm>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"

namespace heed {
namespace {

// The same steps with room for more.
Tensor widened(const Tensor& store, std::int64_t length, std::int64_t capacity) {
  Tensor wide = Tensor::empty(store.shape().with(2, capacity), store.dtype());
  wide.slice(2, 0, length).copy_from(store.slice(2, 0, length));
  return wide;
}

}  // namespace

KeyValueCache::KeyValueCache(const KeyValueCache& other) : length_(other.length_) {
  if (!other.keys_.defined()) return;
  keys_ = other.keys().clone();
  values_ = other.values().clone();
}

KeyValueCache& KeyValueCache::operator=(KeyValueCache other) noexcept {
  std::swap(keys_, other.keys_);
  std::swap(values_, other.values_);
  std::swap(length_, other.length_);
  return *this;
}

void KeyValueCache::require_fit(const Tensor& keys, const Tensor& values) const {
  const auto same_but = [](const Tensor& a, const Tensor& b, int axis) {
    return a.rank() == 4 && b.rank() == 4 && a.shape().with(axis, 0) == b.shape().with(axis, 0);
  };
  const bool fit = same_but(keys, values, 3) &&
                   (!keys_.defined() || (same_but(keys, keys_, 2) && same_but(values, values_, 2)));
  if (!fit)
    throw ShapeError({.what = text("key-value cache: keys are ", keys.shape(), ", values are ", values.shape(),
                                   keys_.defined() ? text(", so far keys ", so_far(keys_).shape(), ", values ",
                                                          so_far(values_).shape())
                                                   : ""),
                      .expected = "keys [N, G, T, d], values [N, G, T, e], all but T as before"});
  if (keys.dtype() != values.dtype()) throw_dtypes_differ(keys, values, "key-value cache");
  if (keys_.defined() && keys.dtype() != keys_.dtype()) throw_dtypes_differ(keys, keys_, "key-value cache");
}

void KeyValueCache::append(const Tensor& keys, const Tensor& values) {
  require_fit(keys, values);
  const std::int64_t steps = keys.extent(2), after = length_ + steps;
  if (!keys_.defined()) {
    keys_ = keys.clone();
    values_ = values.clone();
  } else {
    if (const std::int64_t capacity = keys_.extent(2); after > capacity) {
      keys_ = widened(keys_, length_, std::max(after, 2 * capacity));
      values_ = widened(values_, length_, std::max(after, 2 * capacity));
    }
    keys_.slice(2, length_, after).copy_from(keys);
    values_.slice(2, length_, after).copy_from(values);
  }
  length_ = after;
}

void KeyValueCache::select(const Tensor& rows) {
  if (!keys_.defined()) return;
  keys_ = selected_rows(keys_, rows);
  values_ = selected_rows(values_, rows);
}

Tensor selected_rows(const Tensor& x, const Tensor& rows) {
  if (rows.rank() != 1)
    throw ShapeError({.what = text("selected_rows: rows are ", rows.shape()), .expected = "rows [N']"});
  if (rows.dtype() == DType::i32 && identical(rows, Tensor::arange(x.extent(0), DType::i32))) return x;
  const std::int64_t width = x.shape().without(0).count();
  return take_rows(x.reshape({x.extent(0), width}), rows).reshape(x.shape().with(0, rows.extent(0)));
}

}  // namespace heed
