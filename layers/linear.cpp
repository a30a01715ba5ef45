#include "layers/linear.h"

#include "autograd/ops/linear_algebra.h"
#include "layers/init.h"

namespace heed {

Linear::Linear(std::int64_t in, std::int64_t out, Rng& rng, const LinearOptions& options)
    : Module(text("Linear ", in, " -> ", out)) {
  weight_ = register_parameter("weight", init::scaled_uniform({in, out}, in, rng));
  if (options.bias) bias_ = register_parameter("bias", init::scaled_uniform({out}, in, rng));
}

Linear::Linear(std::string kind, Tensor weight, Tensor bias)
    : Module(text(kind, " ", weight.extent(0), " -> ", weight.extent(1))) {
  weight_ = register_parameter("weight", std::move(weight));
  if (bias.defined()) bias_ = register_parameter("bias", std::move(bias));
}

Var Linear::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  return note("output", linear(x, weight_, bias_));
}

}  // namespace heed
