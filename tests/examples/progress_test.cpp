#include "examples/common/progress.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <limits>
#include <string_view>

#include "core/error.h"
#include "examples/common/interrupt.h"
#include "tests/catch.h"
#include "tests/markup.h"

using namespace heed;
using namespace heed::programs;
using heed::tests::ContainsSubstring;

namespace {

std::ptrdiff_t columns_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

const ProgressState kHalf{.label = "epoch 1",
                          .step = 150,
                          .total_steps = 300,
                          .loss = 0.41234,
                          .gradient_norm = 1.8449,
                          .examples_done = 19200,
                          .seconds = 75};

}  // namespace

TEST_CASE("progress: the plain line tells share, loss, time left, rate and norm") {
  CHECK(plain_line(kHalf) == "epoch 1   50 %  loss 0.412  1:15 left  256 examples/s  norm 1.84");
}

TEST_CASE("progress: the live line never fills the terminal, whatever its width") {
  ProgressState state = kHalf;
  for (const double loss :
       {0.4, -1e-300, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::max()}) {
    state.loss = loss;
    for (int columns = 1; columns <= 200; ++columns)
      for (state.step = 0; state.step <= 300; state.step += 37) {
        const std::string line = live_line(state, columns);
        REQUIRE(columns_of(line) < columns);
        REQUIRE(line.find('\n') == std::string::npos);
      }
  }
}

TEST_CASE(
    "progress: the bar takes the room that is left; a narrow terminal loses the last parts, then the end of "
    "the label") {
  CHECK(live_line(kHalf, 100) ==
        "epoch 1  ▕██████████████              ▏   50 %  loss 0.412    1:15 left  256 examples/s  norm 1.84 ");
  CHECK(live_line(kHalf, 75) == "epoch 1   50 %  loss 0.412    1:15 left  256 examples/s  norm 1.84 ");
  CHECK(live_line(kHalf, 40) == "epoch 1   50 %  loss 0.412    1:15 left");
  CHECK(live_line(kHalf, 32) == "epoch 1   50 %  loss 0.412  ");
  CHECK(live_line(kHalf, 6) == "epoch");
}

TEST_CASE("progress: no steps, no time and steps beyond the end are drawn") {
  CHECK(plain_line({.label = "x"}) == "x  100 %  loss 0  in 0:00  norm 0");
  CHECK_THAT(plain_line({.label = "x", .step = 9, .total_steps = 3, .seconds = 3700}),
             ContainsSubstring("100 %  loss 0  in 1:01:40"));
  CHECK_THROWS_AS(Progress(-1, "x"), ConfigError);
}

TEST_CASE("progress: in a file there are ten lines, whole and without control characters") {
  std::FILE* file = std::tmpfile();
  std::fflush(stdout);
  const int kept = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  {
    Progress progress(1000, "epoch 1");
    for (std::int64_t step = 1; step <= 1000; ++step) progress.update(step, 1, 1, step * 128);
  }
  dup2(kept, STDOUT_FILENO);
  close(kept);
  std::rewind(file);
  std::string out;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) out += static_cast<char>(c);
  std::fclose(file);
  CHECK(heed::tests::count_of(out, "\n") == 10);
  CHECK(out.starts_with("epoch 1   10 %  loss 1"));
  CHECK(out.ends_with("\n"));
  CHECK(out.find_first_of("\r\x1b") == std::string::npos);
}

TEST_CASE("interrupt: the first signal is noted, the end of the watch brings the old action back") {
  struct sigaction ignore {
  }, after{};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  sigaction(SIGTERM, nullptr, &before);
  for (const int signal : {SIGINT, SIGTERM}) {
    InterruptWatch watch;
    CHECK_FALSE(interrupt_requested());
    raise(signal);
    CHECK(interrupt_requested());
  }
  sigaction(SIGTERM, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);

  sigaction(SIGTERM, &ignore, &before);
  {
    InterruptWatch watch;
    raise(SIGTERM);
    CHECK_FALSE(interrupt_requested());
  }
  sigaction(SIGTERM, &before, nullptr);
}

TEST_CASE("interrupt: a second signal ends the program at once") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    InterruptWatch watch;
    raise(SIGINT);
    if (!interrupt_requested()) _exit(3);
    raise(SIGINT);
    _exit(4);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
  CHECK(kInterruptedExitCode == 128 + SIGINT);
}
