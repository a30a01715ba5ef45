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

bool parse(int argc, char** argv, TrainingConfig& config, const std::string& program,
           const std::string& summary, const std::vector<std::string>& models) {
  Flags flags(program, summary);
  flags.add("data", &config.data,
            "a file of pairs, source<TAB>target or source_target a line; without it the program makes its own");
  flags.choice("model", &config.model, models, "which model to train");
  flags.add("epochs", &config.epochs, "passes over the data", at_least(1));
  flags.add("batch", &config.batch, "examples a step", at_least(1));
  flags.add("hidden", &config.hidden, "width of the recurrent layers", at_least(1));
  flags.add("embedding", &config.embedding, "width of the embedding", at_least(1));
  flags.add("learning-rate", &config.learning_rate, "of Adam", above(0));
  flags.choice("schedule", &config.schedule, {"constant", "cosine"},
               "the learning rate stays, or falls to 0 over all epochs along a cosine");
  flags.add("seed", &config.seed, "of data, split, initial values and order");
  flags.add("threads", &config.threads, "0: as many as there are processors; the results do not depend on it",
            between(0, 1024));
  flags.choice("split", &config.split, {"leak-free", "random"},
               "how unseen examples are set apart: no source on both sides, or at random");
  flags.add("out", &config.out, "folder for the checkpoint and the report");
  flags.add("resume", &config.resume, "go on with the checkpoint in --out");
  flags.add("convert", &config.convert, "convert this text with the checkpoint in --out, and stop");
  return flags.parse(argc, argv);
}

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

// What shapes a run, as opposed to how far and where it goes.
void take_shape(const TensorFile& saved, TrainingConfig& config) {
  config.data = saved.value("config.data");
  config.model = saved.value("config.model");
  config.split = saved.value("config.split");
  config.batch = number<std::int64_t>(saved, "config.batch");
  config.hidden = number<std::int64_t>(saved, "config.hidden");
  config.embedding = number<std::int64_t>(saved, "config.embedding");
  config.epochs = number<std::int64_t>(saved, "config.epochs");
  config.schedule = saved.value("config.schedule");
  config.learning_rate = number<double>(saved, "config.learning-rate");
  config.seed = number<std::uint64_t>(saved, "config.seed");
}

