#include "layers/transformer_stacks.h"

namespace heed {
namespace {

void require_layers(const char* stack, std::size_t cached, std::size_t layers) {
  if (cached != layers)
    throw ConfigError({.what = text("the cache has ", cached, " layers, the ", stack, " ", layers),
                       .hint = text("make the cache with the same ", stack)});
}

}  // namespace

TransformerLayerConfig looking_back(TransformerLayerConfig config) {
  if (auto* buckets = std::get_if<BucketBias>(&config.positions)) buckets->bidirectional = false;
  return config;
}

void EncoderCache::select(const Tensor& rows) {
  for (KeyValueCache& layer : layers) layer.select(rows);
}

void DecoderCache::select(const Tensor& rows) {
  for (DecoderLayerCache& layer : layers) layer.select(rows);
}

TransformerEncoder::TransformerEncoder(std::int64_t layers, const TransformerLayerConfig& config, Rng& rng)
    : Module(text("TransformerEncoder, ", layers, " layers")), norm_(config.norm_kind, config.width) {
  for (std::int64_t i = 0; i < layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(config, rng));
  register_module("norm", norm_.module());
}

Var TransformerEncoder::operator()(const Var& x, const Mask& mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerEncoderLayer& layer : layers_) y = layer(y, mask, pass);
  return note("output", norm_(y));
}

Var TransformerEncoder::step(const Var& x, EncoderCache& cache) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  if (cache.layers.empty()) cache.layers.resize(layers_.size());
  require_layers("encoder", cache.layers.size(), layers_.size());
  Var y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_[i].step(y, cache.layers[i]);
  return note("output", norm_(y));
}

TransformerDecoder::TransformerDecoder(std::int64_t layers, const TransformerLayerConfig& config, Rng& rng)
    : Module(text("TransformerDecoder, ", layers, " layers")), norm_(config.norm_kind, config.width) {
  const TransformerLayerConfig causal = looking_back(config);
  for (std::int64_t i = 0; i < layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(causal, rng));
  register_module("norm", norm_.module());
}

Var TransformerDecoder::operator()(const Var& x, const Var& memory, const Mask& self_mask,
                                   const Mask& cross_mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerDecoderLayer& layer : layers_) y = layer(y, memory, self_mask, cross_mask, pass);
  return note("output", norm_(y));
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
  require_layers("decoder", cache.layers.size(), layers_.size());
  Var y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_[i].step(y, cache.layers[i], cross_mask);
  return note("output", norm_(y));
}

}  // namespace heed
