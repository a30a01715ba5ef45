#include "layers/recurrent_decoder.h"

#include <algorithm>
#include <numeric>

#include "autograd/ops/embedding.h"
#include "layers/copying.h"
#include "layers/key_value_cache.h"

namespace heed {

// ---- the state
// -----------------------------------------------------------------------------------------------------------

namespace {

Var rows_of(const Var& x, const Tensor& rows) { return x.defined() ? select_rows(x, rows) : x; }
Tensor rows_of(const Tensor& x, const Tensor& rows) { return x.defined() ? selected_rows(x, rows) : x; }

}  // namespace

void RecurrentSeq2seqState::select(const Tensor& rows) {
  RecurrentSeq2seqState chosen;  // so that nothing is changed unless all can be
  for (const LstmState& cell : cells) chosen.cells.push_back({rows_of(cell.h, rows), rows_of(cell.c, rows)});
  for (const double row : rows.to_vector()) chosen.sources.push_back(sources[static_cast<std::size_t>(row)]);
  chosen.fed = rows_of(fed, rows);
  chosen.coverage = rows_of(coverage, rows);
  if (chosen.sources == sources) {  // what is read of the sources is where it should be
    chosen.memory = memory;
    chosen.mask = mask;
    chosen.source_ids = source_ids;
  } else {
    chosen.memory.values = rows_of(memory.values, rows);
    const bool is_one = memory.keys.same_as(memory.values);
    chosen.memory.keys = is_one ? chosen.memory.values : rows_of(memory.keys, rows);
    if (mask.defined()) chosen.mask = Mask::attend(selected_rows(mask.attends(), rows));
    chosen.source_ids = rows_of(source_ids, rows);
  }
  *this = std::move(chosen);
}

// ---- the decoder
// ---------------------------------------------------------------------------------------------------------

namespace {

std::int64_t fed_width(const RecurrentSeq2seqConfig& config, std::int64_t context) {
  if (!config.input_feeding) return 0;
  return config.readout == Readout::attentional ? config.hidden : context;
}

std::int64_t read_width(const RecurrentSeq2seqConfig& config, std::int64_t context) {
  return config.hidden + (config.readout == Readout::joined ? context : 0);
}

// Of all layers, or of the one below attention.
StackConfig lower_config(const RecurrentSeq2seqConfig& config, std::int64_t context) {
  return {.in = config.embedding + fed_width(config, context) +
                (config.place == AttentionPlace::below ? context : 0),
          .hidden = config.hidden,
          .layers = config.place == AttentionPlace::between ? 1 : config.layer_count(),
          .residual = config.residual,
          .input_dropout = config.input_dropout,
          .dropout = config.dropout,
          .variational = config.variational};
}

// Moves the states of a stack's layers, from cells[first] on.
Var run(const StackOfCells& stack, std::size_t first, const Var& x, std::vector<LstmState>& cells, Rng* rng,
        const Var& context = {}) {
  const auto layers = static_cast<std::size_t>(stack.config().layers);
  StackOfCells::Output output = stack(x, std::span(cells).subspan(first, layers), {}, rng, context);
  std::move(output.states.begin(), output.states.end(), cells.begin() + static_cast<std::ptrdiff_t>(first));
  return output.hs;
}

}  // namespace

// What some steps have come to, of which scores are made.
struct RecurrentDecoder::Seen {
  Var read;     // [N, T, ·]
  Var weights;  // [N, T, S]
  Var gate;     // [N, T, 1], of a model that copies
};

RecurrentDecoder::RecurrentDecoder(const RecurrentSeq2seqConfig& config, std::int64_t memory_width, Rng& rng)
    : Module("RecurrentDecoder"),
      config_(config),
      embed_(config.vocabulary, config.embedding, rng),
      attention_({.score = config.score_kind(),
                  .query_width = config.hidden,
                  .key_width = memory_width,
                  .window = config.window,
                  .coverage = config.coverage},
                 rng),
      lower_(config.cell, lower_config(config, attention_.context_width()), rng),
      out_(read_width(config, attention_.context_width()), config.vocabulary, rng) {
  register_module("embed", embed_);
  register_module("attention", attention_);
  register_module("lower", lower_.module());
  const std::int64_t H = config.hidden, context = attention_.context_width();
  if (config.place == AttentionPlace::between) {
    StackConfig upper = lower_.config();
    upper.in = H;
    upper.layers = config.layer_count() - 1;
    upper.context = context;
    upper.input_dropout = config.dropout;
    register_module("upper", upper_.emplace(config.cell, upper, rng).module());
  }
  if (config.readout == Readout::attentional)
    register_module("combine", combine_.emplace(context + H, H, rng, LinearOptions{.bias = false}));
  register_module("out", out_);
  if (config.copy) register_module("gate", gate_.emplace(context + H + config.embedding, 1, rng));
}

RecurrentSeq2seqState RecurrentDecoder::start(const RecurrentEncoder::Output& encoded,
                                              const Tokens& source) const {
  const ErrorFrame frame = enter();
  RecurrentSeq2seqState state;
  state.memory = attention_.memory(encoded.hs);
  state.mask = padding_mask(source);
  if (config_.copy) state.source_ids = source.ids;
  state.cells = encoded.states;
  state.sources.resize(static_cast<std::size_t>(source.batch()));
  std::iota(state.sources.begin(), state.sources.end(), 0);
  const auto nothing = [&](std::int64_t width) {
    return Var(Tensor::zeros({source.batch(), 1, width}, encoded.hs.dtype()));
  };
  if (config_.input_feeding) state.fed = nothing(fed_width(config_, attention_.context_width()));
  if (config_.coverage) state.coverage = nothing(source.time());
  return state;
}

bool RecurrentDecoder::steps_depend() const {
  return config_.input_feeding || config_.coverage || config_.place == AttentionPlace::below;
}

// x [N, T, E], T being 1 where steps depend on each other.
RecurrentDecoder::Seen RecurrentDecoder::look(const Var& x, RecurrentSeq2seqState& state, Rng* rng) const {
  Attended attended;
  const auto attend = [&](const Var& queries) {
    attended = attention_(state.memory, queries, state.mask, state.coverage);
    if (config_.coverage) state.coverage = state.coverage + attended.weights;
  };
  Var in = config_.input_feeding ? concat({x, state.fed}, -1) : x;
  if (config_.place == AttentionPlace::below) {
    attend(unsqueeze(state.cells.back().h, 1));  // [N, H] -> [N, 1, H]
    in = concat({in, attended.context}, -1);
  }
  Var h = run(lower_, 0, in, state.cells, rng);
  if (config_.place == AttentionPlace::between) {
    attend(h);
    h = run(*upper_, 1, h, state.cells, rng, attended.context);
  }
  if (config_.place == AttentionPlace::above) attend(h);

  Seen seen{.read = h, .weights = attended.weights};
  if (config_.readout != Readout::state) seen.read = concat({attended.context, h}, -1);
  if (combine_) seen.read = tanh((*combine_)(seen.read));
  if (config_.input_feeding) state.fed = combine_ ? seen.read : attended.context;
  if (gate_) seen.gate = (*gate_)(concat({attended.context, h, x}, -1));
  return seen;
}

RecurrentDecoder::Seen RecurrentDecoder::look_step_by_step(const Var& x, RecurrentSeq2seqState& state,
                                                           Rng* rng) const {
  std::optional<Rng> before_masks;  // from where each step draws the masks that all steps share
  if (rng != nullptr && config_.variational) before_masks = *rng;
  std::vector<Var> reads, weights, gates;
  for (std::int64_t t = 0; t < x.extent(1); ++t) {
    if (before_masks) *rng = *before_masks;
    Seen seen = look(slice(x, 1, t, t + 1), state, rng);
    reads.push_back(std::move(seen.read));
    weights.push_back(std::move(seen.weights));
    if (gate_) gates.push_back(std::move(seen.gate));
  }
  return {concat(reads, 1), concat(weights, 1), gate_ ? concat(gates, 1) : Var()};
}

RecurrentDecoder::Output RecurrentDecoder::operator()(const Tensor& ids, RecurrentSeq2seqState& state,
                                                      Rng* rng) const {
  const ErrorFrame frame = enter();
  if (ids.rank() != 2 || ids.extent(0) != state.rows())
    throw ShapeError({.what = text("decoder: ids are ", ids.shape(), " for ", state.rows(), " sequences"),
                      .expected = text("[", state.rows(), ", T]")});
  const Var x = embed_(ids);
  const bool at_once = !steps_depend() || ids.extent(1) == 1;
  const Seen seen = at_once ? look(x, state, rng) : look_step_by_step(x, state, rng);
  const Var scores = out_(seen.read);
  return {gate_ ? copying_scores(scores, seen.gate, seen.weights, state.source_ids) : scores, seen.weights};
}

}  // namespace heed
