#include "examples/common/training.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"

namespace heed::programs {
namespace {

template <class Number>
Number number(const TensorFile& saved, const std::string& name) {
  const std::string& written = saved.value(name);
  Number value{};
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), value);
  if (error != std::errc() || end != written.data() + written.size())
    throw IoError(
        {.what = text(saved.path, ": the entry \"", name, "\" is \"", written, "\""), .expected = "a number"});
  return value;
}

Tensor vector_of(const std::vector<double>& values) {
  return Tensor::of(values, {static_cast<std::int64_t>(values.size())}, DType::f64);
}

NamedTensors with_prefix(const NamedTensors& all, const std::string& prefix) {
  NamedTensors part;
  for (const auto& [name, value] : all)
    if (name.starts_with(prefix)) part.emplace_back(name.substr(prefix.size()), value);
  return part;
}

std::vector<double> counted(std::size_t n) {
  std::vector<double> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 1.0);
  return numbers;
}

std::string formatted(const char* format, double value) {
  char digits[64];
  std::snprintf(digits, sizeof digits, format, value);
  return digits;
}

}  // namespace

void add_run_flags(Flags& flags, TrainingConfig& config, const std::string& data) {
  if (!data.empty()) flags.add("data", &config.data, data + "; without it the program makes its own");
  flags.add("epochs", &config.epochs, "passes over the data", at_least(1));
  flags.add("batch", &config.batch, "examples a step", at_least(1));
  flags.add("learning-rate", &config.learning_rate, "of Adam", above(0));
  flags.choice("schedule", &config.schedule, {"constant", "cosine"},
               "the learning rate stays, or falls to 0 over all epochs along a cosine");
  flags.add("warm-up", &config.warm_up, "steps in which the learning rate rises from 0", at_least(0));
  flags.add("seed", &config.seed, "of data, split, initial values and order");
  flags.add("threads", &config.threads, "0: as many as there are processors; the results do not depend on it",
            between(0, 1024));
  flags.add("out", &config.out, "folder for the checkpoint and the report");
  flags.do_not_remember({"epochs", "threads", "out"});
}

void add_training_flags(Flags& flags, TrainingConfig& config, const std::string& data) {
  add_run_flags(flags, config, data);
  flags.add("resume", &config.resume, "go on with the checkpoint in --out");
  flags.add("profile", &config.profile,
            "steps to measure, from the second on: where their time and memory went is printed, and written to "
            "profile.html in --out",
            at_least(0));
  flags.do_not_remember({"resume", "profile"});
}

bool parse_training_flags(int argc, char** argv, Flags& flags, TrainingConfig& config,
                          const std::function<bool()>& uses_checkpoint, std::optional<TensorFile>& saved) {
  if (!flags.parse(argc, argv)) return false;
  if (uses_checkpoint()) {
    saved = read_safetensors(config.checkpoint_path());
    // Once more, with the checkpoint's settings as defaults: what differs then was asked for.
    config.epochs = number<std::int64_t>(*saved, "config.epochs");
    for (const auto& [name, value] : flags.remembered()) flags.set(name, saved->value("config." + name));
    const auto was = flags.remembered();
    flags.parse(argc, argv);
    const auto is = flags.remembered();
    for (std::size_t i = 0; i < was.size(); ++i)
      if (was[i] != is[i])
        throw ConfigError(
            {.what = text("--", is[i].first, "=", is[i].second, ": the checkpoint ", config.checkpoint_path(),
                          " was made with ", was[i].second.empty() ? "none" : was[i].second),
             .hint = text("leave the flag out, or choose another --out for a new run")});
  }
  if (config.threads > 0) set_threads(static_cast<int>(config.threads));
  return true;
}

std::vector<Fact> facts_of(const Flags& flags, const TrainingConfig& config) {
  std::vector<Fact> facts;
  for (const auto& [name, value] : flags.remembered())
    facts.push_back({name, name == "data" && value.empty() ? "made by the program" : value});
  facts.push_back({"epochs", std::to_string(config.epochs)});
  facts.push_back({"threads", std::to_string(threads())});
  return facts;
}

Schedule TrainingConfig::learning_rates(std::int64_t steps_an_epoch) const {
  const std::int64_t steps = std::max<std::int64_t>(1, epochs * steps_an_epoch - warm_up);
  const Schedule rates = schedule == "constant"
                             ? Schedule::constant(learning_rate)
                             : Schedule::cosine({.rate = learning_rate, .floor = 0, .steps = steps});
  return warm_up == 0 ? rates : rates.warmed_up(warm_up);
}

void History::add_step(double loss, double norm, std::int64_t step_examples) {
  losses.push_back(loss);
  norms.push_back(norm);
  examples += step_examples;
}

double History::recent_loss(std::int64_t steps) const {
  const auto n =
      static_cast<std::ptrdiff_t>(std::min<std::size_t>(losses.size(), static_cast<std::size_t>(steps)));
  return n == 0 ? 0.0 : std::accumulate(losses.end() - n, losses.end(), 0.0) / static_cast<double>(n);
}

void start_epoch(Run& run) { run.position = new_pass(run.rng); }

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw IoError({.what = text("--out=", path, ": cannot make the folder: ", error.message())});
}

