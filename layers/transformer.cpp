#include "layers/transformer.h"

#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "layers/attention_maps.h"
#include "layers/model_overview.h"

namespace heed {
namespace {

PositionedEmbeddingOptions embedding_options(const TransformerConfig& config) {
  return {.positions = config.embedded_positions, .max_length = config.max_length};
}

// Before the parts are made, whose complaints would be about shapes.
TransformerConfig checked(TransformerConfig config) {
  if (config.target_vocabulary == 0) config.target_vocabulary = config.vocabulary;
  if (config.vocabulary < 1 || config.target_vocabulary < 1 || config.layers < 1)
    throw ConfigError({.what = text("Transformer: vocabulary ", config.vocabulary, ", target_vocabulary ",
                                    config.target_vocabulary, ", layers ", config.layers),
                       .expected = "each at least 1"});
  if (config.tied == TiedWeights::all && config.vocabulary != config.target_vocabulary)
    throw ConfigError({.what = text("Transformer: sources have ", config.vocabulary, " ids, targets ",
                                    config.target_vocabulary, ", and cannot share a table"),
                       .hint = "tie the output alone, or give both one vocabulary"});
  return config;
}

}  // namespace

Transformer::Transformer(const TransformerConfig& config, Rng& rng)
    : Module("Transformer"),
      config_(checked(config)),
      source_embedding_(config_.vocabulary, config_.layer.width, rng, embedding_options(config_)),
      target_embedding_(config_.tied == TiedWeights::all
                            ? PositionedEmbedding(source_embedding_, rng, embedding_options(config_))
                            : PositionedEmbedding(config_.target_vocabulary, config_.layer.width, rng,
                                                  embedding_options(config_))),
      encoder_(config_.layers, config_.layer, rng),
      decoder_(config_.layers, config_.layer, rng),
      dropout_(config_.layer.dropout) {
  register_module("source_embedding", source_embedding_);
  register_module("target_embedding", target_embedding_);
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
  if (config_.tied == TiedWeights::none)
    register_module("out", out_.emplace(config_.layer.width, config_.target_vocabulary, rng));
  else
    tied_ = share_parameter("out", target_embedding_.weight());
  register_module("dropout", dropout_);
}

// y [B, T, D] -> [B, T, V]
Var Transformer::scores(const Var& y) const {
  return note("scores", out_ ? (*out_)(y) : linear(y, transpose(tied_), Var()));
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
  return scores(decoder_(embedded, memory.states, Mask::causal(steps, steps), memory.mask, pass));
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
  return {squeeze(scores(y), 1), squeeze(mean(Var(maps[looked].front()), 1), 1)};
}

std::vector<Generated> Transformer::generate(const Tokens& source, const GenerateOptions& options) const {
  return greedy(*this, source, options);
}

std::string Transformer::overview(std::int64_t source_time, std::int64_t target_time) const {
  const TransformerLayerConfig& layer = config_.layer;
  const std::int64_t S = source_time, T = target_time;
  const double of_layers =
      layer_flops(layer, {.steps = S, .seen = S}) + layer_flops(layer, {.steps = T, .seen = T, .memory = S});
  const double of_scores = 2.0 * static_cast<double>(T * layer.width * config_.target_vocabulary);
  const char* const tied = config_.tied == TiedWeights::none ? ""
                           : config_.tied == TiedWeights::output
                               ? ", scores made with the target embedding"
                               : ", one table for both embeddings and the scores";
  return text("Transformer: ", config_.layers, " + ", config_.layers, " layers, ", to_string(layer),
              "\n  positions: ", describe_positions(config_.embedded_positions, layer.positions),
              "\n  parameters: ", grouped(parameter_count()), tied, "\n  forward pass of ", S, " source and ",
              T, " target steps: ", written_flops(static_cast<double>(config_.layers) * of_layers + of_scores),
              "\n");
}

}  // namespace heed
