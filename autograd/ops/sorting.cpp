#include "autograd/ops/sorting.h"

#include "autograd/ops/reduce.h"
#include "core/error.h"

namespace heed {

Var median(const Var& x, int axis, bool keep_axis, SourceLocation at) {
  const std::int64_t n = x.extent(axis);
  if (n == 0) throw ShapeError({.what = text("median: axis ", axis, " of ", x.shape(), " is empty")});
  const Tensor middle = argsort(x.value(), axis).slice(axis, (n - 1) / 2, n / 2 + 1);
  return mean(gather(x, axis, middle, at), axis, keep_axis, at);
}

}  // namespace heed
