// Scaled dot-product attention: the fused operation and its definition.
#pragma once

#include <optional>

#include "autograd/record.h"
#include "core/mask.h"

namespace heed {

struct AttentionOptions {
  Mask mask = {};                    ///< broadcasts to the scores [..., T, S]
  Var bias = {};                     ///< added to the scaled scores, to whose shape it broadcasts
  std::optional<double> scale = {};  ///< of the scores; 1 / sqrt(d) when not given
};

/// The values of those sources whose keys the queries resemble (Vaswani et al. 2017):
///
///   q [..., T, d]   k [..., S, d]   v [..., S, e]   ->   y = P v [..., T, e],  P = softmax(scale q kT + bias)
///   dv = PT dy   with dP = dy vT:   ds = P (dP - sum(dP P))   dbias = ds   dq = ds k scale   dk = dsT q scale
///
/// Leading axes broadcast: a head of keys may serve many heads of queries, and is not copied. P is never held
/// as a whole, so that memory grows with T + S; but with a bias the definition runs, which holds it. Blocked
/// positions get weight 0; a row with nothing to attend to gives 0 and gradient 0. Heads merge without a copy:
/// leading axes [B, H] lie in memory as [B, T, H, e].
///
/// Throws ShapeError unless leading axes broadcast, widths and lengths agree and mask and bias broadcast to
/// [..., T, S].
Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options = {},
              SourceLocation at = {});

namespace definition {
Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options = {});
}  // namespace definition

}  // namespace heed
