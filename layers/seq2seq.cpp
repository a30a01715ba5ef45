#include "layers/seq2seq.h"

#include <numeric>

#include "autograd/ops/embedding.h"
#include "autograd/ops/shape.h"
#include "autograd/truncate.h"
#include "layers/attention_maps.h"

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
  return {note("hs", output.hs), note("h", output.state.h), mask};
}

// ---- the state of a decoder
// -----------------------------------------------------------------------------------------------------------

namespace {

Var chosen_rows(const Var& x, const Tensor& rows) { return x.defined() ? select_rows(x, rows) : x; }

Mask chosen_rows(const Mask& mask, const Tensor& rows) {
  if (!mask.defined()) return mask;
  const Tensor real = take_rows(mask.attends().squeeze(1), rows);  // [N, 1, S] -> [N', S]
  return Mask::attend(real.unsqueeze(1));
}

// hs [B, S, H] with the real steps of each sequence in the opposite order.
Var steps_reversed(const Var& hs, const Tokens& tokens) {
  const std::int64_t steps = tokens.batch() * tokens.time();
  const Tensor positions = Tensor::arange(steps, DType::i32).reshape({tokens.batch(), tokens.time()});
  return embedding(reshape(hs, {steps, hs.extent(2)}), reversed({positions, tokens.lengths}).ids);
}

}  // namespace

void Seq2seqState::select(const Tensor& rows) {
  lstm = {chosen_rows(lstm.h, rows), chosen_rows(lstm.c, rows)};  // throws before anything is changed
  std::vector<std::int32_t> chosen;
  for (const double row : rows.to_vector()) chosen.push_back(sources[static_cast<std::size_t>(row)]);
  if (chosen == sources) return;  // what is read of the sources is where it should be
  encoded = {chosen_rows(encoded.hs, rows), chosen_rows(encoded.h, rows), chosen_rows(encoded.mask, rows)};
  sources = std::move(chosen);
}

Seq2seqState detached(const Seq2seqState& state) {
  const Encoded& encoded = state.encoded;
  return {{detached(encoded.hs), detached(encoded.h), encoded.mask}, detached(state.lstm), state.sources};
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
  return {note("scores", affine_(output.hs)), {}, output.state};
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
  return {note("scores", affine_(concat({h, output.hs}, -1))), {}, output.state};
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
  return {note("scores", affine_(concat({attended.context, output.hs}, -1))), attended.weights, output.state};
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
  const AttentionMaps::ReadReversed order(config_.reverse_source ? &source : nullptr);
  const Encoded encoded = encoder_(as_read(source));
  return decoder_(target_in.ids, encoded, {encoded.h, {}}).scores;
}

template <class DecoderType>
typename EncoderDecoder<DecoderType>::Forward EncoderDecoder<DecoderType>::with_attention(
    const Tokens& source, const Tokens& target_in) const {
  const ErrorFrame frame = enter();
  const AttentionMaps::ReadReversed order(config_.reverse_source ? &source : nullptr);
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
Seq2seqState EncoderDecoder<DecoderType>::start(const Tokens& source) const {
  const ErrorFrame frame = enter();
  const Encoded encoded = encoder_(as_read(source));
  Seq2seqState state{DecoderType::read_part(encoded), {encoded.h, {}}, {}};
  // Once here, so that no step has to turn its weights round.
  if (state.encoded.hs.defined() && config_.reverse_source)
    state.encoded.hs = steps_reversed(state.encoded.hs, source);
  state.sources.resize(static_cast<std::size_t>(source.batch()));
  std::iota(state.sources.begin(), state.sources.end(), 0);
  return state;
}

template <class DecoderType>
Step EncoderDecoder<DecoderType>::step(const Tensor& ids, State& state) const {
  const ErrorFrame frame = enter();
  Decoded decoded = decoder_(ids.unsqueeze(1), state.encoded, state.lstm);  // [N] -> [N, 1]
  state.lstm = std::move(decoded.state);
  return {squeeze(decoded.scores, 1), decoded.weights.defined() ? squeeze(decoded.weights, 1) : Var()};
}

template <class DecoderType>
std::vector<Generated> EncoderDecoder<DecoderType>::generate(const Tokens& source,
                                                             const GenerateOptions& options) const {
  return greedy(*this, source, options);
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
