// Copies what it has read: random vectors come in, then a delimiter, and the vectors are to be written down.
//
// You learn: how a Neural Turing Machine (Graves et al. 2014) is built and trained; that it finds a procedure:
// a row of its memory for each vector, one after the other, and back to the first to read them, so that it
// copies sequences twice as long as any that it has seen; how to look at where its heads are.
//
//   build/release/bin/copy_task                     # all that it remembers is in the memory
//   build/release/bin/copy_task --controller=lstm   # remembers by itself too; slower, and not from every seed
//
// Prints after each epoch what a bit costs, in bits (1 is guessing), then the same for twice the length, a map
// of the memory for each head and `result exact=… unseen=… … bits_per_bit=… twice_bits_per_bit=…`; writes
// checkpoint.safetensors and report.html to heed-out/. Takes about a minute on 2 cores.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <numbers>

#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "core/reduce.h"
#include "data/tasks/copying.h"
#include "examples/common/epochs.h"
#include "layers/ntm.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 1.0;                    // a few gradients are a hundred times the others
constexpr std::int64_t kUnseen = 200;                // sequences of each test
constexpr std::uint64_t kUnseenStream = 0x636f7079;  // a stream of numbers that training never draws from

struct CopyConfig : TrainingConfig {
  CopyConfig() : TrainingConfig{.epochs = 12, .batch = 16, .learning_rate = 5e-3} {}
  std::int64_t steps = 250, bits = 8, longest = 20;
  std::string controller = "feed_forward";
  NtmConfig machine;
};

// Mean cost, in bits, of a bit that is to be written; 1 for one who guesses.
Var bits_per_bit(const Var& scores, const tasks::CopyBatch& batch) {
  const double asked = sum(batch.mask).item() * static_cast<double>(batch.target.extent(-1));
  const Var nats = binary_cross_entropy(scores, batch.target, {.reduction = Reduction::none});
  return sum(nats * Var(batch.mask)) * (1 / (asked * std::numbers::ln2));
}

// The batches of an epoch: new ones, drawn from a stream of numbers that begins with the epoch. Where it stands
// is all that is needed to draw the next.
class Draws {
 public:
  Draws(const CopyConfig& config, const PassState& state)
      : config_(config), state_(state), rng_(state.next == 0 ? Rng(state.rng).split() : Rng(state.rng)) {}
  std::int64_t batches() const { return config_.steps; }
  bool done() const { return state_.next == config_.steps; }
  PassState state() const { return state_; }
  tasks::CopyBatch next() {
    auto batch = tasks::copying(config_.batch, rng_, {.bits = config_.bits, .longest = config_.longest});
    state_ = {rng_.state(), state_.next + 1};
    return batch;
  }

 private:
  const CopyConfig& config_;
  PassState state_;
  Rng rng_;
};

struct CopyLoader {
  const CopyConfig& config;
  std::int64_t batches() const { return config.steps; }
  Draws epoch(const PassState& state) const { return Draws(config, state); }
};

// What copying costs, and the share of the sequences without a wrong bit; the same sequences in every call.
struct Quality {
  double bits_per_bit, bits_per_sequence, exact;
};

Quality measure(const NTM& model, const CopyConfig& config, std::int64_t shortest, std::int64_t longest) {
  const NoGrad no_grad;
  Rng rng(Rng::State{config.seed, kUnseenStream, 0});
  const tasks::CopyBatch batch = tasks::copying(
      kUnseen, rng, {.bits = config.bits, .shortest = shortest, .longest = longest, .one_length = false});
  const Var scores = model(Var(batch.x)).y;
  const Tensor written = greater(scores.value(), Tensor::scalar(0)).to(DType::f32);
  const Tensor wrong = logical_not(equal(written, batch.target)).to(DType::f32) * batch.mask;  // [B, T, bits]
  const double bits = sum(batch.mask).item() * static_cast<double>(config.bits) / kUnseen;     // a sequence
  const double cost = bits_per_bit(scores, batch).item();
  return {cost, cost * bits, 1 - sum(max(max(wrong, 2), 1)).item() / kUnseen};
}

void print(const char* what, const Quality& quality) {
  std::printf("%s: %.5f bits a bit, %.3f a sequence, exact %.2f %%\n", what, quality.bits_per_bit,
              quality.bits_per_sequence, 100 * quality.exact);
}

void print(const HeatMap& map) {
  const TerminalHeatMapOptions options{
      .color = isatty(STDOUT_FILENO) != 0, .low = map.options.low, .high = map.options.high, .cell = 1};
  std::printf("%s\n%s", map.title.c_str(),
              terminal_heat_map(map.values, map.row_labels, map.column_labels, options).c_str());
}

