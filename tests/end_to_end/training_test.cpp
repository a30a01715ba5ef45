// Whole training runs in small: the same bits at any number of threads and across a stop, f32 and f64, and
// learning.
#include <cmath>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/parallel.h"
#include "data/evaluate.h"
#include "data/loader.h"
#include "data/split.h"
#include "data/tasks/dates.h"
#include "data/tasks/sums.h"
#include "data/vocabulary.h"
#include "examples/common/training.h"
#include "layers/seq2seq.h"
#include "optim/adam.h"
#include "tests/catch.h"
#include "tests/folder.h"

namespace heed {
namespace {

// A run that has everything a program's has.
struct Trial {
  programs::TrainingConfig config;
  programs::Flags flags{"trial", "A run in small."};
  Pairs pairs;
  Vocabulary characters;
  Loader loader;
  Rng rng;
  AttentionSeq2seq model;
  Adam optimiser;
  programs::Run run;

  Trial(const Pairs& given, std::uint64_t seed, std::int64_t hidden, std::int64_t batch)
      : pairs(given),
        characters(pairs),
        loader(pairs, characters, {.batch = batch, .sort_window = 2}),
        rng(seed),
        model({.vocabulary = characters.size(), .embedding = 8, .hidden = hidden}, rng),
        optimiser(model.parameters(), {.learning_rate = 5e-3}),
        run{.config = config, .flags = flags, .vocabulary = characters.characters(), .rng = rng} {
    programs::add_training_flags(flags, config, "pairs");
    programs::start_epoch(run);
  }

  // Losses of the next steps, over as many epochs as they take.
  std::vector<double> steps(int count) {
    std::vector<double> losses;
    Epoch epoch = loader.epoch(run.position);
    for (int i = 0; i < count; ++i) {
      if (epoch.done()) {
        programs::start_epoch(run);
        epoch = loader.epoch(run.position);
      }
      const Batch batch = epoch.next();
      const Var loss = cross_entropy(model(batch.source, batch.target_in), batch.target_out);
      loss.backward();
      const double norm = optimiser.step({.clip_norm = 5.0});
      optimiser.zero_grad();
      run.position = epoch.state();
      run.history.add_step(loss.item(), norm, batch.size());
      losses.push_back(loss.item());
    }
    return losses;
  }
};

Pairs some_dates(std::int64_t count) {
  Rng rng(3);
  return tasks::dates(count, rng);
}

struct Threads {
  int before = threads();
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("training: one, two and three threads give the same losses and parameters to the last bit") {
  // Large enough that the LSTM, the products and the loss are all cut into pieces.
  const Pairs pairs = some_dates(300);
  std::vector<double> losses;
  NamedTensors parameters;
  for (const int n : {1, 2, 3}) {
    const Threads scope(n);
    Trial trial(pairs, 5, 64, 100);
    const std::vector<double> now = trial.steps(4);
    const NamedTensors state = trial.model.state();
    if (losses.empty()) {
      losses = now;
      for (const auto& [name, value] : state) parameters.emplace_back(name, value.clone());
    }
    CHECK(now == losses);
    for (std::size_t i = 0; i < state.size(); ++i) CHECK(identical(state[i].second, parameters[i].second));
  }
}

TEST_CASE("training: a run that is stopped, saved and resumed gives the bits of one that is not") {
  const Pairs pairs = some_dates(120);
  Trial whole(pairs, 7, 16, 25);
  const std::vector<double> all = whole.steps(12);  // two epochs of 5 steps and a part of the third

  const tests::Folder folder;
  std::vector<double> parts;
  {
    Trial first(pairs, 7, 16, 25);
    first.config.out = folder.at("run");
    parts = first.steps(7);
    programs::save_run(first.run, first.model, first.optimiser);
  }
  Trial second(pairs, 7, 16, 25);
  second.config.out = folder.at("run");
  const TensorFile saved = read_safetensors(second.run.config.checkpoint_path());
  programs::load_run(saved, second.run, second.model, second.optimiser);
  CHECK(second.run.history.losses == parts);
  const std::vector<double> rest = second.steps(5);
  parts.insert(parts.end(), rest.begin(), rest.end());
  CHECK(parts == all);
  for (std::size_t i = 0; i < whole.model.state().size(); ++i)
    CHECK(identical(second.model.state()[i].second, whole.model.state()[i].second));
}

TEST_CASE("training: the same code trains in f64, and f32 stays close to it") {
  const Pairs pairs = some_dates(64);
  Trial narrow(pairs, 2, 12, 16), wide(pairs, 2, 12, 16);
  wide.model.to(DType::f64);
  wide.optimiser.zero_grad();
  Adam optimiser(wide.model.parameters(), {.learning_rate = 5e-3});
  Epoch epoch = wide.loader.epoch(wide.run.position);
  std::vector<double> losses;
  while (!epoch.done()) {
    const Batch batch = epoch.next();
    const Var loss = cross_entropy(wide.model(batch.source, batch.target_in), batch.target_out);
    CHECK(loss.dtype() == DType::f64);
    loss.backward();
    optimiser.step({.clip_norm = 5.0});
    optimiser.zero_grad();
    losses.push_back(loss.item());
  }
  const std::vector<double> in_f32 = narrow.steps(4);
  REQUIRE(losses.size() == in_f32.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CHECK(std::abs(losses[i] - in_f32[i]) < 1e-4);  // f32 has 7 digits, and the losses are near 4
    CHECK(losses[i] != in_f32[i]);
  }
  CHECK(losses.back() < losses.front());
}

TEST_CASE("training: an attention seq2seq learns to turn short numbers round") {
  Rng rng(11);
  Pairs pairs;
  for (int i = 0; i < 400; ++i) {
    std::string digits = std::to_string(rng.between(100, 999));
    pairs.push_back({digits, std::string(digits.rbegin(), digits.rend())});
  }
  const auto [train, unseen] = split_leak_free(pairs, 0.1, rng);
  Trial trial(train, 1, 32, 32);
  const std::vector<double> losses = trial.steps(250);
  CHECK(losses.front() > 2.0);
  CHECK(losses.back() < 0.3);
  CHECK(exact_match(trial.model, unseen, trial.characters) > 0.8);
}

}  // namespace heed
