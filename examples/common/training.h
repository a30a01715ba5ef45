// What the training programs share: their flags, their data, the course of a run, and the checkpoint that a run
// is resumed from.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/serialize.h"
#include "data/pass.h"
#include "examples/common/flags.h"
#include "examples/common/report.h"
#include "layers/module.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace heed::programs {

/// The flags of every training program. A program adds its own to a struct that derives from this one.
struct TrainingConfig {
  std::string data{};  ///< a file to learn from; empty: the program makes its own
  std::int64_t epochs = 4, batch = 64, warm_up = 0, threads = 0;
  double learning_rate = 2e-3;
  std::string schedule = "cosine";  ///< how the learning rate goes on after the warm-up
  std::uint64_t seed = 1;
  std::string out = "heed-out";  ///< folder of checkpoint and report
  bool resume = false;
  std::int64_t profile = 0;  ///< steps to measure

  /// The learning rate of each step of a run with so many steps an epoch.
  Schedule learning_rates(std::int64_t steps_an_epoch) const;
  std::string checkpoint_path() const { return out + "/checkpoint.safetensors"; }
  std::string report_path() const { return out + "/report.html"; }
  std::string profile_path() const { return out + "/profile.html"; }
};

/// Declares those flags; `data` says what the file holds, and is empty for a program that reads none.
void add_training_flags(Flags& flags, TrainingConfig& config, const std::string& data);
/// The same without --resume and --profile, for a program that leaves no checkpoint.
void add_run_flags(Flags& flags, TrainingConfig& config, const std::string& data);

/// Reads the command line. When `uses_checkpoint()` says so after that (for --resume and the like), what shaped
/// the run comes from the checkpoint, and a flag that says otherwise is a ConfigError; `saved` receives it.
/// Returns false when --help was printed.
bool parse_training_flags(int argc, char** argv, Flags& flags, TrainingConfig& config,
                          const std::function<bool()>& uses_checkpoint, std::optional<TensorFile>& saved);

/// The configuration as names and texts, for the report.
std::vector<Fact> facts_of(const Flags& flags, const TrainingConfig& config);

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

/// How much of what was not trained on a model gets right.
struct Verdict {
  double exact = 0;  ///< share, in [0, 1]
  std::size_t unseen = 0;
  std::string noun{};  ///< what was judged: "tokens", say; empty for examples
};

/// Where a run stands; with the settings all that a resumed run needs to give the same bits.
struct Run {
  const TrainingConfig& config;
  const Flags& flags;
  std::string vocabulary;  ///< as text
  Rng rng;
  PassState position{};  ///< in the epoch that is running
  History history{};

  std::int64_t epochs_done() const { return static_cast<std::int64_t>(history.exact.size()); }
};

/// Draws the order of the next epoch.
void start_epoch(Run& run);

/// Makes the folder, and those that it is in, unless it is there. Throws IoError with the reason of the system.
void make_folder(const std::string& path);

/// Writes the run, the model and the optimiser to the checkpoint; the folder is made when it is missing.
void save_run(const Run& run, const Module& model, const Optimizer& optimiser);
/// Takes all that back, the settings excepted. Throws ConfigError when the run's vocabulary is another.
void load_run(const TensorFile& saved, Run& run, Module& model, Optimizer& optimiser);
/// The vocabulary of a checkpoint as text, and the model's part of it.
std::string saved_vocabulary(const TensorFile& saved);
void load_model(const TensorFile& saved, Module& model);

/// Notes how an epoch of so many steps went, prints that, and starts the next.
void finish_epoch(Run& run, std::int64_t steps, const Verdict& verdict);

/// The report of a run: figures, curves and settings, with neither samples nor maps.
Report training_report(const Run& run, const std::string& title, const Verdict& verdict);

/// Writes the report, says where it and the checkpoint are, and prints the last line, with `more` behind it.
void finish_program(const Run& run, const Report& report, const Verdict& verdict, double seconds,
                    const std::string& more = {});

/// result exact=0.9987 unseen=5000 epochs=4 seconds=41.2 examples_per_s=2410 loss=0.0031
std::string result_line(const History& history, const Verdict& verdict, double seconds);

/// Seconds that have passed since a moment.
double seconds_since(std::chrono::steady_clock::time_point start);

}  // namespace heed::programs
