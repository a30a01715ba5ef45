// Looks at gradients: where they get lost on their way back through time and through layers, which units are
// dead, and where a NaN came from. Each fault is planted in a small model, and found.
//
// You learn: to see every value and gradient of a model by its path, without editing the model; what a
// vanishing gradient looks like, and that an LSTM has none where a plain recurrent network does; why sigmoids
// upon sigmoids do not learn; what a dead unit is; and how to get from a NaN to the line that made it.
//
//   build/release/bin/inspect_gradients
//
// Prints curves and tables in five parts and a line `result rnn=vanishing rnn_exact=0.4688 lstm=fine …`; writes
// inspect_gradients.html to heed-out/. Takes about a second.
#include <array>
#include <cstdio>

#include "autograd/inspect/anomaly.h"
#include "core/file.h"
#include "core/reduce.h"
#include "examples/common/flags.h"
#include "examples/common/planted.h"
#include "examples/common/sections.h"
#include "examples/common/training.h"
#include "layers/inspect/gradient_report.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr std::int64_t kBatch = 64;
struct Config {
  std::uint64_t seed = 1;
  std::int64_t steps = 200, length = 60, hidden = 16;
  std::string out = "heed-out";
};

constexpr const char* kTimeNote =
    "Each sequence is to be told by its first number, at its end. Whether that can be learnt shows in the "
    "gradient that reaches it: at first the LSTM's does not shrink on the way, the RNN's does at every step. "
    "When the LSTM has learnt it holds the number so firmly that small changes of its state do not matter "
    "(Bengio et al. 1994).";
constexpr const char* kDeadNote =
    "Half of the second layer got a bias of -10: its relu is 0 whatever comes in. Deeper units can be dead "
    "from the start, by their random weights.";
constexpr const char* kForwardNote = "The logarithm of 0, three modules down: found when it is computed.";
constexpr const char* kBackwardNote = "The square root of 0: right forward, but its slope is infinite.";

// ---- through time

// Whether the first number was positive is what is asked at the end; all that follows is noise.
struct Sequences {
  Tensor x;     // [B, T, 2]: a number, and whether it is the one that counts
  Tensor kind;  // [B]
};

Sequences draw(const Config& config, Rng& rng) {
  Tensor x = Tensor::normal({kBatch, config.length, 2}, 0, 0.3, rng);
  x.slice(2, 1, 2).fill(0);
  std::vector<std::int32_t> kind;
  for (std::int64_t b = 0; b < kBatch; ++b) {
    kind.push_back(static_cast<std::int32_t>(rng.below(2)));
    x.set({b, 0, 0}, 2 * kind.back() - 1);
    x.set({b, 0, 1}, 1);
  }
  return {x, Tensor::of(kind, {kBatch})};
}

struct Course {
  const char* name;
  TimeGradients first, last;  // of the first and the last step of the training
  double exact;               // share of new sequences that it gets right
};

template <class Cell>
Course train(const char* name, const Config& config) {
  Rng rng(config.seed);
  const Reader<Cell> model(name, config.hidden, rng);
  Adam optimiser(model.parameters(), {.learning_rate = 1e-2});
  Course course{.name = name};
  for (std::int64_t step = 1; step <= config.steps; ++step) {
    const Sequences batch = draw(config, rng);
    const Intermediates seen = record_intermediates(model);
    cross_entropy(model(Var(batch.x)), batch.kind).backward();
    if (step == 1) course.first = gradient_through_time(seen, "cell");
    if (step == config.steps) course.last = gradient_through_time(seen, "cell");
    optimiser.step({.clip_norm = 1.0});
    optimiser.zero_grad();
  }
  course.first.path = text(name, " before training");
  course.last.path = text(name, " after training");
  const NoGrad no_grad;
  const Sequences unseen = draw(config, rng);
  course.exact = statistics_of(equal(argmax(model(Var(unseen.x)).value(), 1), unseen.kind)).mean;
  return course;
}

// ---- through layers

// One step of training (are both numbers of one sign?) and what it looked like.
GradientReport look_at(const DeepNet& model, const Config& config) {
  Rng rng(config.seed);
  const Tensor x = Tensor::normal({kBatch, 2}, 0, 1, rng);
  const Tensor same = greater(x.select(1, 0) * x.select(1, 1), Tensor::scalar(0)).to(DType::i32);
  Adam optimiser(model.parameters(), {.learning_rate = 1e-3});
  const Intermediates seen = record_intermediates(model);
  cross_entropy(model(Var(x)), same).backward();
  std::printf("%s\n", seen.table("*.output").c_str());
  const ParameterValues before(model);
  optimiser.step();
  return gradient_report(seen, before);
}

