#include "layers/recurrent_stack.h"

#include "autograd/ops/dropout.h"
#include "autograd/ops/recurrent.h"
#include "autograd/ops/shape.h"

namespace heed {

const StackConfig& checked(const StackConfig& config) {
  if (config.layers < 1)
    throw ConfigError({.what = text("RecurrentStack: ", config.layers, " layers"), .expected = "at least one"});
  for (const double probability : {config.input_dropout, config.dropout, config.recurrent_dropout})
    if (!(probability >= 0 && probability < 1))
      throw ConfigError(
          {.what = text("RecurrentStack: a dropout of ", probability), .expected = "0 <= probability < 1"});
  return config;
}

std::string description_of(const StackConfig& config) {
  return text("RecurrentStack ", config.in, " -> ", config.directions() * config.hidden, ", ", config.layers,
              config.layers == 1 ? " layer" : " layers",
              config.context > 0 ? text(", context ", config.context) : "",
              config.bidirectional ? ", both directions" : "", config.residual ? ", residual" : "");
}

template <class Cell>
typename RecurrentStack<Cell>::Output RecurrentStack<Cell>::operator()(const Var& x,
                                                                       const std::vector<State>& initial,
                                                                       const Tensor& lengths, Rng* rng,
                                                                       const Var& context) const {
  const ErrorFrame frame = enter();
  if (!initial.empty() && initial.size() != cells_.size())
    throw ConfigError({.what = text("RecurrentStack: ", initial.size(), " initial states"),
                       .expected = text("none, or ", cells_.size(), ": one for each layer and direction")});
  const auto drops = [&](double probability) {
    if (!training() || probability == 0) return false;
    if (rng == nullptr)
      throw ConfigError({.what = "RecurrentStack: dropout in training needs a generator",
                         .hint = "pass the generator, or call eval()"});
    return true;
  };
  const auto drop_out = [&](const Var& in, double probability) {
    if (!drops(probability)) return in;
    return config_.variational ? variational_dropout(in, probability, *rng) : dropout(in, probability, *rng);
  };

  Output output{x, {}};
  const auto run = [&](const Var& in) {
    const std::size_t i = output.states.size();
    Tensor h_factors;
    if (drops(config_.recurrent_dropout))
      h_factors = dropout_factors({x.extent(0), config_.hidden}, config_.recurrent_dropout, *rng, x.dtype());
    const auto of_cell = cells_[i](in, initial.empty() ? State{} : initial[i], lengths, h_factors);
    output.states.push_back(of_cell.state);
    return of_cell.hs;
  };
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const Var in = drop_out(context.defined() ? concat({output.hs, context}, -1) : output.hs,
                            layer == 0 ? config_.input_dropout : config_.dropout);
    Var hs = run(in);
    if (config_.bidirectional)
      hs = concat({hs, reverse_sequences(run(reverse_sequences(in, lengths)), lengths)}, -1);
    output.hs = config_.residual && layer > 0 ? hs + output.hs : hs;
  }
  note("hs", output.hs);
  return output;
}

template class RecurrentStack<RNN>;
template class RecurrentStack<GRU>;
template class RecurrentStack<LSTM>;
template class RecurrentStack<LayerNormLSTM>;

}  // namespace heed
