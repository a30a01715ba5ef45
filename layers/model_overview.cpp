#include "layers/model_overview.h"

#include <array>
#include <cstdio>

namespace heed {
namespace {

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu (tanh)";
    case Activation::silu:
      return "silu";
  }
  return "";
}

}  // namespace

std::string to_string(const TransformerLayerConfig& config) {
  std::string out =
      text("width ", config.width, ", ", counted(config.heads, "head"), " of ", config.width / config.heads);
  if (config.key_value_heads > 0 && config.key_value_heads < config.heads)
    append(out, text(" on ", config.key_value_heads, " of keys and values"));
  if (config.window > 0) append(out, text(", window ", config.window));
  append(out,
         text(", feed-forward ", inner_width(config), config.gated ? " gated " : " ",
              name_of(config.activation), config.norm_kind == NormKind::rms ? ", RMS norm " : ", layer norm ",
              config.norm == NormPlacement::before ? "before" : "after", " each part"));
  if (config.dropout > 0) append(out, text(", dropout ", config.dropout));
  if (config.attention_dropout > 0) append(out, text(", dropout of attention ", config.attention_dropout));
  return out;
}

std::string describe_positions(EmbeddedPositions embedded, const PositionScheme& scheme) {
  constexpr std::array<const char*, 6> kSchemes = {
      "", "rotary", "ALiBi", "buckets of distance", "coefficients of distance", "vectors of distance"};
  constexpr std::array<const char*, 3> kEmbedded = {"none", "waves added to what is embedded",
                                                    "learned, added to what is embedded"};
  const std::string added = kEmbedded[static_cast<std::size_t>(embedded)];
  if (scheme.index() == 0) return added;
  const std::string inside = text(kSchemes[scheme.index()], ", in self-attention");
  return embedded == EmbeddedPositions::none ? inside : text(added, "; ", inside);
}

double layer_flops(const TransformerLayerConfig& config, const LayerSteps& at) {
  const auto flops = [](std::int64_t m, std::int64_t k, std::int64_t n) {
    return 2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  };
  const std::int64_t D = config.width;
  const std::int64_t shared = config.key_value_heads > 0 ? D / config.heads * config.key_value_heads : D;
  const auto attention = [&](std::int64_t seen) {
    const double maps = 2 * flops(at.steps, D, D) + 2 * flops(seen, D, shared);
    return maps + 2 * flops(at.steps, D, seen);
  };
  return attention(at.seen) + (at.memory > 0 ? attention(at.memory) : 0) +
         (config.gated ? 3 : 2) * flops(at.steps, D, inner_width(config));
}

std::string counted(std::int64_t number, const char* thing) {
  return text(number, " ", thing, number == 1 ? "" : "s");
}

std::string written_flops(double flops) {
  constexpr std::array<const char*, 6> kUnits = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"};
  std::size_t unit = 0;
  for (; flops >= 999.5 && unit + 1 < kUnits.size(); ++unit) flops /= 1000;
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.3g %s", flops, kUnits[unit]);
  return digits;
}

}  // namespace heed
