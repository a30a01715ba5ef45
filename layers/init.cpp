#include "layers/init.h"

#include <algorithm>
#include <cmath>

namespace heed::init {

Tensor scaled_normal(const Shape& shape, std::int64_t inputs, Rng& rng) {
  return normal(shape, 1.0 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, inputs))), rng);
}

Tensor scaled_uniform(const Shape& shape, std::int64_t inputs, Rng& rng) {
  return uniform(shape, 1.0 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, inputs))), rng);
}

Tensor xavier_uniform(const Shape& shape, std::int64_t inputs, std::int64_t outputs, Rng& rng) {
  return uniform(shape, std::sqrt(6.0 / static_cast<double>(std::max<std::int64_t>(1, inputs + outputs))), rng);
}

}  // namespace heed::init
