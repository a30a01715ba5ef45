#include "data/tasks/copying.h"

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace heed::tasks {

CopyBatch copying(std::int64_t batch, Rng& rng, const CopyingOptions& options) {
  const auto [bits, shortest, longest, one_length] = options;
  if (batch < 1 || bits < 1 || shortest < 1 || longest < shortest)
    throw ConfigError(
        {.what = text("copying: batch ", batch, ", bits ", bits, ", lengths ", shortest, " to ", longest),
         .expected = "batch >= 1, bits >= 1 and 1 <= shortest <= longest"});
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(batch));
  for (std::size_t b = 0; b < lengths.size(); ++b)
    lengths[b] = one_length && b > 0 ? lengths[0] : static_cast<std::int32_t>(rng.between(shortest, longest));
  const std::int64_t steps = 2 * *std::max_element(lengths.begin(), lengths.end()) + 1;

  CopyBatch out{Tensor::zeros({batch, steps, bits + 1}), Tensor::zeros({batch, steps, bits}),
                Tensor::zeros({batch, steps, 1}), Tensor::of(lengths, {batch})};
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    float* const x = out.x.fresh_data<float>() + b * steps * (bits + 1);
    float* const target = out.target.fresh_data<float>() + (b * steps + length + 1) * bits;
    float* const mask = out.mask.fresh_data<float>() + b * steps + length + 1;
    for (std::int64_t t = 0; t < length; ++t) {
      for (std::int64_t i = 0; i < bits; ++i)
        x[t * (bits + 1) + i] = target[t * bits + i] = rng.chance(0.5) ? 1.0f : 0.0f;
      mask[t] = 1;
    }
    x[length * (bits + 1) + bits] = 1;  // the delimiter
  }
  return out;
}

}  // namespace heed::tasks
