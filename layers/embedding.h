// Embedding: a vector for each id.
#pragma once

#include "layers/module.h"

namespace heed {

/// ids [...] (i32) -> [..., width]. Parameter `weight` [rows, width], standard normal as PyTorch's.
class Embedding : public Module {
 public:
  Embedding(std::int64_t rows, std::int64_t width, Rng& rng);
  /// Throws IndexError naming the first id outside [0, rows).
  Var operator()(const Tensor& ids) const;
  const Var& weight() const { return weight_; }

 protected:
  Embedding(std::string kind, Tensor weight);

 private:
  Var weight_;
};

}  // namespace heed
