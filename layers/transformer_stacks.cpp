#include "layers/transformer_stacks.h"

#include "autograd/checkpoint.h"

namespace heed {
namespace {

void require_layers(const char* stack, std::size_t cached, std::size_t layers) {
  if (cached != layers)
    throw ConfigError({.what = text("the cache has ", cached, " layers, the ", stack, " ", layers),
                       .hint = text("make the cache with the same ", stack)});
}

// layer(x, pass), as a checkpoint when asked for. What it captures by reference is the model's.
template <class Layer>
Var run(bool kept_by_checkpoint, const Var& x, const TransformerPass& pass, const Layer& layer) {
  if (!kept_by_checkpoint) return layer(x, pass);
  if (pass.rng == nullptr) return checkpoint([layer, pass](const Var& in) { return layer(in, pass); }, x);
  const auto with_generator = [layer, pass](const Var& in, Rng& rng) {
    TransformerPass its_pass = pass;
    its_pass.rng = &rng;
    return layer(in, its_pass);
  };
  return checkpoint(with_generator, x, *pass.rng);
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
    : Module(text("TransformerEncoder, ", layers, " layers")),
      norm_(config.norm_kind, config.width),
      checkpoint_(config.checkpoint) {
  for (std::int64_t i = 0; i < layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(config, rng));
  register_module("norm", norm_.module());
}

Var TransformerEncoder::operator()(const Var& x, const Mask& mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerEncoderLayer& layer : layers_)
    y = run(checkpoint_, y, pass, [&layer, mask](const Var& in, const TransformerPass& its_pass) {
      return layer(in, mask, its_pass);
    });
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
    : Module(text("TransformerDecoder, ", layers, " layers")),
      norm_(config.norm_kind, config.width),
      checkpoint_(config.checkpoint) {
  const TransformerLayerConfig causal = looking_back(config);
  for (std::int64_t i = 0; i < layers; ++i)
    register_module(std::to_string(i), layers_.emplace_back(causal, rng));
  register_module("norm", norm_.module());
}

Var TransformerDecoder::operator()(const Var& x, const Var& memory, const Mask& self_mask,
                                   const Mask& cross_mask, const TransformerPass& pass) const {
  const ErrorFrame frame = enter();
  Var y = x;
  for (const TransformerDecoderLayer& layer : layers_)
    y = run(checkpoint_, y, pass,
            [&layer, memory, self_mask, cross_mask](const Var& in, const TransformerPass& its_pass) {
              return layer(in, memory, self_mask, cross_mask, its_pass);
            });
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
