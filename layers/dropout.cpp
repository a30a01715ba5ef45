#include "layers/dropout.h"

#include "autograd/ops/dropout.h"

namespace heed {

Dropout::Dropout(double probability) : Module(text("Dropout ", probability)), probability_(probability) {
  if (!(probability >= 0 && probability < 1))
    throw ConfigError({.what = text("Dropout: probability ", probability), .expected = "0 <= probability < 1"});
}

Var Dropout::operator()(const Var& x, Rng& rng) const {
  const ErrorFrame frame = enter();
  return training() ? dropout(x, probability_, rng) : x;
}

Var Dropout::operator()(const Var& x, Rng* rng) const {
  if (!active()) return x;
  if (rng == nullptr)
    throw ConfigError({.what = "dropout in training needs a generator, and the pass has none",
                       .hint = "pass an Rng to the model, or call eval()"});
  return (*this)(x, *rng);
}

}  // namespace heed
