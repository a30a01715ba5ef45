// Values that parameters start from.
#pragma once

#include "core/tensor.h"

namespace heed::init {

/// Normal with mean 0 and that deviation.
inline Tensor normal(const Shape& shape, double deviation, Rng& rng) {
  return Tensor::normal(shape, 0, deviation, rng);
}
/// Uniform in (-bound, bound).
inline Tensor uniform(const Shape& shape, double bound, Rng& rng) {
  return Tensor::uniform(shape, -bound, bound, rng);
}
/// Normal with deviation 1 / sqrt(inputs): outputs have the variance of the inputs (LeCun et al. 1998); the
/// book's choice for Affine and LSTM.
Tensor scaled_normal(const Shape& shape, std::int64_t inputs, Rng& rng);
/// Uniform with bound 1 / sqrt(inputs): what PyTorch gives its linear and recurrent layers.
Tensor scaled_uniform(const Shape& shape, std::int64_t inputs, Rng& rng);
/// Uniform with bound sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010).
Tensor xavier_uniform(const Shape& shape, std::int64_t inputs, std::int64_t outputs, Rng& rng);

}  // namespace heed::init
