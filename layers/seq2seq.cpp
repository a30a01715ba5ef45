#include "layers/seq2seq.h"

#include <algorithm>

#include "autograd/ops/shape.h"
#include "core/index.h"
#include "core/reduce.h"

namespace heed {

Encoder::Encoder(const Seq2seqConfig& config, Rng& rng)
    : Module("Encoder"),
      embed_(config.vocabulary, config.embedding, rng),
      lstm_(config.embedding, config.hidden, rng) {
  register_module("embed", embed_);
  register_module("lstm", lstm_);
}

Encoded Encoder::operator()(const Tokens& source) const {
  const ErrorFrame frame = enter();
  const LstmOutput output = lstm_(embed_(source.ids), {}, source.lengths);
  Mask mask;
  if (source.lengths.defined()) mask = Mask::padding(source.lengths, source.time());
  return {output.hs, output.state.h, mask};
}

// ---- decoders
// -----------------------------------------------------------------------------------------------------------

Decoder::Decoder(const Seq2seqConfig& config, Rng& rng)
    : Module("Decoder"),
      embed_(config.vocabulary, config.embedding, rng),
      lstm_(config.embedding, config.hidden, rng),
      affine_(config.hidden, config.vocabulary, rng) {
  register_module("embed", embed_);
  register_module("lstm", lstm_);
  register_module("affine", affine_);
}

Decoded Decoder::operator()(const Tensor& ids, const Encoded&, const LstmState& state) const {
  const ErrorFrame frame = enter();
  const LstmOutput output = lstm_(embed_(ids), state);
  return {affine_(output.hs), {}, output.state};
}

PeekyDecoder::PeekyDecoder(const Seq2seqConfig& config, Rng& rng)
    : Module("PeekyDecoder"),
      embed_(config.vocabulary, config.embedding, rng),
      lstm_(config.embedding + config.hidden, config.hidden, rng),
      affine_(2 * config.hidden, config.vocabulary, rng) {
  register_module("embed", embed_);
  register_module("lstm", lstm_);
  register_module("affine", affine_);
}

Decoded PeekyDecoder::operator()(const Tensor& ids, const Encoded& encoded, const LstmState& state) const {
  const ErrorFrame frame = enter();
  const Shape every_step = ids.shape().inserted(2, encoded.h.extent(-1));
  const Var h = expand(unsqueeze(encoded.h, 1), every_step);             // [B, H] -> [B, T, H]
  const LstmOutput output = lstm_(concat({h, embed_(ids)}, -1), state);  // [B, T, H + E]
  return {affine_(concat({h, output.hs}, -1)), {}, output.state};
}

AttentionDecoder::AttentionDecoder(const Seq2seqConfig& config, Rng& rng)
    : Module("AttentionDecoder"),
      embed_(config.vocabulary, config.embedding, rng),
      lstm_(config.embedding, config.hidden, rng),
      affine_(2 * config.hidden, config.vocabulary, rng) {
  register_module("embed", embed_);
  register_module("lstm", lstm_);
  register_module("attention", attention_);
  register_module("affine", affine_);
}

Decoded AttentionDecoder::operator()(const Tensor& ids, const Encoded& encoded, const LstmState& state) const {
  const ErrorFrame frame = enter();
  const LstmOutput output = lstm_(embed_(ids), state);
  const Attended attended = attention_(encoded.hs, output.hs, encoded.mask);
  return {affine_(concat({attended.context, output.hs}, -1)), attended.weights, output.state};
}

// ---- models
// -------------------------------------------------------------------------------------------------------------

namespace {

// Before the parts are made, whose complaints would be about shapes.
const Seq2seqConfig& checked(const Seq2seqConfig& config, const std::string& model) {
  for (const std::int64_t extent : {config.vocabulary, config.embedding, config.hidden})
    if (extent < 1)
      throw ConfigError({.what = text(model, ": vocabulary ", config.vocabulary, ", embedding ",
                                      config.embedding, ", hidden ", config.hidden),
                         .expected = "each at least 1"});
  return config;
}

}  // namespace

template <class DecoderType>
EncoderDecoder<DecoderType>::EncoderDecoder(std::string kind, const Seq2seqConfig& config, Rng& rng)
    : Module(std::move(kind)),
      config_(checked(config, description())),
      encoder_(config, rng),
      decoder_(config, rng) {
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
}

template <class DecoderType>
Var EncoderDecoder<DecoderType>::operator()(const Tokens& source, const Tokens& target_in) const {
  const ErrorFrame frame = enter();
  const Encoded encoded = encoder_(as_read(source));
  return decoder_(target_in.ids, encoded, {encoded.h, {}}).scores;
}

template <class DecoderType>
typename EncoderDecoder<DecoderType>::Forward EncoderDecoder<DecoderType>::with_attention(
    const Tokens& source, const Tokens& target_in) const {
  const ErrorFrame frame = enter();
  const Encoded encoded = encoder_(as_read(source));
  const Decoded decoded = decoder_(target_in.ids, encoded, {encoded.h, {}});
  return {decoded.scores,
          decoded.weights.defined() ? in_source_order(decoded.weights.value(), source) : Tensor()};
}

template <class DecoderType>
Tensor EncoderDecoder<DecoderType>::in_source_order(const Tensor& weights, const Tokens& source) const {
  return config_.reverse_source ? columns_reversed(weights, source) : weights;
}

template <class DecoderType>
std::vector<Generated> EncoderDecoder<DecoderType>::generate(const Tokens& source,
                                                             const GenerateOptions& options) const {
  const ErrorFrame frame = enter();
  const NoGrad no_grad;
  const std::int64_t batch = source.batch();
  const std::int64_t max_length = options.max_length.value_or(2 * source.time() + 32);
  const Encoded encoded = encoder_(as_read(source));
  LstmState state{encoded.h, {}};
  Tensor ids = Tensor::full({batch, 1}, config_.start, DType::i32);
  std::vector<Generated> generated(static_cast<std::size_t>(batch));
  std::vector<bool> ended(static_cast<std::size_t>(batch));
  std::vector<Tensor> weights;  // [B, 1, S] a step
  for (std::int64_t step = 0; step <= max_length; ++step) {
    const Decoded decoded = decoder_(ids, encoded, state);
    state = decoded.state;
    if (decoded.weights.defined()) weights.push_back(decoded.weights.value());
    ids = argmax(decoded.scores.value(), -1);  // [B, 1]
    for (std::size_t b = 0; b < ended.size(); ++b) {
      const std::int32_t id = ids.data<std::int32_t>()[b];
      if (id == config_.end || step == max_length) ended[b] = true;
      if (!ended[b]) generated[b].ids.push_back(id);
    }
    if (std::all_of(ended.begin(), ended.end(), [](bool e) { return e; })) break;
  }
  if (weights.empty()) return generated;
  const Tensor all = in_source_order(concat(weights, 1), source);  // [B, T, S]
  for (std::size_t b = 0; b < generated.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    const std::int64_t steps = std::min(all.extent(1), static_cast<std::int64_t>(generated[b].ids.size()) + 1);
    const std::int64_t length =
        source.lengths.defined() ? source.lengths.data<std::int32_t>()[b] : source.time();
    generated[b].weights = all.select(0, row).slice(0, 0, steps).slice(1, 0, length);
  }
  return generated;
}

template <class DecoderType>
Generated EncoderDecoder<DecoderType>::generate(const std::vector<std::int32_t>& source,
                                                const GenerateOptions& options) const {
  return std::move(generate(batch_of(std::span(&source, 1), 0), options).front());
}

template class EncoderDecoder<Decoder>;
template class EncoderDecoder<PeekyDecoder>;
template class EncoderDecoder<AttentionDecoder>;

}  // namespace heed
