// Adam, and AdamW.
#pragma once

#include <vector>

#include "optim/optimizer.h"

namespace heed {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// Adam (Kingma and Ba 2015), with p a parameter, g its gradient and t = 1, 2, … its updates:
///
///   g = g + weight_decay * p
///   m = beta1 * m + (1 - beta1) * g        (running mean of g; state "adam.m.<parameter>")
///   v = beta2 * v + (1 - beta2) * g²       (running mean of g²; state "adam.v.<parameter>")
///   p = p - learning_rate * M / (sqrt(V) + epsilon)
///
/// where M = m / (1 - beta1^t) and V = v / (1 - beta2^t) undo that m and v start at 0. As in PyTorch.
class Adam : public Optimizer {
 public:
  /// Throws ConfigError unless 0 <= beta1, beta2 < 1, epsilon > 0 and weight_decay >= 0; and as Optimizer.
  explicit Adam(std::vector<Var> parameters, const AdamOptions& options = {});

 protected:
  Adam(Rule rule, std::vector<Var> parameters, const AdamOptions& options, bool decoupled);
  void update(const UpdatePiece<float>& piece) const override;
  void update(const UpdatePiece<double>& piece) const override;

 private:
  template <class T>
  void run_kernel(const UpdatePiece<T>& piece) const;
  AdamOptions options_;
  bool decoupled_;  // weight decay apart from the gradient
};

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// AdamW (Loshchilov and Hutter 2019): as Adam, but weight decay does not pass through m and v. It shrinks the
/// parameter before the update, p = p - learning_rate * weight_decay * p, by the same share whatever the
/// gradients are. State "adamw.m.<parameter>" and "adamw.v.<parameter>".
class AdamW : public Adam {
 public:
  explicit AdamW(std::vector<Var> parameters, const AdamWOptions& options = {});
};

}  // namespace heed
