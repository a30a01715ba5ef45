#include "layers/ntm.h"

#include "autograd/ops/activations.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/logistic.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "autograd/truncate.h"
#include "layers/attention_maps.h"

namespace heed {
namespace {

constexpr double kFirstMemory = 1e-6;

NtmConfig checked(const NtmConfig& config) {
  if (config.in < 1 || config.out < 1 || config.rows < 1 || config.width < 1 || config.hidden < 1 ||
      config.read_heads < 1 || config.write_heads < 1 || config.shift < 0)
    throw ConfigError(
        {.what = text("NTM: in ", config.in, ", out ", config.out, ", rows ", config.rows, ", width ",
                      config.width, ", hidden ", config.hidden, ", read_heads ", config.read_heads,
                      ", write_heads ", config.write_heads, ", shift ", config.shift),
         .expected = "all at least 1, shift at least 0"});
  return config;
}

std::int64_t heads_of(const NtmConfig& config) { return config.read_heads + config.write_heads; }

// Numbers that all heads together emit: key, beta, gate, gamma and shifts each, erase and add the writing ones.
std::int64_t emitted_width(const NtmConfig& config) {
  return heads_of(config) * (config.width + 3 + 2 * config.shift + 1) + config.write_heads * 2 * config.width;
}

}  // namespace

struct NTM::Emitted {
  ntm::Address address;
  Var erase, add;  // [B, writing heads, M]
};

void NtmState::select(const Tensor& rows) {
  const auto chosen = [&](const Var& x) { return x.defined() ? select_rows(x, rows) : x; };
  *this = {chosen(memory), chosen(weights), chosen(reads), {chosen(controller.h), chosen(controller.c)}};
}

NtmState detached(const NtmState& state) {
  return {detached(state.memory), detached(state.weights), detached(state.reads), detached(state.controller)};
}

NTM::NTM(const NtmConfig& config, Rng& rng)
    : Module(text("NTM ", config.in, " -> ", config.out, ", memory ", config.rows, " x ", config.width)),
      config_(checked(config)),
      heads_(config.hidden, emitted_width(config), rng),
      out_(config.hidden + config.read_heads * config.width, config.out, rng) {
  const std::int64_t seen = config.in + config.read_heads * config.width;
  if (config.controller == NtmController::lstm)
    register_module("controller", lstm_.emplace(seen, config.hidden, rng));
  else
    register_module("controller", feed_forward_.emplace(seen, config.hidden, rng));
  register_module("heads", heads_);
  register_module("out", out_);
}

NtmState NTM::start(std::int64_t sequences, DType dtype) const {
  Tensor weights = Tensor::zeros({sequences, heads_of(config_), config_.rows}, dtype);
  weights.select(-1, 0).fill(1);
  return {Var(Tensor::full({sequences, config_.rows, config_.width}, kFirstMemory, dtype)),
          Var(weights),
          Var(Tensor::full({sequences, config_.read_heads, config_.width}, kFirstMemory, dtype)),
          {}};
}

// x [B, 1, ·] -> h [B, 1, hidden].
Var NTM::control(const Var& x, LstmState& state) const {
  if (feed_forward_) return tanh((*feed_forward_)(x));
  const LstmOutput output = (*lstm_)(x, state);
  state = output.state;
  return output.hs;
}

NTM::Emitted NTM::emit(const Var& h) const {
  const Var all = heads_(h);  // [B, 1, ·]
  std::int64_t at = 0;
  const auto next = [&](std::int64_t heads, std::int64_t width) {
    const Var part = slice(all, -1, at, at + heads * width);
    at += heads * width;
    return reshape(part, {h.extent(0), heads, width});
  };
  const std::int64_t heads = heads_of(config_), writing = config_.write_heads, width = config_.width;
  Emitted emitted;
  emitted.address.key = next(heads, width);
  emitted.address.beta = softplus(next(heads, 1));
  emitted.address.gate = sigmoid(next(heads, 1));
  emitted.address.shift = softmax(next(heads, 2 * config_.shift + 1));
  emitted.address.gamma = 1.0 + softplus(next(heads, 1));
  emitted.erase = sigmoid(next(writing, width));
  emitted.add = next(writing, width);
  return emitted;
}

// x [B, 1, in] -> what the output is made of, [B, 1, hidden + reading heads * M].
Var NTM::step(const Var& x, NtmState& state) const {
  const std::int64_t batch = x.extent(0), reading = config_.read_heads, heads = heads_of(config_);
  const auto as_step = [&](const Var& reads) { return reshape(reads, {batch, 1, reading * config_.width}); };
  const Var h = control(concat({x, as_step(state.reads)}, -1), state.controller);
  const Emitted emitted = emit(h);
  state.weights = note("weights", ntm::weighting(state.memory, state.weights, emitted.address));
  const Var writing = slice(state.weights, 1, reading, heads);
  state.memory = note("memory", ntm::write(state.memory, writing, emitted.erase, emitted.add));
  state.reads = note("reads", ntm::read(state.memory, slice(state.weights, 1, 0, reading)));
  return concat({h, as_step(state.reads)}, -1);
}

NTM::Forward NTM::with_weights(const Var& x, const NtmState& initial) const {
  AttentionMaps maps(path());
  NtmOutput output = (*this)(x, initial);
  return {std::move(output), maps[path()].front()};
}

NtmOutput NTM::operator()(const Var& x, const NtmState& initial) const {
  const ErrorFrame frame = enter();
  NtmState state = initial.memory.defined() || x.rank() != 3 ? initial : start(x.extent(0), x.dtype());
  require_fit(x, state);
  const bool maps_wanted = AttentionMaps::wanted(*this);
  std::vector<Var> steps;
  std::vector<Tensor> weights;
  for (std::int64_t t = 0; t < x.extent(1); ++t) {
    steps.push_back(step(slice(x, 1, t, t + 1), state));
    if (maps_wanted) weights.push_back(state.weights.value().unsqueeze(2));  // [B, H, 1, N]
  }
  if (maps_wanted) AttentionMaps::keep(*this, concat(weights, 2));
  return {note("output", out_(concat(steps, 1))), state};
}

void NTM::require_fit(const Var& x, const NtmState& state) const {
  if (x.rank() != 3 || x.extent(1) < 1 || x.extent(2) != config_.in)
    throw ShapeError({.what = text("NTM: x is ", x.shape()),
                      .expected = text("x [B, T, ", config_.in, "] with T >= 1"),
                      .operands = text("x: ", x.value().origin())});
  const std::int64_t batch = x.extent(0);
  const auto fits = [](const Var& var, const Shape& shape) { return var.defined() && var.shape() == shape; };
  if (!fits(state.memory, {batch, config_.rows, config_.width}) ||
      !fits(state.weights, {batch, heads_of(config_), config_.rows}) ||
      !fits(state.reads, {batch, config_.read_heads, config_.width}))
    throw ShapeError({.what = text("NTM: x is ", x.shape(), ", the state's memory is ",
                                   state.memory.defined() ? state.memory.shape() : Shape{}),
                      .expected = text("a state of ", batch, " sequences with memory [", batch, ", ",
                                       config_.rows, ", ", config_.width, "]")});
}

}  // namespace heed
