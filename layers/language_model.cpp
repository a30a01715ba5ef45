#include "layers/language_model.h"

#include "autograd/ops/linear_algebra.h"
#include "layers/model_overview.h"

namespace heed {
namespace {

const LanguageModelConfig& checked(const LanguageModelConfig& config) {
  if (config.vocabulary < 1 || config.layers < 1)
    throw ConfigError(
        {.what = text("LanguageModel: vocabulary ", config.vocabulary, ", layers ", config.layers),
         .expected = "each at least 1"});
  return config;
}

}  // namespace

LanguageModel::LanguageModel(const LanguageModelConfig& config, Rng& rng)
    : Module("LanguageModel"),
      config_(checked(config)),
      embedding_(config.vocabulary, config.layer.width, rng,
                 {.positions = config.embedded_positions, .max_length = config.max_length}),
      layers_(config.layers, looking_back(config.layer), rng),
      dropout_(config.layer.dropout) {
  register_module("embedding", embedding_);
  register_module("layers", layers_);
  if (config.tied)
    tied_ = share_parameter("out", embedding_.weight());
  else
    register_module("out", out_.emplace(config.layer.width, config.vocabulary, rng));
  register_module("dropout", dropout_);
}

// y [..., D] -> [..., V]
Var LanguageModel::scores(const Var& y) const {
  return note("scores", out_ ? (*out_)(y) : linear(y, transpose(tied_), Var()));
}

Var LanguageModel::operator()(const Tokens& ids, Rng* dropout_rng) const {
  const ErrorFrame frame = enter();
  const std::int64_t steps = ids.time();
  const Var x = dropout_(embedding_(ids.ids), dropout_rng);
  return scores(layers_(x, Mask::causal(steps, steps), {.rng = dropout_rng}));  // no real step sees padding
}

LanguageModel::State LanguageModel::start(std::int64_t sequences) const {
  const ErrorFrame frame = enter();
  if (sequences < 1)
    throw ConfigError(
        {.what = text("LanguageModel: ", sequences, " sequences to write"), .expected = "at least 1"});
  return State(sequences);
}

void LanguageModel::State::select(const Tensor& rows) {
  // Before the first step the cache is empty and takes any rows.
  if (length_ == 0) selected_rows(Tensor::zeros({rows_, 1}), rows);
  cache_.select(rows);
  rows_ = rows.extent(0);
}

Step LanguageModel::step(const Tensor& ids, State& state) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  if (ids.shape() != Shape{state.rows()})
    throw ShapeError({.what = text("language model step: ids are ", ids.shape(), ", sequences ", state.rows()),
                      .expected = "an id a sequence, [N]"});
  const Var x = dropout_(embedding_(ids.unsqueeze(1), state.length_), nullptr);
  const Var y = layers_.step(x, state.cache_);  // [N, 1, D]
  ++state.length_;
  return {.scores = squeeze(scores(y), 1), .weights = {}};
}

std::string LanguageModel::overview(std::int64_t time) const {
  const TransformerLayerConfig& layer = config_.layer;
  const double flops = static_cast<double>(config_.layers) * layer_flops(layer, {.steps = time, .seen = time}) +
                       2.0 * static_cast<double>(time * layer.width * config_.vocabulary);
  return text("LanguageModel: ", counted(config_.layers, "layer"), ", ", to_string(layer),
              "\n  positions: ", describe_positions(config_.embedded_positions, layer.positions),
              "\n  parameters: ", grouped(parameter_count()),
              config_.tied ? ", scores made with the embedding" : "", "\n  forward pass of ",
              counted(time, "step"), ": ", written_flops(flops), "\n");
}

}  // namespace heed
