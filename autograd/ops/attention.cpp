#include "autograd/ops/attention.h"

#include <cmath>

#include "autograd/backward.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/softmax.h"
#include "core/attention.h"
#include "core/error.h"

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

// The common leading axes of all three; none when they do not broadcast.
std::optional<Shape> common_leading(const Var& q, const Var& k, const Var& v) {
  if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2) return {};
  const auto leading = [](const Var& x) { return x.shape().without(-1).without(-1); };
  const std::optional<Shape> of_sources = common_shape(leading(k), leading(v));
  return of_sources ? common_shape(leading(q), *of_sources) : std::nullopt;
}

// x with those leading axes, itself when it has them.
Var with_leading(const Var& x, const Shape& leading, const SourceLocation& at) {
  if (x.shape().without(-1).without(-1) == leading) return x;
  return expand(x, leading.inserted(leading.rank(), x.extent(-2)).inserted(leading.rank() + 1, x.extent(-1)),
                at);
}

// Of operands with equal leading axes, without a bias.
Var fused_attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options,
                    const SourceLocation& at) {
  const double scale = scale_of(q, options);
  AttentionForwardPass forward = attention_forward(q.value(), k.value(), v.value(), options.mask, scale);
  Tensor value = forward.y;
  forward.y = Tensor();  // the rule gets it as its output
  return record_joint(
      {"attention", at}, std::move(value), std::array{q, k, v},
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

}  // namespace

Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options, SourceLocation at) {
  if (options.bias.defined()) return definition::attention(q, k, v, options);
  const std::optional<Shape> leading = common_leading(q, k, v);
  if (!leading) return fused_attention(q, k, v, options, at);  // throws
  return fused_attention(with_leading(q, *leading, at), with_leading(k, *leading, at),
                         with_leading(v, *leading, at), options, at);
}

namespace definition {

Var attention(const Var& q, const Var& k, const Var& v, const AttentionOptions& options) {
  Var scores = matmul_transposed(q, k) * scale_of(q, options);  // [..., T, S]
  if (options.bias.defined()) {
    if (!broadcasts_to(options.bias.shape(), scores.shape()))
      throw ShapeError({.what = text("attention: the bias ", options.bias.shape(),
                                     " does not broadcast to the scores ", scores.shape()),
                        .operands = text("bias: ", options.bias.value().origin())});
    scores = scores + options.bias;
  }
  return matmul(heed::softmax(scores, options.mask), v);  // [..., T, e]
}

}  // namespace definition

}  // namespace heed
