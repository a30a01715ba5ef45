#include "layers/layer_norm.h"

#include "autograd/ops/layer_norm.h"

namespace heed {

LayerNorm::LayerNorm(std::int64_t width, const LayerNormOptions& options)
    : Module(text("LayerNorm ", width)), epsilon_(options.epsilon) {
  gain_ = register_parameter("gain", Tensor::ones({width}));
  bias_ = register_parameter("bias", Tensor::zeros({width}));
}

Var LayerNorm::operator()(const Var& x) const {
  const ErrorFrame frame = enter();
  return layer_norm(x, gain_, bias_, epsilon_);
}

}  // namespace heed
