// How a head finds its place in a memory of rows: by content, by moving, and then more sharply.
//
// Source: Graves, Wayne and Danihelka 2014, "Neural Turing Machines", section 3.3.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/softmax.h"
#include "core/circular.h"

namespace heed {

/// The cosine of the angle between each key and each row, with a little added to the squared lengths so that
/// vectors near 0 resemble nothing and have finite gradients:
///
///   keys [..., H, M]   rows [..., N, M]   ->   y [..., H, N],  y = (keys rowsT) u v
///   with u = 1 / sqrt(|key|² + epsilon) [..., H, 1],  v = 1 / sqrt(|row|² + epsilon) [..., 1, N],  g = dy u v:
///   dkeys = g rows - keys u² sum_N(dy y)         drows = gT keys - rows v² sum_H(dy y)
///
/// Throws ShapeError unless the leading axes and M agree.
Var cosine_similarity(const Var& keys, const Var& rows, double epsilon = 1e-6, SourceLocation at = {});

Var circular_correlation(const Var& x, const Var& s);
Var circular_taps(const Var& a, const Var& b, std::int64_t k);

/// y_i = sum over j of x_(i-j) s_j around a ring: x moved by j, weighted by s_j.
///
///   x [..., N]   s [..., 2k + 1]: s_-k … s_k   ->   y [..., N]
///   dx_i = sum over j of dy_(i+j) s_j            ds_j = sum over i of dy_i x_(i-j)
///
/// Throws ShapeError unless the leading axes agree and s has an odd number of elements a row.
inline Var circular_convolution(const Var& x, const Var& s, SourceLocation at = {}) {
  return record({"circular_convolution", at}, circular_convolution(x.value(), s.value()),
                wrt(x, [s](const Var& dy) { return circular_correlation(dy, s); }),
                wrt(s, [x, k = s.extent(-1) / 2](const Var& dy) { return circular_taps(dy, x, k); }));
}

/// y_i = sum over j of x_(i+j) s_j.   dx = dy convolved with s   ds_j = sum over i of x_i dy_(i-j)
inline Var circular_correlation(const Var& x, const Var& s) {
  return record("circular_correlation", circular_correlation(x.value(), s.value()),
                wrt(x, [s](const Var& dy) { return circular_convolution(dy, s); }),
                wrt(s, [x, k = s.extent(-1) / 2](const Var& dy) { return circular_taps(x, dy, k); }));
}

/// s_j = sum over i of a_i b_(i-j) for j = -k … k.   da = b convolved with ds   db = a correlated with ds
inline Var circular_taps(const Var& a, const Var& b, std::int64_t k) {
  return record("circular_taps", circular_taps(a.value(), b.value(), k),
                wrt(a, [b](const Var& ds) { return circular_convolution(b, ds); }),
                wrt(b, [a](const Var& ds) { return circular_correlation(a, ds); }));
}

/// Each row to the power gamma, divided by the row's sum: x_i^gamma / sum over j of x_j^gamma.
///
///   x [..., N] >= 0   gamma [..., 1]   ->   y [..., N]    (leading axes broadcast)
///   dx = gamma t / x   dgamma = sum(t log(x))   with t = y (dy - sum(dy y))
///
/// Computed as the softmax of gamma log(x + 1e-16), so that no power overflows and nothing is infinite where x
/// is 0; a row of zeros gives 1 / N each.
inline Var sharpen(const Var& x, const Var& gamma, SourceLocation at = {}) {
  return softmax(gamma * log(x + 1e-16), {}, at);
}

namespace definition {
Var cosine_similarity(const Var& keys, const Var& rows, double epsilon = 1e-6);
}  // namespace definition

}  // namespace heed
