#include "layers/transformer.h"

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "layers/attention_maps.h"
#include "layers/init.h"

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
          .activation = config.activation,
          .norm_kind = config.norm_kind,
          .gated = config.gated,
          .bias = config.bias,
          .attention_dropout = config.attention_dropout,
          .key_value_heads = config.key_value_heads,
          .window = config.window,
          .positions = config.positions};
}

TransformerLayerConfig decoder_layer_config(const TransformerConfig& config) {
  TransformerLayerConfig layer = layer_config(config);
  if (auto* buckets = std::get_if<BucketBias>(&layer.positions)) buckets->bidirectional = false;
  return layer;
}

PositionedEmbeddingOptions embedding_options(const TransformerConfig& config) {
  return {.positions = config.embedded_positions, .max_length = config.max_length};
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

PositionedEmbedding::PositionedEmbedding(std::int64_t rows, std::int64_t width, Rng& rng,
                                         const PositionedEmbeddingOptions& options)
    : Embedding("PositionedEmbedding", init::normal({rows, width}, 1 / embedding_scale(width), rng)),
      kind_(options.positions) {
  if (kind_ == EmbeddedPositions::sinusoidal) waves_ = sinusoidal_positions(kKeptPositions, width);
  if (kind_ == EmbeddedPositions::learned)
    register_module("positions", learned_.emplace(options.max_length, width, rng));
}

Var PositionedEmbedding::operator()(const Tensor& ids, std::int64_t first) const {
  const Var vectors = Embedding::operator()(ids);  // [B, T, D]
  const ErrorFrame frame = enter();
  const std::int64_t steps = vectors.extent(-2), width = vectors.extent(-1), end = first + steps;
  const Var scaled = vectors * embedding_scale(width);
  if (kind_ == EmbeddedPositions::none) return scaled;
  if (kind_ == EmbeddedPositions::learned) return scaled + (*learned_)(steps, first);
  const Tensor waves =
      end <= kKeptPositions ? waves_.slice(0, first, end) : sinusoidal_positions(steps, width, first);
  return scaled + Var(waves.to(vectors.dtype()));
}

void EncoderCache::select(const Tensor& rows) {
  for (KeyValueCache& layer : layers) layer.select(rows);
}

void DecoderCache::select(const Tensor& rows) {
  for (DecoderLayerCache& layer : layers) layer.select(rows);
}

TransformerEncoder::TransformerEncoder(const TransformerConfig& config, Rng& rng)
    : Module(text("TransformerEncoder, ", config.layers, " layers")), norm_(config.norm_kind, config.width) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(layer_config(config), rng));
  register_module("norm", norm_.module());
}

Var TransformerEncoder::operator()(const Var& x, const Mask& mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerEncoderLayer& layer : layers_) y = layer(y, mask, pass);
  return norm_(y);
}

Var TransformerEncoder::step(const Var& x, EncoderCache& cache) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  cache.layers.resize(layers_.size());
  Var y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_[i].step(y, cache.layers[i]);
  return norm_(y);
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& config, Rng& rng)
    : Module(text("TransformerDecoder, ", config.layers, " layers")), norm_(config.norm_kind, config.width) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(decoder_layer_config(config), rng));
  register_module("norm", norm_.module());
}

Var TransformerDecoder::operator()(const Var& x, const Var& memory, const Mask& self_mask,
                                   const Mask& cross_mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerDecoderLayer& layer : layers_) y = layer(y, memory, self_mask, cross_mask, pass);
  return norm_(y);
}

DecoderCache TransformerDecoder::prepare(const Var& memory) const {
  const ErrorFrame frame = enter();
  DecoderCache cache;
  for (const TransformerDecoderLayer& layer : layers_) cache.layers.push_back(layer.prepare(memory));
  return cache;
}

Var TransformerDecoder::step(const Var& x, DecoderCache& cache, const Mask& cross_mask) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  if (cache.layers.size() != layers_.size())
    throw ConfigError(
        {.what = text("the cache has ", cache.layers.size(), " layers, the decoder ", layers_.size()),
         .hint = "make the cache with prepare() of the same decoder"});
  Var y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_[i].step(y, cache.layers[i], cross_mask);
  return norm_(y);
}

Transformer::Transformer(const TransformerConfig& config, Rng& rng)
    : Module("Transformer"),
      config_(checked(config)),
      source_embedding_(config_.vocabulary, config_.width, rng, embedding_options(config_)),
      target_embedding_(config_.target_vocabulary, config_.width, rng, embedding_options(config_)),
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

void Transformer::State::select(const Tensor& rows) {
  cache_.select(rows);
  if (mask_.defined()) mask_ = Mask::attend(selected_rows(mask_.attends(), rows));
}

Transformer::State Transformer::start(const Tokens& source) const {
  const NoGrad no_grad;
  const TransformerMemory memory = encode(source);
  return {decoder_.prepare(memory.states), memory.mask};
}

Step Transformer::step(const Tensor& ids, State& state) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  if (ids.shape() != Shape{state.rows()})
    throw ShapeError({.what = text("transformer step: ids are ", ids.shape(), ", sequences ", state.rows()),
                      .expected = "an id a sequence, [N]"});
  const std::string looked = text(decoder_.path(), ".", config_.layers - 1, ".cross_attention");
  const AttentionMaps maps(looked);
  const Var embedded = dropout_(target_embedding_(ids.unsqueeze(1), state.length()), nullptr);
  const Var y = decoder_.step(embedded, state.cache_, state.mask_);  // [N, 1, D]
  return {squeeze(out_(y), 1), squeeze(mean(Var(maps[looked].front()), 1), 1)};
}

}  // namespace heed
