#include "layers/positioned_embedding.h"

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/embedding.h"

namespace heed {
namespace {

constexpr std::int64_t kKeptPositions = 256;

// Of learned positions: as large as waves are.
constexpr double kPositionSize = 0.7;

double embedding_scale(std::int64_t width) { return std::sqrt(static_cast<double>(width)); }

}  // namespace

PositionedEmbedding::PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng,
                                         const PositionedEmbeddingOptions& options)
    : Embedding("PositionedEmbedding", rows, width, 1 / embedding_scale(width), rng), kind_(options.positions) {
  add_positions(rng, options);
}

PositionedEmbedding::PositionedEmbedding(const PositionedEmbedding& other, Rng& rng,
                                         const PositionedEmbeddingOptions& options)
    : Embedding("PositionedEmbedding", other), kind_(options.positions) {
  add_positions(rng, options);
}

void PositionedEmbedding::add_positions(Rng& rng, const PositionedEmbeddingOptions& options) {
  const std::int64_t width = weight().extent(1);
  if (kind_ == EmbeddedPositions::sinusoidal) waves_ = sinusoidal_positions(kKeptPositions, width);
  if (kind_ == EmbeddedPositions::learned)
    register_module("positions", learned_.emplace(options.max_length, width, rng, kPositionSize));
}

Var PositionedEmbedding::operator()(const Tensor& ids, std::int64_t first) const {
  const ErrorFrame frame = enter();
  const Var vectors = embedding(weight(), ids);  // [B, T, D]
  const std::int64_t steps = vectors.extent(-2), width = vectors.extent(-1), end = first + steps;
  const Var scaled = vectors * embedding_scale(width);
  if (kind_ == EmbeddedPositions::none) return note("placed", scaled);
  if (kind_ == EmbeddedPositions::learned) return note("placed", scaled + (*learned_)(steps, first));
  const Tensor waves =
      end <= kKeptPositions ? waves_.slice(0, first, end) : sinusoidal_positions(steps, width, first);
  return note("placed", scaled + Var(waves.to(vectors.dtype())));
}

}  // namespace heed
