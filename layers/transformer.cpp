#include "layers/transformer.h"

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "layers/attention_maps.h"
#include "layers/init.h"
#include "layers/positions.h"

namespace heed {
namespace {

constexpr std::int64_t kKeptPositions = 256;

double embedding_scale(std::int64_t width) { return std::sqrt(static_cast<double>(width)); }

TransformerLayerConfig layer_config(const TransformerConfig& config) {
  return {.width = config.width,
          .heads = config.heads,
          .feed_forward = config.feed_forward,
          .dropout = config.dropout,
          .norm = config.norm,
          .activation = config.activation};
}

// Before the parts are made, whose complaints would be about shapes.
TransformerConfig checked(TransformerConfig config) {
  if (config.target_vocabulary == 0) config.target_vocabulary = config.vocabulary;
  for (const std::int64_t extent : {config.vocabulary, config.target_vocabulary, config.width, config.heads,
                                    config.layers, config.feed_forward})
    if (extent < 1)
      throw ConfigError(
          {.what = text("Transformer: vocabulary ", config.vocabulary, ", target_vocabulary ",
                        config.target_vocabulary, ", width ", config.width, ", heads ", config.heads,
                        ", layers ", config.layers, ", feed_forward ", config.feed_forward),
           .expected = "each at least 1"});
  return config;
}

}  // namespace

PositionedEmbedding::PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng)
    : Embedding("PositionedEmbedding", init::normal({rows, width}, 1 / embedding_scale(width), rng)),
      positions_(sinusoidal_positions(kKeptPositions, width)) {}

Var PositionedEmbedding::operator()(const Tensor& ids) const {
  const Var vectors = Embedding::operator()(ids);  // [B, T, D]
  const std::int64_t steps = vectors.extent(-2), width = vectors.extent(-1);
  const Tensor positions =
      steps <= kKeptPositions ? positions_.slice(0, 0, steps) : sinusoidal_positions(steps, width);
  return vectors * embedding_scale(width) + Var(positions.to(vectors.dtype()));
}

TransformerEncoder::TransformerEncoder(const TransformerConfig& config, Rng& rng)
    : Module(text("TransformerEncoder, ", config.layers, " layers")), norm_(config.width) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(layer_config(config), rng));
  register_module("norm", norm_);
}

Var TransformerEncoder::operator()(const Var& x, const Mask& mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerEncoderLayer& layer : layers_) y = layer(y, mask, pass);
  return norm_(y);
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& config, Rng& rng)
    : Module(text("TransformerDecoder, ", config.layers, " layers")), norm_(config.width) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(layer_config(config), rng));
  register_module("norm", norm_);
}

Var TransformerDecoder::operator()(const Var& x, const Var& memory, const Mask& self_mask,
                                   const Mask& cross_mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerDecoderLayer& layer : layers_) y = layer(y, memory, self_mask, cross_mask, pass);
  return norm_(y);
}

Transformer::Transformer(const TransformerConfig& config, Rng& rng)
    : Module("Transformer"),
      config_(checked(config)),
      source_embedding_(config_.vocabulary, config_.width, rng),
      target_embedding_(config_.target_vocabulary, config_.width, rng),
      encoder_(config_, rng),
      decoder_(config_, rng),
      out_(config_.width, config_.target_vocabulary, rng),
      dropout_(config_.dropout) {
  register_module("source_embedding", source_embedding_);
  register_module("target_embedding", target_embedding_);
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
  register_module("out", out_);
  register_module("dropout", dropout_);
}

TransformerMemory Transformer::encode(const Tokens& source, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  const Mask mask = padding_mask(source);
  return {encoder_(dropout_(source_embedding_(source.ids), pass.rng), mask, pass), mask};
}

Var Transformer::decode(const Tensor& target_ids, const TransformerMemory& memory,
                        const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  const std::int64_t steps = target_ids.extent(-1);
  const Var embedded = dropout_(target_embedding_(target_ids), pass.rng);
  return out_(decoder_(embedded, memory.states, Mask::causal(steps, steps), memory.mask, pass));
}

Var Transformer::operator()(const Tokens& source, const Tokens& target_in, Rng* dropout_rng) const {
  const TransformerPass pass{.rng = dropout_rng};
  return decode(target_in.ids, encode(source, pass), pass);
}

Transformer::Forward Transformer::with_attention(const Tokens& source, const Tokens& target_in,
                                                 Rng* dropout_rng) const {
  const AttentionMaps maps;
  Forward forward{.scores = (*this)(source, target_in, dropout_rng)};
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const auto weights = [&](const Module& stack, const char* part) {
      return maps[text(stack.path(), ".", i, ".", part)].front();
    };
    forward.encoder.push_back(weights(encoder_, "self_attention"));
    forward.decoder.push_back(weights(decoder_, "self_attention"));
    forward.cross.push_back(weights(decoder_, "cross_attention"));
  }
  return forward;
}

}  // namespace heed
