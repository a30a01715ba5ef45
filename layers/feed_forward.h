// FeedForward: two Linears with a non-linearity between them, at each position alone.
#pragma once

#include "layers/linear.h"

namespace heed {

enum class Activation {
  relu,
  gelu  ///< x times the normal distribution at x (Hendrycks and Gimpel 2016), in its form with tanh
};

struct FeedForwardConfig {
  std::int64_t width = 0;
  std::int64_t inner = 0;  ///< between the two Linears
  Activation activation = Activation::relu;
};

/// x [..., width] -> [..., width]. Parts `inner` (width -> inner) and `outer` (inner -> width).
class FeedForward : public Module {
 public:
  FeedForward(const FeedForwardConfig& config, Rng& rng);
  /// Throws ShapeError unless x.shape[-1] == width.
  Var operator()(const Var& x) const;

 private:
  Activation activation_;
  Linear inner_, outer_;
};

}  // namespace heed
