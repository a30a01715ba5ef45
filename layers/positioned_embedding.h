// PositionedEmbedding: vectors for ids, with what tells where each stands.
#pragma once

#include <optional>

#include "layers/embedding.h"
#include "layers/positions.h"

namespace heed {

/// What is added to what is embedded: nothing, where the layers' attention has a scheme of its own, waves, or a
/// learnt vector for each position below a maximum.
enum class EmbeddedPositions { none, sinusoidal, learned };

struct PositionedEmbeddingOptions {
  EmbeddedPositions positions = EmbeddedPositions::sinusoidal;
  std::int64_t max_length = 512;  ///< with learned positions
};

/// Vectors for ids and their positions:  ids [B, T] -> [B, T, D] = sqrt(D) weight[id] + position.
/// `weight` [rows, D] is normal with deviation 1 / sqrt(D), so that neither term drowns the other. Learned
/// positions are the part `positions`.
class PositionedEmbedding : public Embedding {
 public:
  /// Throws ConfigError unless rows and width, and max_length with learned positions, are at least 1.
  PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng,
                      const PositionedEmbeddingOptions& options = {});
  /// With the table of another one, shared by identity.
  PositionedEmbedding(const PositionedEmbedding& other, Rng& rng,
                      const PositionedEmbeddingOptions& options = {});
  /// The first id stands at position `first`. Throws IndexError for an id outside [0, rows), or a position
  /// beyond the learned ones.
  Var operator()(const Tensor& ids, std::int64_t first = 0) const;

 private:
  void add_positions(Rng& rng, const PositionedEmbeddingOptions& options);

  EmbeddedPositions kind_;
  Tensor waves_;  // of the first steps; later ones are computed when they come up
  std::optional<LearnedPositions> learned_;
};

}  // namespace heed
