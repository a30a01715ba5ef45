// Step: what a model that decodes gives, one id at a time.
#pragma once

#include "autograd/var.h"

namespace heed {

/// What a model says of the next id.
struct Step {
  Var scores;   ///< [N, V]
  Var weights;  ///< [N, S] where it looked in the source; undefined without attention
};

}  // namespace heed
