// FeedForward: two Linears with a non-linearity between them, at each position alone.
#pragma once

#include <optional>

#include "layers/linear.h"

namespace heed {

enum class Activation {
  relu,
  gelu,       ///< x times the normal distribution at x: PyTorch's default
  gelu_tanh,  ///< its form with tanh, as in GPT-2
  silu        ///< x sigmoid(x)
};

/// x under that activation.
Var activate(const Var& x, Activation activation);

struct FeedForwardConfig {
  std::int64_t width = 0;
  std::int64_t inner = 0;  ///< between the Linears
  Activation activation = Activation::relu;
  /// Whether a third Linear makes what is activated, and the first one's output is multiplied by that: SwiGLU
  /// with silu, GEGLU with gelu (Shazeer 2020).
  bool gated = false;
  bool bias = true;
};

/// x [..., width] -> [..., width]: outer(activate(inner(x))), or gated outer(inner(x) activate(gate(x))).
/// Parts `inner` and perhaps `gate` (width -> inner), `outer` (inner -> width).
class FeedForward : public Module {
 public:
  FeedForward(const FeedForwardConfig& config, Rng& rng);
  /// Throws ShapeError unless x.shape[-1] == width.
  Var operator()(const Var& x) const;

 private:
  Activation activation_;
  Linear inner_;
  std::optional<Linear> gate_;
  Linear outer_;
};

}  // namespace heed
