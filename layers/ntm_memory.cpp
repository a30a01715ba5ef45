#include "layers/ntm_memory.h"

#include "autograd/ops/addressing.h"
#include "autograd/ops/linear_algebra.h"

namespace heed::ntm {

Var weighting(const Var& memory, const Var& before, const Address& address) {
  const Var by_content = softmax(address.beta * cosine_similarity(address.key, memory));  // [B, H, N]
  const Var gated = before + address.gate * (by_content - before);
  return sharpen(circular_convolution(gated, address.shift), address.gamma);
}

Var read(const Var& memory, const Var& weights) { return matmul(weights, memory); }

Var write(const Var& memory, const Var& weights, const Var& erase, const Var& add) {
  const Var by_row = transpose(weights);  // [B, N, H]
  Var kept = memory;
  for (std::int64_t head = 0; head < weights.extent(1); ++head)
    kept = kept * (1.0 - matmul(slice(by_row, 2, head, head + 1), slice(erase, 1, head, head + 1)));
  return kept + matmul(by_row, add);
}

}  // namespace heed::ntm
