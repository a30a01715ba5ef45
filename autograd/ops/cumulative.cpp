#include "autograd/ops/cumulative.h"

#include <array>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/arrange.h"

namespace heed {
namespace {

// x_(t+1), or x_(t-1) backwards, at each t; 0 where there is none.
Var following(const Var& x, int axis, bool backwards) {
  const std::int64_t n = x.extent(axis);
  if (n == 0) return x;
  std::array<Padding, kMaxRank> around{};
  Padding& along = around[static_cast<std::size_t>(x.shape().resolve(axis))];
  (backwards ? along.before : along.after) = 1;
  const Var kept = backwards ? slice(x, axis, 0, n - 1) : slice(x, axis, 1, n);
  return pad(kept, std::span(around.data(), static_cast<std::size_t>(x.rank())));
}

}  // namespace

Var cumulative_product(const Var& x, int axis, const CumulativeOptions& options, SourceLocation at) {
  return record(
      {"cumulative_product", at}, cumulative_product(x.value(), axis, options),
      wrt(x, [x, axis, options](const Var& dy) {
        const auto next = [&](const Var& v) { return following(v, axis, options.reverse); };
        const Var before = cumulative_product(x, axis, {.exclusive = true, .reverse = options.reverse});
        return before * linear_recurrence(next(x), options.exclusive ? next(dy) : dy, axis, !options.reverse);
      }));
}

Var linear_recurrence(const Var& a, const Var& b, int axis, bool reverse, SourceLocation at) {
  return record_joint({"linear_recurrence", at}, linear_recurrence(a.value(), b.value(), axis, reverse),
                      std::array{a, b}, [a, axis, reverse](const Var& dy, const Var& y) {
                        const Var db = linear_recurrence(following(a, axis, reverse), dy, axis, !reverse);
                        return std::array{db * following(y, axis, !reverse), db};
                      });
}

}  // namespace heed
