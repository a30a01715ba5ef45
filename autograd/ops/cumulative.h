// Sums, products and recurrences along an axis, with all that they pass through.
#pragma once

#include "autograd/record.h"
#include "core/cumulative.h"

namespace heed {

/// Sum of the elements of an axis up to each one.   dx = sum of dy from each one on
/// Options: `{.exclusive = true}` without the element itself, `{.reverse = true}` from the end.
inline Var cumulative_sum(const Var& x, int axis, const CumulativeOptions& options = {},
                          SourceLocation at = {}) {
  return record({"cumulative_sum", at}, cumulative_sum(x.value(), axis, options),
                wrt(x, [axis, options](const Var& dy) {
                  return cumulative_sum(dy, axis, {options.exclusive, !options.reverse});
                }));
}

/// Product of the elements of an axis up to each one; the same options.
///
///   dx_i = sum over t >= i of dy_t times the product of the x_j, j <= t, but for x_i
///        = p_i r_i  with  p_i the product before i  and  r_i = dy_i + x_(i+1) r_(i+1)
///
/// so that nothing is divided, and the gradient is right where some are 0.
Var cumulative_product(const Var& x, int axis, const CumulativeOptions& options = {}, SourceLocation at = {});

/// y_t = a_t y_(t-1) + b_t along an axis, from y_(-1) = 0; from the end, y_t = a_t y_(t+1) + b_t, when
/// `reverse`.
///
///   db_t = dy_t + a_(t+1) db_(t+1)      da_t = db_t y_(t-1)
///
/// Throws ShapeError unless a and b have one shape.
Var linear_recurrence(const Var& a, const Var& b, int axis, bool reverse = false, SourceLocation at = {});

}  // namespace heed