void save_run(const Run& run, const Module& model, const Optimizer& optimiser) {
  TensorFile file;
  for (const auto& [name, value] : model.state()) file.tensors.emplace_back("model." + name, value);
  for (const auto& [name, value] : optimiser.state()) file.tensors.emplace_back("optimiser." + name, value);
  const History& h = run.history;
  file.tensors.emplace_back("history.losses", vector_of(h.losses));
  file.tensors.emplace_back("history.norms", vector_of(h.norms));
  file.tensors.emplace_back("history.epoch_losses", vector_of(h.epoch_losses));
  file.tensors.emplace_back("history.exact", vector_of(h.exact));
  file.tensors.emplace_back("history.seconds", Tensor::scalar(h.seconds, DType::f64));
  file.metadata.emplace_back("config.epochs", std::to_string(run.config.epochs));
  for (const auto& [name, value] : run.flags.remembered()) file.metadata.emplace_back("config." + name, value);
  file.metadata.emplace_back("vocabulary", run.vocabulary);
  file.metadata.emplace_back("history.examples", std::to_string(h.examples));
  const auto put_rng = [&](const std::string& name, const Rng::State& state) {
    file.metadata.emplace_back(name + ".seed", std::to_string(state.seed));
    file.metadata.emplace_back(name + ".stream", std::to_string(state.stream));
    file.metadata.emplace_back(name + ".position", std::to_string(state.position));
  };
  put_rng("rng", run.rng.state());
  put_rng("epoch.rng", run.position.rng);
  file.metadata.emplace_back("epoch.next", std::to_string(run.position.next));
  make_folder(run.config.out);
  write_safetensors(run.config.checkpoint_path(), file);
}

void load_run(const TensorFile& saved, Run& run, Module& model, Optimizer& optimiser) {
  const auto get_rng = [&](const std::string& name) {
    return Rng::State{number<std::uint64_t>(saved, name + ".seed"),
                      number<std::uint64_t>(saved, name + ".stream"),
                      number<std::uint64_t>(saved, name + ".position")};
  };
  if (saved_vocabulary(saved) != run.vocabulary)
    throw ConfigError(
        {.what = text(saved.path,
                      ": the data have another vocabulary than the one that the checkpoint was made with"),
         .hint = text("give the same --data as before, or choose another --out for a new run")});
  run.rng = Rng(get_rng("rng"));
  run.position = {get_rng("epoch.rng"), number<std::int64_t>(saved, "epoch.next")};
  run.history.losses = saved.tensor("history.losses").to_vector();
  run.history.norms = saved.tensor("history.norms").to_vector();
  run.history.epoch_losses = saved.tensor("history.epoch_losses").to_vector();
  run.history.exact = saved.tensor("history.exact").to_vector();
  run.history.seconds = saved.tensor("history.seconds").item();
  run.history.examples = number<std::int64_t>(saved, "history.examples");
  load_model(saved, model);
  optimiser.load_state(with_prefix(saved.tensors, "optimiser."));
}

std::string saved_vocabulary(const TensorFile& saved) { return saved.value("vocabulary"); }

void load_model(const TensorFile& saved, Module& model) {
  model.load_state(with_prefix(saved.tensors, "model."));
}

void finish_epoch(Run& run, std::int64_t steps, const Verdict& verdict) {
  History& history = run.history;
  history.epoch_losses.push_back(history.recent_loss(steps));
  history.exact.push_back(verdict.exact);
  std::printf("epoch %d  loss %.4f  exact %.2f %% of %zu unseen%s%s\n", static_cast<int>(run.epochs_done()),
              history.epoch_losses.back(), 100 * verdict.exact, verdict.unseen, verdict.noun.empty() ? "" : " ",
              verdict.noun.c_str());
  start_epoch(run);
}

Report training_report(const Run& run, const std::string& title, const Verdict& verdict) {
  const History& h = run.history;
  Report report{.title = title, .configuration = facts_of(run.flags, run.config)};
  const std::string exact = formatted("%.2f %%", 100 * verdict.exact);
  report.summary = text("The model after ", h.exact.size(), h.exact.size() == 1 ? " epoch" : " epochs",
                        " gets ", exact, " of ", verdict.unseen, " unseen ",
                        verdict.noun.empty() ? "examples" : verdict.noun, " exactly right.");
  report.results = {
      {"exact on unseen", exact},
      {"examples a second", formatted("%.0f", static_cast<double>(h.examples) / std::max(1e-9, h.seconds))},
      {"last epoch's loss", formatted("%.4f", h.epoch_losses.empty() ? 0.0 : h.epoch_losses.back())},
      {"seconds of training", formatted("%.1f", h.seconds)}};
  std::vector<double> percent;
  for (const double share : h.exact) percent.push_back(100 * share);
  report.curves = {{"Loss by step",
                    {{"loss", counted(h.losses.size()), h.losses}},
                    {.x_label = "step", .y_label = "loss", .log_y = true}},
                   {"Exact on unseen by epoch",
                    {{"exact", counted(percent.size()), percent}},
                    {.x_label = "epoch", .y_label = "%", .y_low = 0, .y_high = 100}},
                   {"Gradient norm by step",
                    {{"norm", counted(h.norms.size()), h.norms}},
                    {.x_label = "step", .y_label = "norm", .log_y = true}}};
  return report;
}

std::string result_line(const History& h, const Verdict& verdict, double seconds) {
  return text("result exact=", formatted("%.4f", verdict.exact), " unseen=", verdict.unseen,
              " epochs=", h.exact.size(), " seconds=", formatted("%.1f", seconds), " examples_per_s=",
              formatted("%.0f", static_cast<double>(h.examples) / std::max(1e-9, h.seconds)),
              " loss=", formatted("%.4f", h.epoch_losses.empty() ? 0.0 : h.epoch_losses.back()));
}

void finish_program(const Run& run, const Report& report, const Verdict& verdict, double seconds,
                    const std::string& more) {
  write_file(run.config.report_path(), to_html(report));
  std::printf("report: %s\ncheckpoint: %s\n%s%s\n", run.config.report_path().c_str(),
              run.config.checkpoint_path().c_str(), result_line(run.history, verdict, seconds).c_str(),
              more.c_str());
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace heed::programs
