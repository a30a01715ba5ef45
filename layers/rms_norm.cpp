#include "layers/rms_norm.h"

#include "autograd/ops/rms_norm.h"

namespace heed {

RMSNorm::RMSNorm(std::int64_t width, const RmsNormOptions& options)
    : Module(text("RMSNorm ", width)), epsilon_(options.epsilon) {
  gain_ = register_parameter("gain", Tensor::ones({width}));
}

Var RMSNorm::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  return note("output", rms_norm(x, gain_, epsilon_));
}

}  // namespace heed
