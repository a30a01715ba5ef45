// Linear: a fully connected layer.
#pragma once

#include "layers/module.h"

namespace heed {

struct LinearOptions {
  bool bias = true;
};

/// y = x W + b over the last axis:  x [..., in] -> y [..., out].
/// Parameters `weight` [in, out] and `bias` [out], uniform within 1 / sqrt(in) as PyTorch's (whose weight is
/// [out, in]).
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, Rng& rng, const LinearOptions& options = {});
  /// Throws ShapeError unless x.shape[-1] == in.
  Var operator()(const Var& x) const;

 protected:
  Linear(std::string kind, Tensor weight, Tensor bias);

 private:
  Var weight_, bias_;
};

}  // namespace heed
