// The copy task: that a small Neural Turing Machine learns it, and the program as a person runs it.
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/reduce.h"
#include "data/tasks/copying.h"
#include "layers/ntm.h"
#include "optim/adam.h"
#include "optim/schedule.h"
#include "tests/end_to_end/program_testing.h"

namespace heed {
namespace {

using tests::ContainsSubstring;
using tests::last_line;
using tests::Outcome;

// A run that takes a moment.
struct Small {
  tests::Folder folder;
  std::string out = folder.at("out");

  Outcome run(const std::vector<std::string>& more = {}, const std::string& interrupt_at = {}) const {
    std::vector<std::string> all{"--out=" + out, "--bits=2",   "--longest=3", "--rows=8",
                                 "--width=4",    "--hidden=8", "--batch=4",   "--threads=1"};
    all.insert(all.end(), more.begin(), more.end());
    return tests::run_program("copy_task", folder, all, interrupt_at);
  }
};

// What a last line says behind the figures that depend on the machine.
std::string quality_of(const std::string& out) {
  const std::string line = last_line(out);
  const std::size_t at = line.find(" loss=");
  return at == std::string::npos ? "no result" : line.substr(at);
}

}  // namespace

TEST_CASE("training: a Neural Turing Machine learns to copy, also twice as long as it has seen") {
  // A feed-forward controller remembers nothing, so that what is copied has been in the memory. With these
  // settings 16 seeds of 16 got at least 99 % right of either length: rounding that differs cannot break it.
  Rng rng(3);
  NTM model(
      {.in = 4, .out = 3, .rows = 16, .width = 8, .hidden = 32, .controller = NtmController::feed_forward},
      rng);
  Adam optimiser(model.parameters());
  const Schedule learning_rates = Schedule::cosine({.rate = 1e-2, .floor = 0, .steps = 1000});
  double first = 0;
  for (int step = 1; step <= 1000; ++step) {
    const tasks::CopyBatch batch = tasks::copying(16, rng, {.bits = 3, .longest = 6});
    const Var nats = binary_cross_entropy(model(Var(batch.x)).y, batch.target, {.reduction = Reduction::none});
    const Var losses = nats * Var(batch.mask);
    const Var loss = sum(losses) / (sum(batch.mask).item() * 3);
    if (step == 1) first = loss.item();
    loss.backward();
    optimiser.set_learning_rate(learning_rates.at(step));
    optimiser.step({.clip_norm = 1});
    optimiser.zero_grad();
  }
  CHECK(first > 0.6);  // guessing costs log(2)
  const auto right = [&](std::int64_t length) {
    const NoGrad no_grad;
    const tasks::CopyBatch batch = tasks::copying(100, rng, {.bits = 3, .shortest = length, .longest = length});
    const Tensor written = greater(model(Var(batch.x)).y.value(), Tensor::scalar(0)).to(DType::f32);
    return sum(equal(written, batch.target).to(DType::f32) * batch.mask).item() / (sum(batch.mask).item() * 3);
  };
  CHECK(right(6) > 0.99);
  CHECK(right(12) > 0.95);  // guessing gets half of them
}

TEST_CASE(
    "copy_task: ends with the result line, leaves a report with maps and a checkpoint, for both controllers") {
  for (const char* const controller : {"lstm", "feed_forward"}) {
    const Small small;
    const Outcome trained =
        small.run({"--epochs=2", "--steps=5", std::string("--controller=") + controller, "--read-heads=2"});
    INFO(trained.err);
    REQUIRE(trained.exit_code == 0);
    CHECK_THAT(trained.out, ContainsSubstring("Reading head") && ContainsSubstring("Writing head") &&
                                ContainsSubstring("bits a bit") && ContainsSubstring("twice as long: "));
    CHECK_THAT(last_line(trained.out), ContainsSubstring("result exact=") && ContainsSubstring(" epochs=2 ") &&
                                           ContainsSubstring(" bits_per_bit=") &&
                                           ContainsSubstring(" twice_exact="));
    CHECK_THAT(read_file(small.out + "/report.html"),
               ContainsSubstring("<h2>Maps</h2>") && ContainsSubstring("Writing head"));
    CHECK(small.run({"--resume", "--read-heads=2"}).exit_code == 0);
  }
}

TEST_CASE("copy_task: Ctrl-C saves and exits with 130; resumed, it ends as a run that was never stopped") {
  const Small stopped, whole;
  const std::vector<std::string> flags{"--epochs=3", "--steps=60"};
  const Outcome part = stopped.run(flags, "epoch 2 ");
  INFO(part.err);
  REQUIRE(part.exit_code == 130);
  CHECK_THAT(part.out, ContainsSubstring("go on with --resume --out=" + stopped.out));
  const Outcome rest = stopped.run({"--resume"}), all = whole.run(flags);
  INFO(rest.err);
  REQUIRE(rest.exit_code == 0);
  CHECK(quality_of(rest.out) == quality_of(all.out));
  CHECK_THAT(quality_of(all.out), ContainsSubstring("bits_per_bit="));
}

TEST_CASE("copy_task: a wrong command line, and a checkpoint of other settings, are errors that help") {
  const Small small;
  CHECK_THAT(small.run({"--controller=gru"}).err, ContainsSubstring("--controller"));
  CHECK_THAT(small.run({"--data=x"}).err, ContainsSubstring("--data"));
  REQUIRE(small.run({"--epochs=1", "--steps=5"}).exit_code == 0);
  const Outcome other = small.run({"--resume", "--write-heads=3"});
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.err, ContainsSubstring("--write-heads=3") && ContainsSubstring("was made with 1"));
  const Outcome help = tests::run_program("copy_task", small.folder, {"--help"});
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, ContainsSubstring("--longest"));
}

}  // namespace heed
