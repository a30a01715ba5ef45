#include "layers/embedding.h"

#include "autograd/ops/embedding.h"
#include "layers/init.h"

namespace heed {

Embedding::Embedding(std::int64_t rows, std::int64_t width, Rng& rng)
    : Embedding("Embedding", rows, width, 1.0, rng) {}

Embedding::Embedding(const std::string& kind, std::int64_t rows, std::int64_t width, double deviation, Rng& rng)
    : Module(text(kind, " ", rows, " x ", width)) {
  if (rows < 1 || width < 1)
    throw ConfigError({.what = text(kind, ": rows ", rows, ", width ", width), .expected = "both at least 1"});
  weight_ = register_parameter("weight", init::normal({rows, width}, deviation, rng));
}

Embedding::Embedding(const std::string& kind, const Embedding& other)
    : Module(text(kind, " ", other.weight_.extent(0), " x ", other.weight_.extent(1))) {
  weight_ = share_parameter("weight", other.weight_);
}

Var Embedding::operator()(const Tensor& ids) const {
  const ErrorFrame frame = enter();
  return note("output", embedding(weight_, ids));
}

}  // namespace heed
