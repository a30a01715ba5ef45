// Embedding: a vector for each id.
#pragma once

#include "layers/module.h"

namespace heed {

/// ids [...] (i32) -> [..., width]. Parameter `weight` [rows, width], standard normal as PyTorch's.
class Embedding : public Module {
 public:
  Embedding(std::int64_t rows, std::int64_t width, Rng& rng);
  /// With the same `weight` as another embedding, shared by identity.
  explicit Embedding(const Embedding& other) : Embedding("Embedding", other) {}
  /// Throws IndexError naming the first id outside [0, rows).
  Var operator()(const Tensor& ids) const;
  const Var& weight() const { return weight_; }

 protected:
  Embedding(std::string kind, Tensor weight);
  Embedding(const std::string& kind, const Embedding& other);

 private:
  Var weight_;
};

}  // namespace heed