// ---- where a NaN came from

struct Found {
  std::string message, operation;
};

Found hunt(Fault fault, const Config& config) {
  Rng rng(config.seed);
  const FaultyModel model(fault, rng);
  const DetectAnomaly detect;
  try {
    model(Var(Tensor::normal({3, 2}, 0, 1, rng))).backward();
  } catch (const AnomalyError& error) {
    return {error.what(), error.anomaly().operation};
  }
  return {"nothing was found", "nothing"};
}

// ---- what is shown

std::string figure_of(const Course& course) {
  const std::array both{course.first, course.last};
  return figure(text(course.name, ": ", short_number(100 * course.exact), " % right after training"),
                svg_gradients_through_time(both, {.y_low = 1e-14, .y_high = 1}));
}

std::string page_of(const Course& rnn, const Course& lstm, const GradientReport& vanishing,
                    const GradientReport& dead, const Found& forward, const Found& backward) {
  return html_page(
      {.title = "Where gradients get lost",
       .lead = "<p class=\"lead\">Faults planted in small models, and what gives them away.</p>\n",
       .body = text(
           section("Through time", kTimeNote, figures(figure_of(rnn) + figure_of(lstm))),
           section("Through layers", layer_table(vanishing).caption, to_html(layer_table(vanishing))),
           section("Dead units", kDeadNote, to_html(unit_table(dead))),
           section("What an update changes", parameter_table(dead).caption, to_html(parameter_table(dead))),
           section("A value that is not finite", kForwardNote, listing("The message", forward.message)),
           section("A gradient that is not finite", kBackwardNote, listing("The message", backward.message))),
       .style = text(kSectionStyle, "caption{display:none}\n")});
}

int run(int argc, char** argv) {
  Config config;
  Flags flags("inspect_gradients", "Finds vanishing gradients, dead units and NaNs, planted in small models.");
  flags.add("seed", &config.seed, "of everything that is random");
  flags.add("steps", &config.steps, "of training", at_least(1));
  flags.add("length", &config.length, "of the sequences to be remembered", at_least(2));
  flags.add("hidden", &config.hidden, "units of each layer", at_least(2));
  flags.add("out", &config.out, "folder for the page");
  if (!flags.parse(argc, argv)) return 0;
  make_folder(config.out);

  std::printf("---- 1. Through time. %s\n\n", kTimeNote);
  const Course rnn = train<RNN>("RNN", config), lstm = train<LSTM>("LSTM", config);
  for (const Course* const course : {&rnn, &lstm})
    std::printf("%s\n%s-> %s gets %.1f %% of new sequences right\n\n", to_string(course->first).c_str(),
                to_string(course->last).c_str(), course->name, 100 * course->exact);

  std::printf("---- 2. Through layers: ten sigmoids one upon the other\n\n");
  Rng rng(config.seed);
  const DeepNet sigmoids(10, false, config.hidden, rng);
  DeepNet relus(4, true, config.hidden, rng);
  const GradientReport vanishing = look_at(sigmoids, config);
  std::printf("%s\n", to_string(layer_table(vanishing)).c_str());

  std::printf("---- 3. Dead units. %s\n\n", kDeadNote);
  relus.kill_units(1, config.hidden / 2);
  const GradientReport dead = look_at(relus, config);
  std::printf("%s\n", to_string(dead).c_str());

  const Found forward = hunt(Fault::log_of_zero, config), backward = hunt(Fault::root_of_zero, config);
  std::printf("---- 4. %s\n\n%s\n\n---- 5. %s\n\n%s\n\n", kForwardNote, forward.message.c_str(), kBackwardNote,
              backward.message.c_str());

  const std::string path = config.out + "/inspect_gradients.html";
  write_file(path, page_of(rnn, lstm, vanishing, dead, forward, backward));
  std::printf("page: %s\n", path.c_str());
  std::printf(
      "result rnn=%s rnn_exact=%.4f lstm=%s lstm_exact=%.4f sigmoid=%s dead=%d forward=%s backward=%s\n",
      to_string(rnn.first.flow), rnn.exact, to_string(lstm.first.flow), lstm.exact,
      to_string(vanishing.layers.front().flow), int(dead.units[1].dead), forward.operation.c_str(),
      backward.operation.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
