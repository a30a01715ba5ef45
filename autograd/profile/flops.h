// How many floating-point operations an operation takes.
#pragma once

#include <cstdint>
#include <optional>

#include "autograd/observer.h"

namespace heed {

/// Floating-point operations of computing an operation's value, from the shapes of its operands and output;
/// none for an operation that the table has not, one of a program's own, say.
///
///   matmul [..., m, k] [..., k, n]      2 m k n for each matrix of the result
///   linear [..., D] [D, K]              2 D K a row, and K for the bias
///   elementwise, whatever the function  1 for each element of the result
///   sum, max, …                         1 for each element of x
///   what moves or chooses elements      0
///   softmax, log_softmax                5 an element: greatest, difference, exp, sum, quotient
///   attention                           2 T S (d + e), and 6 T S for scores and softmax
///   lstm, gru, rnn                      2 G H (D + H) a step and example for the products with G gates, and
///                                       the functions of the gates element by element
///
/// Padding and blocked positions count: it is the work that the shapes stand for. An operation that is made of
/// others (einsum, say) is not recorded itself, its parts are.
std::optional<std::int64_t> flops_of(const Observer::Recorded& operation);

/// Those of its gradient rules, of all operands together, where the rules are a kernel of their own, which
/// records nothing: lstm 4 G H (D + H) a step and example and the functions' derivatives, attention 2 T S (3d +
/// 2e) and 6 T S, since it computes the scores again. None for all others: their rules are made of operations,
/// which count as flops_of() says.
std::optional<std::int64_t> flops_of_fused_rules(const Observer::Recorded& operation);

}  // namespace heed
