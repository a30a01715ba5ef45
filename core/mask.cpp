#include "core/mask.h"

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

Mask Mask::causal(std::int64_t target, std::int64_t source) {
  const Tensor t = Tensor::arange(target, DType::i32).unsqueeze(1);  // [T, 1]
  return attend(less_equal(Tensor::arange(source, DType::i32), t));  // [T, S]
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
