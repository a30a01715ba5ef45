#include "optim/adam.h"

#include <cmath>
#include <utility>

#include "autograd/node.h"
#include "core/adam.h"

namespace heed {

Adam::Adam(std::vector<Var> parameters, const AdamOptions& options)
    : Adam({.name = "Adam", .prefix = "adam", .state = {"m", "v"}}, std::move(parameters), options, false) {}

Adam::Adam(Rule rule, std::vector<Var> parameters, const AdamOptions& options, bool decoupled)
    : Optimizer(std::move(rule), std::move(parameters), options.learning_rate),
      options_(options),
      decoupled_(decoupled) {
  require(options.beta1 >= 0 && options.beta1 < 1, "beta1", options.beta1, "0 <= beta1 < 1");
  require(options.beta2 >= 0 && options.beta2 < 1, "beta2", options.beta2, "0 <= beta2 < 1");
  require(std::isfinite(options.epsilon) && options.epsilon > 0, "epsilon", options.epsilon,
          "0 < epsilon < infinity");
  require(std::isfinite(options.weight_decay) && options.weight_decay >= 0, "weight_decay",
          options.weight_decay, "0 <= weight_decay < infinity");
}

template <class T>
void Adam::run_kernel(const UpdatePiece<T>& piece) const {
  const double t = static_cast<double>(piece.update);
  adam_step(kernels::AdamStep<T>{.n = piece.n,
                                 .p = piece.parameter,
                                 .gradient = piece.gradient,
                                 .m = piece.state[0],
                                 .v = piece.state[1],
                                 .scale = piece.scale,
                                 .l2 = decoupled_ ? 0 : options_.weight_decay,
                                 .beta1 = options_.beta1,
                                 .beta2 = options_.beta2,
                                 .step_size = learning_rate() / (1 - std::pow(options_.beta1, t)),
                                 .inverse_bias2 = 1 / std::sqrt(1 - std::pow(options_.beta2, t)),
                                 .epsilon = options_.epsilon,
                                 .shrink = decoupled_ ? 1 - learning_rate() * options_.weight_decay : 1});
}

void Adam::update(const UpdatePiece<float>& piece) const { run_kernel(piece); }
void Adam::update(const UpdatePiece<double>& piece) const { run_kernel(piece); }

AdamW::AdamW(std::vector<Var> parameters, const AdamWOptions& options)
    : Adam({.name = "AdamW", .prefix = "adamw", .state = {"m", "v"}}, std::move(parameters),
           {.learning_rate = options.learning_rate,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .weight_decay = options.weight_decay},
           true) {}

}  // namespace heed
