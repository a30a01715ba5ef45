#include "optim/sgd.h"

#include <cmath>
#include <utility>

#include "autograd/node.h"
#include "core/error.h"

namespace heed {

SGD::SGD(std::vector<Var> parameters, const SGDOptions& options)
    : Optimizer(
          {.name = "SGD",
           .prefix = "sgd",
           .state = options.momentum != 0 ? std::vector<const char*>{"momentum"} : std::vector<const char*>{}},
          std::move(parameters), options.learning_rate),
      options_(options) {
  const auto valid = [](double x) { return std::isfinite(x) && x >= 0; };
  require(valid(options.momentum), "momentum", options.momentum, "0 <= momentum < infinity");
  require(valid(options.weight_decay), "weight_decay", options.weight_decay, "0 <= weight_decay < infinity");
  if (options.nesterov && options.momentum == 0)
    throw ConfigError({.what = "SGD: nesterov is set and momentum is 0", .expected = "momentum > 0"});
}

template <class T>
void SGD::descend(const UpdatePiece<T>& piece) const {
  const T scale = static_cast<T>(piece.scale), rate = static_cast<T>(learning_rate());
  const T decay = static_cast<T>(options_.weight_decay), momentum = static_cast<T>(options_.momentum);
  T* const p = piece.parameter;
  T* const b = piece.state[0];
  if (b == nullptr) {
    for (std::int64_t i = 0; i < piece.n; ++i) p[i] -= rate * (scale * piece.gradient[i] + decay * p[i]);
    return;
  }
  for (std::int64_t i = 0; i < piece.n; ++i) {
    const T g = scale * piece.gradient[i] + decay * p[i];
    b[i] = momentum * b[i] + g;
    p[i] -= rate * (options_.nesterov ? g + momentum * b[i] : b[i]);
  }
}

void SGD::update(const UpdatePiece<float>& piece) const { descend(piece); }
void SGD::update(const UpdatePiece<double>& piece) const { descend(piece); }

}  // namespace heed
