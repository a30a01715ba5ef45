#include "layers/masked_language_model.h"

#include "autograd/ops/linear_algebra.h"
#include "layers/model_overview.h"

namespace heed {
namespace {

const MaskedLanguageModelConfig& checked(const MaskedLanguageModelConfig& config) {
  if (config.vocabulary < 1 || config.layers < 1)
    throw ConfigError(
        {.what = text("MaskedLanguageModel: vocabulary ", config.vocabulary, ", layers ", config.layers),
         .expected = "each at least 1"});
  return config;
}

}  // namespace

MaskedLanguageModel::MaskedLanguageModel(const MaskedLanguageModelConfig& config, Rng& rng)
    : Module("MaskedLanguageModel"),
      config_(checked(config)),
      embedding_(config.vocabulary, config.layer.width, rng,
                 {.positions = config.embedded_positions, .max_length = config.max_length}),
      encoder_(config.layers, config.layer, rng),
      transform_(config.layer.width, config.layer.width, rng),
      head_norm_(config.layer.width),
      dropout_(config.layer.dropout) {
  register_module("embedding", embedding_);
  register_module("encoder", encoder_);
  register_module("transform", transform_);
  register_module("head_norm", head_norm_);
  tied_ = share_parameter("out", embedding_.weight());
  bias_ = register_parameter("bias", Tensor::zeros({config.vocabulary}));
  register_module("dropout", dropout_);
}

Var MaskedLanguageModel::encode(const Tokens& ids, Rng* dropout_rng) const {
  const ErrorFrame frame = enter();
  return encoder_(dropout_(embedding_(ids.ids), dropout_rng), padding_mask(ids), {.rng = dropout_rng});
}

Var MaskedLanguageModel::operator()(const Tokens& ids, Rng* dropout_rng) const {
  const Var states = encode(ids, dropout_rng);
  const ErrorFrame frame = enter();
  const Var transformed = head_norm_(activate(transform_(states), Activation::gelu));
  return note("scores", linear(transformed, transpose(tied_), bias_));
}

std::string MaskedLanguageModel::overview(std::int64_t time) const {
  const TransformerLayerConfig& layer = config_.layer;
  const double flops = static_cast<double>(config_.layers) * layer_flops(layer, {.steps = time, .seen = time}) +
                       2.0 * static_cast<double>(time * layer.width * (layer.width + config_.vocabulary));
  return text("MaskedLanguageModel: ", counted(config_.layers, "layer"), ", ", to_string(layer),
              "\n  positions: ", describe_positions(config_.embedded_positions, layer.positions),
              "\n  parameters: ", grouped(parameter_count()),
              ", scores made with the embedding\n  forward pass of ", counted(time, "step"), ": ",
              written_flops(flops), "\n");
}

}  // namespace heed
