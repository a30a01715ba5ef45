// Scheduled sampling: training on what the model itself writes, more and more (Bengio et al. 2015).
#pragma once

#include <vector>

#include "autograd/ops/shape.h"
#include "core/error.h"
#include "core/reduce.h"
#include "layers/step.h"

namespace heed {

/// Scores [B, T, V] as of model(source, target_in), but at each step but the first every sequence is given,
/// with probability `own`, the id that the model finds most probable in place of the target: at 0 that is
/// teacher forcing, at 1 greedy decoding with a gradient. No gradient flows through the choice. Draws one
/// number a sequence and step.
///
///   Var scores = scheduled_sampling(model, batch.source, batch.target_in, 0.25, rng);
///
/// Throws ConfigError unless 0 <= own <= 1, and what the model throws.
template <DecodesSource Model>
Var scheduled_sampling(const Model& model, const Tokens& source, const Tokens& target_in, double own,
                       Rng& rng) {
  if (!(own >= 0 && own <= 1))
    throw ConfigError({.what = text("scheduled_sampling: a share of ", own), .expected = "0 <= own <= 1"});
  typename Model::State state = model.start(source);
  std::vector<Var> scores;  // [B, V] a step
  for (std::int64_t t = 0; t < target_in.time(); ++t) {
    Tensor ids = target_in.ids.select(1, t).clone();  // [B]
    if (t > 0) {
      const Tensor best = argmax(scores.back().value(), -1);
      for (std::int64_t b = 0; b < ids.count(); ++b)
        if (rng.chance(own)) ids.fresh_data<std::int32_t>()[b] = best.data<std::int32_t>()[b];
    }
    scores.push_back(model.step(ids, state).scores);
  }
  return stack(scores, 1);
}

}  // namespace heed
