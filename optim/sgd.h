// Gradient descent.
#pragma once

#include <vector>

#include "optim/optimizer.h"

namespace heed {

struct SGDOptions {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

/// Stochastic gradient descent, with p a parameter and g its gradient:
///
///   g = g + weight_decay * p
///   b = momentum * b + g               (b is 0 at first; state "sgd.momentum.<parameter>")
///   g = g + momentum * b  with nesterov, else b
///   p = p - learning_rate * g
///
/// as PyTorch defines it with dampening 0; without momentum no state but the counts. Sutskever et al. 2013 give
/// both kinds of momentum.
class SGD : public Optimizer {
 public:
  /// Throws ConfigError unless momentum and weight_decay are >= 0 and nesterov has a momentum; and as
  /// Optimizer.
  explicit SGD(std::vector<Var> parameters, const SGDOptions& options = {});

 protected:
  void update(const UpdatePiece<float>& piece) const override;
  void update(const UpdatePiece<double>& piece) const override;

 private:
  template <class T>
  void descend(const UpdatePiece<T>& piece) const;
  SGDOptions options_;
};

}  // namespace heed
