// Goes through one training step of a translation model, forward and backward, one operation at a time.
//
// You learn: what a training step is made of, in which order it runs, and what each operation computes and
// sends back; how to find the place where a NaN arises, or a gradient grows; how to look into a run of your own
// (see `train_one_step` below).
//
//   build/release/bin/step_through                                          # help lists the commands
//   build/release/bin/step_through --model=transformer --replay=replay.html
//   build/release/bin/step_through --commands="break norm > 0.2; continue; where"
//   build/release/bin/step_through --spoil=decoder.lstm.wh --commands="break nan; continue; print Wh"
//
// Prints each step at which it stops, and asks how to go on:
//
//   step 1, forward: #1 embedding [2, 22, 8] in encoder.embed, layers/embedding.cpp:25
//     y = table[ids]
//     table  [31, 8]     −2.96 … 3.2, mean −0.0644, deviation 1.06  from parameter "encoder.embed.weight"
//     y      [2, 22, 8]  −2.73 … 3.2, mean −0.0186, deviation 1.07
//   (heed)
//
// At the end the loss before and after the step of the optimiser. --replay writes all steps as a page to go
// through in a browser. Takes a moment.

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <sstream>

#include "autograd/inspect/debugger_console.h"
#include "autograd/inspect/replay.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/losses.h"
#include "core/file.h"
#include "core/words.h"
#include "data/loader.h"
#include "data/tasks/dates.h"
#include "data/vocabulary.h"
#include "examples/common/translation.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

struct Config : TranslationConfig {
  std::optional<std::string> replay{};    ///< file of the page
  std::optional<std::string> commands{};  ///< instead of asking
  std::optional<std::string> spoil{};     ///< name of the parameter that gets a NaN
};

Var loss_of(const Translator& model, const Batch& batch, Rng& rng) {
  const auto [scores, auxiliary_loss] = model(batch.source, batch.target_in, &rng);
  const Var loss = cross_entropy(scores, batch.target_out);
  return auxiliary_loss.defined() ? loss + auxiliary_loss : loss;
}

void spoil(const Module& model, const std::string& name) {
  std::vector<std::string> names;
  for (Var parameter : model.parameters()) {
    names.push_back(parameter.name());
    if (parameter.name() != name) continue;
    Tensor first = parameter.mutable_value();  // shares the elements
    while (first.rank() > 0) first = first.select(0, 0);
    first.fill(NAN);
    return;
  }
  const std::string near = nearest_word(name, names);
  throw ConfigError({.what = text("--spoil: there is no parameter ", name,
                                  near.empty() ? "" : text("; did you mean ", near, "?"))});
}

// Prints the loss before and after it; the replay gets its steps.
void train_one_step(Translator& model, const Batch& batch, const Config& config, Rng& rng, Replay& replay) {
  std::istringstream commands(config.commands.value_or(""));
  const bool from_person = !config.commands && isatty(STDIN_FILENO) != 0;
  DebuggerConsole console(config.commands ? commands : std::cin, std::cout,
                          {.echo = !from_person, .color = isatty(STDOUT_FILENO) != 0});
  Adam optimiser(model.module().parameters(), {.learning_rate = config.learning_rate});
  double before = 0;
  {
    Debugger debugger(std::ref(console), {.watch = std::ref(replay)});
    const Var loss = loss_of(model, batch, rng);
    loss.backward();
    before = loss.item();
  }
  optimiser.step({.clip_norm = 5.0});
  std::cout << "loss before this step " << text(before) << ", after it "
            << text(loss_of(model, batch, rng).item()) << "\n";
}

int run(int argc, char** argv) {
  Config config;
  config.batch = 2;
  config.recurrent.embedding = 8;
  config.recurrent.hidden = 16;
  config.transformer = {.d = 16, .heads = 2, .layers = 1, .ff = 32};
  Flags flags("step_through", "Goes through one training step of a model, one operation at a time.");
  flags.choice("model", &config.model, model_names(), "which model to train");
  flags.add("batch", &config.batch, "dates to train on", at_least(1));
  flags.add("learning-rate", &config.learning_rate, "of Adam", above(0));
  flags.add("seed", &config.seed, "of the dates and the model");
  flags.add("replay", &config.replay, "write all steps as a page to this file");
  flags.add("commands", &config.commands, "obey these, with ; between them, instead of asking");
  flags.add("spoil", &config.spoil, "put a NaN into the parameter of this name, for break nan to find");
  add_model_flags(flags, config);
  if (!flags.parse(argc, argv)) return 0;
  if (config.commands) std::replace(config.commands->begin(), config.commands->end(), ';', '\n');

  Rng rng(config.seed);
  const Pairs pairs = tasks::dates(config.batch, rng);
  const std::unique_ptr<Tokenizer> tokens = make_tokenizer(config, pairs, pairs);
  const Loader loader(pairs, *tokens, {.batch = config.batch, .shuffle = false});
  Translator model = make_translator(config, *tokens, rng);
  if (config.spoil) spoil(model.module(), *config.spoil);
  for (const Pair& pair : pairs) std::cout << pair.source << " -> " << pair.target << "\n";

  Replay replay({.title = "One training step of " + model.module().description(),
                 .lead = text("On ", config.batch, config.batch == 1 ? " date." : " dates.")});
  int exit_code = 0;
  try {
    for (const Batch& batch : Epoch(loader.epoch(rng))) train_one_step(model, batch, config, rng, replay);
  } catch (const DebuggerQuit&) {
    exit_code = 1;
  }
  if (config.replay) {
    write_file(*config.replay, replay.page());
    std::cout << "Written: " << *config.replay << "\n";
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