// A map of each head for one of the longest sequences: its rows are those of the memory that a head came to.
std::vector<HeatMap> head_maps(const NTM& model, const CopyConfig& config) {
  const NoGrad no_grad;
  const std::int64_t length = config.longest;
  Rng rng(config.seed);
  const auto batch = tasks::copying(1, rng, {.bits = config.bits, .shortest = length, .longest = length});
  const Tensor weights = model.with_weights(Var(batch.x)).weights.select(0, 0);  // [heads, T, N]
  const Tensor strongest = max(max(weights, 1), 0);                              // [N]
  std::vector<HeatMap> maps;
  for (std::int64_t head = 0; head < weights.extent(0); ++head) {
    HeatMap map{.title = text(head < config.machine.read_heads ? "Reading" : "Writing",
                              " head: rows of the memory by step"),
                .options = {.row_title = "row", .column_title = "step", .low = 0.0, .high = 1.0, .cell = 14}};
    for (std::int64_t t = 0; t <= 2 * length; ++t)  // the vectors, the delimiter, the vectors again
      map.column_labels.push_back(t == length ? "|" : std::to_string(t % (length + 1) % 10));
    for (std::int64_t row = 0; row < weights.extent(2); ++row) {
      if (strongest.at({row}) < 0.1) continue;
      map.row_labels.push_back(std::to_string(row));
      const std::vector<double> in_time = weights.select(0, head).select(1, row).to_vector();
      map.values.insert(map.values.end(), in_time.begin(), in_time.end());
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

int train(const CopyConfig& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained
  Rng rng(config.seed);
  NTM model(config.machine, rng);
  Adam optimiser(model.parameters(), {.learning_rate = config.learning_rate});
  std::printf("%s\n", model.summary().c_str());

  Run run{.config = config, .flags = flags, .vocabulary = {}, .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model, optimiser);
  const auto step = [&](const tasks::CopyBatch& batch) {
    const Var scores = model(Var(batch.x)).y;  // [B, T, bits]
    const Var loss = bits_per_bit(scores, batch);
    loss.backward();
    const double norm = optimiser.step({.clip_norm = kClipNorm});
    optimiser.zero_grad();
    return StepResult{loss.item(), norm, config.batch};
  };
  Quality quality{};
  const auto judge = [&] {
    quality = measure(model, config, 1, config.longest);
    return Verdict{quality.exact, kUnseen};
  };
  const auto show = [&] { print("  unseen", quality); };
  const auto verdict = run_epochs(run, model, optimiser, CopyLoader{config}, step, judge, show);
  if (!verdict) return kInterruptedExitCode;

  const Quality twice = measure(model, config, 2 * config.longest, 2 * config.longest);
  print("twice as long", twice);
  Report report = training_report(run, "The copy task", *verdict);
  report.results.push_back({"bits a bit", short_number(quality.bits_per_bit)});
  report.results.push_back({"bits a bit, twice as long", short_number(twice.bits_per_bit)});
  report.maps = head_maps(model, config);
  for (const HeatMap& map : report.maps) print(map);
  char more[96];
  std::snprintf(more, sizeof more, " bits_per_bit=%.5f twice_bits_per_bit=%.5f twice_exact=%.4f",
                quality.bits_per_bit, twice.bits_per_bit, twice.exact);
  finish_program(run, report, *verdict, seconds_since(start), more);
  return 0;
}

int run(int argc, char** argv) {
  CopyConfig config;
  Flags flags("copy_task", "Trains a Neural Turing Machine to copy sequences of random vectors.");
  add_training_flags(flags, config, "");
  flags.add("steps", &config.steps, "steps an epoch", at_least(1));
  flags.add("bits", &config.bits, "of each vector", at_least(1));
  flags.add("longest", &config.longest, "vectors of the longest sequence to learn from", at_least(1));
  flags.add("rows", &config.machine.rows, "of the memory", at_least(1));
  flags.add("width", &config.machine.width, "of a row of the memory", at_least(1));
  flags.add("hidden", &config.machine.hidden, "width of the controller", at_least(1));
  flags.add("read-heads", &config.machine.read_heads, "that read", at_least(1));
  flags.add("write-heads", &config.machine.write_heads, "that write", at_least(1));
  flags.choice("controller", &config.controller, {"feed_forward", "lstm"}, "what drives the heads");
  std::optional<TensorFile> saved;
  const auto resumes = [&] { return config.resume; };
  if (!parse_training_flags(argc, argv, flags, config, resumes, saved)) return 0;
  config.machine.in = config.bits + 1;
  config.machine.out = config.bits;
  config.machine.controller = config.controller == "lstm" ? NtmController::lstm : NtmController::feed_forward;
  return train(config, flags, saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
