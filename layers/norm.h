// Norm: LayerNorm or RMSNorm, for layers that leave the choice to their configuration.
#pragma once

#include <variant>

#include "layers/layer_norm.h"
#include "layers/rms_norm.h"

namespace heed {

enum class NormKind { layer, rms };

/// The norm of that kind over the last axis, [..., width] -> [..., width].
class Norm {
 public:
  Norm(NormKind kind, std::int64_t width)
      : norm_(kind == NormKind::layer ? Either(std::in_place_type<LayerNorm>, width)
                                      : Either(std::in_place_type<RMSNorm>, width)) {}
  Var operator()(const Var& x) const {
    return std::visit([&](const auto& norm) { return norm(x); }, norm_);
  }
  /// The layer itself, to be registered as a part.
  Module& module() {
    return std::visit([](auto& norm) -> Module& { return norm; }, norm_);
  }

 private:
  using Either = std::variant<LayerNorm, RMSNorm>;
  Either norm_;
};

}  // namespace heed
