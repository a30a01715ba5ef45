#include "autograd/ops/layer_norm.h"

#include "autograd/backward.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "core/layer_norm.h"

namespace heed {

Var layer_norm(const Var& x, const Var& gain, const Var& bias, double epsilon, SourceLocation at) {
  LayerNormForward forward = layer_norm_forward(x.value(), gain.value(), bias.value(), epsilon);
  Tensor y = std::move(forward.y);
  return record_joint({"layer_norm", at}, std::move(y), std::array{x, gain, bias},
                      [x, gain, bias, epsilon, forward](const Var& dy) -> std::array<Var, 3> {
                        if (is_recording())
                          return differentiate_definition<3>(
                              {x, gain, bias}, std::span(&dy, 1), [&](const std::array<Var, 3>& in) {
                                return std::vector<Var>{definition::layer_norm(in[0], in[1], in[2], epsilon)};
                              });
                        const LayerNormBackward d =
                            layer_norm_backward(x.value(), gain.value(), forward, dy.value());
                        return {Var(d.dx), Var(d.dgain), Var(d.dbias)};
                      });
}

namespace definition {

Var layer_norm(const Var& x, const Var& gain, const Var& bias, double epsilon) {
  const Var centred = x - mean(x, -1, true);
  const Var variance = mean(square(centred), -1, true);
  return centred / sqrt(variance + epsilon) * gain + bias;
}

}  // namespace definition

}  // namespace heed
