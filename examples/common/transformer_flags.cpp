#include "examples/common/transformer_flags.h"

namespace heed::programs {

void add_transformer_flags(Flags& flags, TransformerSizes& sizes, const std::string& of) {
  flags.add("d", &sizes.d, "width of the model" + of, at_least(1));
  flags.add("heads", &sizes.heads, "attention heads, which divide the width" + of, at_least(1));
  flags.add("ff", &sizes.ff, "width inside of the feed-forward parts" + of, at_least(1));
  flags.choice("norm", &sizes.norm, {"before", "after"},
               "where layers normalise: before or after their parts" + of);
  flags.choice("activation", &sizes.activation, {"relu", "gelu", "silu"}, "of the feed-forward parts" + of);
  if (!of.empty()) return;
  flags.add("layers", &sizes.layers, "how many, in each stack", at_least(1));
  flags.add("dropout", &sizes.dropout, "share that is left out in training", between(0, 0.9));
}

TransformerLayerConfig TransformerSizes::layer() const {
  return {.width = d,
          .heads = heads,
          .feed_forward = ff,
          .dropout = dropout,
          .norm = norm == "before" ? NormPlacement::before : NormPlacement::after,
          .activation = activation == "relu"   ? Activation::relu
                        : activation == "gelu" ? Activation::gelu
                                               : Activation::silu};
}

}  // namespace heed::programs
