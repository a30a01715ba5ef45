// What the models built of transformer layers say of themselves: sizes, placement of norms, cost.
#pragma once

#include <string>

#include "core/plot.h"  // grouped()
#include "layers/positioned_embedding.h"
#include "layers/transformer_layers.h"

namespace heed {

/// "width 64, 4 heads of 16, feed-forward 256 relu, layer norm after each part".
std::string to_string(const TransformerLayerConfig& config);
/// "waves added to what is embedded", "rotary, in self-attention", …
std::string describe_positions(EmbeddedPositions embedded, const PositionScheme& scheme);

/// The steps of one example in a layer: `steps` of its own, which look at `seen` steps and, in a decoder, at
/// `memory` of the encoder.
struct LayerSteps {
  std::int64_t steps = 0, seen = 0, memory = 0;
};
/// Floating-point operations of a layer's forward pass over one example: two for each multiplication of its
/// matrix products, whether masked or not. What is done element by element is left out, and so is what a
/// PositionScheme does.
double layer_flops(const TransformerLayerConfig& config, const LayerSteps& at);

/// Things as "1 layer" or "2 layers", operations as "7.31 MFLOP".
std::string counted(std::int64_t number, const char* thing);
std::string written_flops(double flops);

}  // namespace heed