std::vector<Fact> shape_of(const TrainingConfig& config) {
  return {{"data", config.data},
          {"model", config.model},
          {"split", config.split},
          {"batch", std::to_string(config.batch)},
          {"hidden", std::to_string(config.hidden)},
          {"embedding", std::to_string(config.embedding)},
          {"learning-rate", text(config.learning_rate)},
          {"schedule", config.schedule},
          {"seed", std::to_string(config.seed)}};
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

std::optional<TrainingConfig> parse_training_flags(int argc, char** argv, const TrainingConfig& defaults,
                                                   const std::string& program, const std::string& summary,
                                                   const std::vector<std::string>& models,
                                                   std::optional<TensorFile>& saved) {
  TrainingConfig config = defaults;
  if (!parse(argc, argv, config, program, summary, models)) return std::nullopt;
  if (config.resume || config.convert) {
    saved = read_safetensors(config.checkpoint_path());
    // Once more, with the checkpoint's settings as defaults: what differs then was asked for.
    TrainingConfig shape = defaults;
    take_shape(*saved, shape);
    config = shape;
    parse(argc, argv, config, program, summary, models);
    const std::vector<Fact> was = shape_of(shape), is = shape_of(config);
    for (std::size_t i = 0; i < was.size(); ++i)
      if (was[i].value != is[i].value)
        throw ConfigError(
            {.what = text("--", is[i].name, "=", is[i].value, ": the checkpoint ", config.checkpoint_path(),
                          " was made with ", was[i].value.empty() ? "none" : was[i].value),
             .hint = text("leave the flag out, or choose another --out for a new run")});
  }
  if (config.threads > 0) set_threads(static_cast<int>(config.threads));
  return config;
}

std::vector<Fact> facts_of(const TrainingConfig& config) {
  std::vector<Fact> facts = shape_of(config);
  if (config.data.empty()) facts.front().value = "made by the program";
  facts.push_back({"epochs", std::to_string(config.epochs)});
  facts.push_back({"threads", std::to_string(threads())});
  return facts;
}

Split split_as_configured(const Pairs& pairs, const TrainingConfig& config, Rng& rng) {
  Split split = config.split == "random" ? split_random(pairs, 0.1, rng) : split_leak_free(pairs, 0.1, rng);
  std::printf("%s", to_string(leak_report(split.train, split.unseen)).c_str());
  return split;
}

Schedule TrainingConfig::learning_rates(std::int64_t steps_an_epoch) const {
  if (schedule == "constant") return Schedule::constant(learning_rate);
  return Schedule::cosine({.rate = learning_rate, .floor = 0, .steps = epochs * steps_an_epoch});
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

void start_epoch(Run& run) {
  run.position = {run.rng.state(), 0};
  run.rng.split();
}

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
  for (const Fact& fact : shape_of(run.config)) file.metadata.emplace_back("config." + fact.name, fact.value);
  file.metadata.emplace_back("characters", run.characters.characters());
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
  if (saved_vocabulary(saved) != run.characters)
    throw ConfigError(
        {.what =
             text(saved.path, ": the data have other characters than those that the checkpoint was made with"),
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

Vocabulary saved_vocabulary(const TensorFile& saved) { return Vocabulary(saved.value("characters")); }

void load_model(const TensorFile& saved, Module& model) {
  model.load_state(with_prefix(saved.tensors, "model."));
}

void finish_epoch(Run& run, std::int64_t steps, const Evaluation& evaluation) {
  History& history = run.history;
  history.epoch_losses.push_back(history.recent_loss(steps));
  history.exact.push_back(evaluation.exact);
  std::printf("epoch %d  loss %.4f  exact %.2f %% of %zu unseen\n", static_cast<int>(run.epochs_done()),
              history.epoch_losses.back(), 100 * evaluation.exact, evaluation.examples.size());
  const std::size_t n = evaluation.examples.size(), count = std::min<std::size_t>(10, n);
  for (std::size_t i = 0; i < count; ++i) {
    const Example& example = evaluation.examples[i * n / count];
    if (evaluation.right[i * n / count])
      std::printf("  right  %s -> %s\n", example.source.c_str(), example.output.c_str());
    else
      std::printf("  WRONG  %s -> %s  (expected %s)\n", example.source.c_str(), example.output.c_str(),
                  example.expected.c_str());
  }
  std::fflush(stdout);
  start_epoch(run);
}

Report training_report(const Run& run, const std::string& title, const Evaluation& evaluation) {
  const History& h = run.history;
  Report report{.title = title, .configuration = facts_of(run.config)};
  const std::string exact = formatted("%.2f %%", 100 * evaluation.exact);
  report.summary = text("The ", run.config.model, " model after ", h.exact.size(), " epochs writes ", exact,
                        " of ", evaluation.examples.size(), " unseen examples exactly.");
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
  for (std::size_t i = 0; i < evaluation.examples.size(); ++i)
    if (!evaluation.right[i]) report.mistakes.push_back(evaluation.examples[i]);
  std::stable_sort(report.mistakes.begin(), report.mistakes.end(),
                   [](const Example& a, const Example& b) { return a.loss > b.loss; });
  if (report.mistakes.size() > 20) report.mistakes.resize(20);
  for (std::size_t i = 0; i < std::min<std::size_t>(10, evaluation.examples.size()); ++i)
    report.samples.push_back(evaluation.examples[i * evaluation.examples.size() / 10]);
  return report;
}

std::string result_line(const Run& run, const Evaluation& evaluation, double seconds) {
  const History& h = run.history;
  return text("result exact=", formatted("%.4f", evaluation.exact), " unseen=", evaluation.examples.size(),
              " epochs=", h.exact.size(), " seconds=", formatted("%.1f", seconds), " examples_per_s=",
              formatted("%.0f", static_cast<double>(h.examples) / std::max(1e-9, h.seconds)),
              " loss=", formatted("%.4f", h.epoch_losses.empty() ? 0.0 : h.epoch_losses.back()));
}

}  // namespace heed::programs
