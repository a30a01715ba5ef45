#include "autograd/ops/attention.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/softmax.h"
#include "core/attention.h"

namespace heed {
namespace {

double scale_of(const Var& q, const AttentionOptions& options) {
  if (options.scale) return *options.scale;
  return q.rank() == 0 || q.extent(-1) == 0 ? 1 : 1 / std::sqrt(static_cast<double>(q.extent(-1)));
}

// The mask as it was when the operation was recorded.
const Mask& unchanged(const Mask& mask) {
  if (mask.defined()) heed::unchanged(mask.attends());
  return mask;
}

}  // namespace

Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options) {
  const double scale = scale_of(q, options);
  AttentionForwardPass forward = attention_forward(q.value(), k.value(), v.value(), options.mask, scale);
  Tensor value = forward.y;
  forward.y = Tensor();  // the rule gets it as its output
  return record_joint(
      "attention", std::move(value), std::array{q, k, v},
      [q, k, v, mask = options.mask, scale, log_sum = std::move(forward.log_sum)](
          const Var& dy, const Var& y) -> std::array<Var, 3> {
        if (is_recording())
          return differentiate_definition<3>({q, k, v}, std::span(&dy, 1), [&](const std::array<Var, 3>& in) {
            return std::vector<Var>{
                definition::attention(in[0], in[1], in[2], {.mask = unchanged(mask), .scale = scale})};
          });
        const AttentionGradients d = attention_backward(q.value(), k.value(), v.value(), unchanged(mask), scale,
                                                        {y.value(), log_sum}, dy.value());
        return {Var(d.dq), Var(d.dk), Var(d.dv)};
      });
}

namespace definition {

Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options) {
  const Var scores = matmul(q, transpose(k)) * scale_of(q, options);  // [..., T, S]
  return matmul(heed::softmax(scores, options.mask), v);              // [..., T, e]
}

}  // namespace definition

}  // namespace heed
