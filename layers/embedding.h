// Embedding: a vector for each id.
#pragma once

#include "layers/module.h"

namespace heed {

/// ids [...] (i32) -> [..., width]. Parameter `weight` [rows, width], standard normal as PyTorch's.
class Embedding : public Module {
 public:
  /// Throws ConfigError unless rows and width are at least 1.
  Embedding(std::int64_t rows, std::int64_t width, Rng& rng);
  /// One with the same `weight` as another, shared by identity.
  static Embedding sharing(const Embedding& other) { return Embedding("Embedding", other); }
  /// Throws IndexError naming the first id outside [0, rows).
  Var operator()(const Tensor& ids) const;
  const Var& weight() const { return weight_; }

 protected:
  /// Of another kind, and with weights of another standard deviation; or with those of another embedding.
  Embedding(const std::string& kind, std::int64_t rows, std::int64_t width, double deviation, Rng& rng);
  Embedding(const std::string& kind, const Embedding& other);

 private:
  Var weight_;
};

}  // namespace heed
