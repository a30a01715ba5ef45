// What the training programs share: their flags, their data, the course of a run, and the checkpoint that a run
// is resumed from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/serialize.h"
#include "data/loader.h"
#include "data/split.h"
#include "data/vocabulary.h"
#include "examples/common/flags.h"
#include "examples/common/report.h"
#include "layers/module.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace heed::programs {

/// The flags of every training program.
struct TrainingConfig {
  std::string data{};  ///< a file of pairs; empty: the program makes its own
  std::string model = "attention";
  std::int64_t epochs = 4, batch = 64, hidden = 128, embedding = 16, threads = 0;
  double learning_rate = 2e-3;
  std::string schedule = "cosine";  ///< how the learning rate goes on
  std::uint64_t seed = 1;
  std::string split = "leak-free";
  std::string out = "heed-out";  ///< folder of checkpoint and report
  bool resume = false;
  std::optional<std::string> convert{};  ///< a text to convert with the checkpoint

  /// The learning rate of each step of a run with so many steps an epoch.
  Schedule learning_rates(std::int64_t steps_an_epoch) const;
  std::string checkpoint_path() const { return out + "/checkpoint.safetensors"; }
  std::string report_path() const { return out + "/report.html"; }
};

/// Reads the command line. With --resume or --convert, what shaped the run comes from the checkpoint, and a
/// flag that says otherwise is a ConfigError. Returns nothing when --help was printed. `saved` receives the
/// checkpoint.
std::optional<TrainingConfig> parse_training_flags(int argc, char** argv, const TrainingConfig& defaults,
                                                   const std::string& program, const std::string& summary,
                                                   const std::vector<std::string>& models,
                                                   std::optional<TensorFile>& saved);

/// The configuration as names and texts, for the report and the checkpoint.
std::vector<Fact> facts_of(const TrainingConfig& config);

/// Splits as the configuration says and prints the leak report.
Split split_as_configured(const Pairs& pairs, const TrainingConfig& config, Rng& rng);

/// The course of a run: what the report draws and the last line sums up.
struct History {
  std::vector<double> losses, norms;        ///< of each step
  std::vector<double> epoch_losses, exact;  ///< of each complete epoch; exact in [0, 1]
  double seconds = 0;                       ///< spent on training steps
  std::int64_t examples = 0;                ///< trained on, repeats counted

  void add_step(double loss, double norm, std::int64_t step_examples);
  /// Mean over the last `steps` steps.
  double recent_loss(std::int64_t steps) const;
};

/// Where a run stands; with the configuration all that a resumed run needs to give the same bits.
struct Run {
  TrainingConfig config;
  Vocabulary characters;
  Rng rng;
  Epoch::State position{};  ///< in the epoch that is running
  History history{};

  std::int64_t epochs_done() const { return static_cast<std::int64_t>(history.exact.size()); }
};

/// Draws the order of the next epoch.
void start_epoch(Run& run);

/// Makes the folder, and those that it is in, unless it is there. Throws IoError with the reason of the system.
void make_folder(const std::string& path);

/// Writes the run, the model and the optimiser to the checkpoint; the folder is made when it is missing.
void save_run(const Run& run, const Module& model, const Optimizer& optimiser);
/// Takes all that back, the configuration excepted. Throws ConfigError when the run's vocabulary is another.
void load_run(const TensorFile& saved, Run& run, Module& model, Optimizer& optimiser);
/// The vocabulary of a checkpoint, and the model's part of it.
Vocabulary saved_vocabulary(const TensorFile& saved);
void load_model(const TensorFile& saved, Module& model);

/// What a model wrote for some pairs.
struct Evaluation {
  double exact = 0;
  std::vector<Example> examples;  ///< one a pair
  std::vector<bool> right;
};

/// Notes how an epoch of so many steps went, prints that and ten samples, each marked right or wrong, and
/// starts the next.
void finish_epoch(Run& run, std::int64_t steps, const Evaluation& evaluation);

/// The report without its attention maps.
Report training_report(const Run& run, const std::string& title, const Evaluation& evaluation);

/// result exact=0.9987 unseen=5000 epochs=4 seconds=41.2 examples_per_s=2410 loss=0.0031
std::string result_line(const Run& run, const Evaluation& evaluation, double seconds);

}  // namespace heed::programs
