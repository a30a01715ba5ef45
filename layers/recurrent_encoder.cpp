#include "layers/recurrent_encoder.h"

#include "autograd/ops/recurrent.h"

namespace heed {
namespace {

// Of all layers, or of the one that reads both ways below the others.
StackConfig lower_config(const RecurrentSeq2seqConfig& config) {
  return {.in = config.embedding,
          .hidden = config.hidden,
          .layers = config.ways == EncoderWays::both_at_first ? 1 : config.layer_count(),
          .bidirectional = config.ways != EncoderWays::one,
          .residual = config.residual,
          .input_dropout = config.input_dropout,
          .dropout = config.dropout,
          .variational = config.variational};
}

}  // namespace

RecurrentEncoder::RecurrentEncoder(const RecurrentSeq2seqConfig& config, Rng& rng)
    : Module("RecurrentEncoder"),
      reverses_source_(config.reverse_source),
      embed_(config.vocabulary, config.embedding, rng),
      lower_(config.cell, lower_config(config), rng) {
  register_module("embed", embed_);
  register_module("lower", lower_.module());
  const StackConfig lower = lower_.config();
  if (lower.layers < config.layer_count()) {
    StackConfig upper = lower;
    upper.in = 2 * config.hidden;
    upper.layers = config.layer_count() - 1;
    upper.bidirectional = false;
    upper.input_dropout = config.dropout;
    register_module("upper", upper_.emplace(config.cell, upper, rng).module());
  }
  for (std::int64_t layer = 0; lower.bidirectional && layer < lower.layers; ++layer) {
    const std::int64_t H = config.hidden;
    register_module(text("bridge_h_", layer), bridges_h_.emplace_back(2 * H, H, rng));
    if (config.cell == CellKind::lstm)
      register_module(text("bridge_c_", layer), bridges_c_.emplace_back(2 * H, H, rng));
  }
}

std::int64_t RecurrentEncoder::width() const {
  const StackConfig& top = upper_ ? upper_->config() : lower_.config();
  return top.directions() * top.hidden;
}

RecurrentEncoder::Output RecurrentEncoder::operator()(const Tokens& source, Rng* rng) const {
  const ErrorFrame frame = enter();
  const Tensor& lengths = source.lengths;
  const Tensor ids = reverses_source_ ? reversed(source).ids : source.ids;
  StackOfCells::Output of_lower = lower_(embed_(ids), {}, lengths, rng);
  Output output{std::move(of_lower.hs), {}};
  if (bridges_h_.empty()) output.states = std::move(of_lower.states);
  for (std::size_t layer = 0; layer < bridges_h_.size(); ++layer) {
    const LstmState &there = of_lower.states[2 * layer], &back = of_lower.states[2 * layer + 1];
    LstmState& both = output.states.emplace_back();
    both.h = tanh(bridges_h_[layer](concat({there.h, back.h}, -1)));
    if (!bridges_c_.empty()) both.c = bridges_c_[layer](concat({there.c, back.c}, -1));
  }
  if (upper_) {
    StackOfCells::Output of_upper = (*upper_)(output.hs, {}, lengths, rng);
    output.hs = std::move(of_upper.hs);
    output.states.insert(output.states.end(), of_upper.states.begin(), of_upper.states.end());
  }
  if (reverses_source_) output.hs = reverse_sequences(output.hs, lengths);
  return output;
}

}  // namespace heed
