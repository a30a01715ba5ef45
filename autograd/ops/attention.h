// Scaled dot-product attention: the fused operation and its definition.
#pragma once

#include <optional>

#include "autograd/record.h"
#include "core/mask.h"

namespace heed {

struct AttentionOptions {
  Mask mask = {};                    ///< broadcasts to the scores [..., T, S]
  std::optional<double> scale = {};  ///< of the scores; 1 / sqrt(d) when not given
};

/// The values of those sources whose keys the queries resemble (Vaswani et al. 2017):
///
///   q [..., T, d]   k [..., S, d]   v [..., S, e]   ->   y = P v [..., T, e],  P = softmax(scale q kT)
///   dv = PT dy   with dP = dy vT:   ds = P (dP - sum(dP P)) scale   dq = ds k   dk = dsT q
///
/// P is never held as a whole: memory grows with T + S. Blocked positions get weight 0; a row with nothing to
/// attend to gives 0 and gradient 0. Heads merge without a copy: leading axes [B, H] lie in memory as
/// [B, T, H, e].
/// Throws ShapeError unless leading axes, widths and lengths agree and the mask broadcasts to [..., T, S].
Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options = {});

namespace definition {
Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options = {});
}

}  // namespace heed
