#include "layers/recurrent_seq2seq.h"

#include <algorithm>

#include "autograd/ops/shape.h"
#include "layers/coverage.h"

namespace heed {
namespace {

// Before the parts are made, whose complaints would be about shapes.
RecurrentSeq2seqConfig checked(RecurrentSeq2seqConfig config) {
  config.layers = config.layer_count();
  config.score = config.score_kind();
  if (std::min({config.vocabulary, config.embedding, config.hidden, config.layer_count()}) < 1)
    throw ConfigError(
        {.what = text("RecurrentSeq2seq: vocabulary ", config.vocabulary, ", embedding ", config.embedding,
                      ", hidden ", config.hidden, ", layers ", config.layer_count()),
         .expected = "each at least 1"});
  if (config.place == AttentionPlace::between && config.layer_count() < 2)
    throw ConfigError({.what = "RecurrentSeq2seq: attention between the layers of a decoder of 1 layer",
                       .expected = "2 layers or more"});
  if (!(config.coverage_weight >= 0))
    throw ConfigError(
        {.what = text("RecurrentSeq2seq: coverage_weight ", config.coverage_weight), .expected = "0 or more"});
  return config;
}

}  // namespace

RecurrentSeq2seq::RecurrentSeq2seq(const RecurrentSeq2seqConfig& config, Rng& rng)
    : Module("RecurrentSeq2seq"),
      config_(checked(config)),
      encoder_(config_, rng),
      decoder_(config_, encoder_.width(), rng) {
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
}

Var RecurrentSeq2seq::operator()(const Tokens& source, const Tokens& target_in, Rng* dropout_rng) const {
  const ErrorFrame frame = enter();
  State state = decoder_.start(encoder_(source, dropout_rng), source);
  return decoder_(target_in.ids, state, dropout_rng).scores;
}

RecurrentSeq2seq::Forward RecurrentSeq2seq::with_attention(const Tokens& source, const Tokens& target_in,
                                                           Rng* dropout_rng) const {
  const ErrorFrame frame = enter();
  State state = decoder_.start(encoder_(source, dropout_rng), source);
  const RecurrentDecoder::Output output = decoder_(target_in.ids, state, dropout_rng);
  Forward forward{output.scores, output.weights.value(), {}};
  if (config_.coverage)
    forward.auxiliary_loss = config_.coverage_weight * coverage_loss(output.weights, target_in.lengths);
  return forward;
}

RecurrentSeq2seqState RecurrentSeq2seq::start(const Tokens& source) const {
  const ErrorFrame frame = enter();
  return decoder_.start(encoder_(source), source);
}

Step RecurrentSeq2seq::step(const Tensor& ids, State& state) const {
  const ErrorFrame frame = enter();
  const RecurrentDecoder::Output output = decoder_(ids.unsqueeze(1), state);  // [N] -> [N, 1]
  return {squeeze(output.scores, 1), squeeze(output.weights, 1)};
}

std::vector<Generated> RecurrentSeq2seq::generate(const Tokens& source, const GenerateOptions& options) const {
  return greedy(*this, source, options);
}

Generated RecurrentSeq2seq::generate(const std::vector<std::int32_t>& source,
                                     const GenerateOptions& options) const {
  return std::move(generate(batch_of(std::span(&source, 1), 0), options).front());
}

}  // namespace heed
