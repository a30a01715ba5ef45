// The sizes of a transformer as flags.
#pragma once

#include "examples/common/flags.h"
#include "layers/transformer_layers.h"

namespace heed::programs {

struct TransformerSizes {
  std::int64_t d = 64, heads = 4, layers = 2, ff = 256;  ///< width, heads, layers, feed-forward
  std::string norm = "before";                           ///< where layers normalise
  std::string activation = "relu";
  double dropout = 0;

  TransformerLayerConfig layer() const;
};

/// Declares the flags; `of` says of which model when a program has others too, whose --layers and --dropout it
/// then declares for all.
void add_transformer_flags(Flags& flags, TransformerSizes& sizes, const std::string& of = {});

}  // namespace heed::programs
