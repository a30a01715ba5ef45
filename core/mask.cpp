#include "core/mask.h"

#include <algorithm>

#include "core/elementwise.h"
#include "core/error.h"

namespace heed {

Mask Mask::attend(Tensor allowed) {
  if (allowed.dtype() != DType::boolean)
    throw DTypeError({.what = text("mask: elements are ", allowed.dtype()), .expected = "boolean"});
  Mask mask;
  mask.allowed_ = std::move(allowed);
  return mask;
}

Mask Mask::block(const Tensor& forbidden) {
  if (forbidden.dtype() != DType::boolean)
    throw DTypeError({.what = text("mask: elements are ", forbidden.dtype()), .expected = "boolean"});
  return attend(logical_not(forbidden));
}

namespace {

Tensor positions_from(std::int64_t first, std::int64_t count) {
  return (Tensor::arange(count, DType::i32) + static_cast<double>(first)).unsqueeze(1);  // [T, 1]
}

}  // namespace

Mask Mask::causal(std::int64_t target, std::int64_t source, std::int64_t first) {
  return attend(less_equal(Tensor::arange(source, DType::i32), positions_from(first, target)));  // [T, S]
}

Mask Mask::window(std::int64_t target, std::int64_t source, const MaskWindow& window) {
  if (window.before < 0 || window.after < 0)
    throw ConfigError(
        {.what = text("mask: a window of ", window.before, " before and ", window.after, " after"),
         .expected = "both at least 0"});
  // No farther than there are positions, so that the sums stay in range.
  const std::int64_t before = std::min(window.before, window.first + target),
                     after = std::min(window.after, source);
  const Tensor sources = Tensor::arange(source, DType::i32);
  return attend(logical_and(less_equal(positions_from(window.first - before, target), sources),  // [T, S]
                            less_equal(sources, positions_from(window.first + after, target))));
}

Mask Mask::padding(const Tensor& lengths, std::int64_t source) {
  if (lengths.rank() != 1 || lengths.dtype() != DType::i32)
    throw ShapeError(
        {.what = text("mask: lengths are ", lengths.dtype(), " ", lengths.shape()), .expected = "i32 [B]"});
  const Tensor length = lengths.unsqueeze(-1).unsqueeze(-1);        // [B, 1, 1]
  return attend(less(Tensor::arange(source, DType::i32), length));  // [B, 1, S]
}

Mask operator&(const Mask& a, const Mask& b) {
  if (!a.defined()) return b;
  if (!b.defined()) return a;
  return Mask::attend(logical_and(a.allowed_, b.allowed_));
}

}  // namespace heed
