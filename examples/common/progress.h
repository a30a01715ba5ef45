// A live line of progress on a terminal; plain lines, few of them, in a file or a pipe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace heed::programs {

/// What a progress line tells.
struct ProgressState {
  std::string label{};
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  double loss = 0;
  double gradient_norm = 0;
  std::int64_t examples_done = 0;
  double seconds = 0;  ///< since the start
};

/// The line of a terminal of `columns`: label, bar, share done, loss, time left, examples a second, gradient
/// norm. It is shorter than `columns`, so that it never wraps: parts that do not fit are left out from the last
/// on, the bar takes the room that is left, and a label alone too long loses its end.
std::string live_line(const ProgressState& state, int columns);

/// The line of a file or a pipe, without a bar:
///   "epoch 1   30 %  loss 0.412  0:12 left  5120 examples/s  norm 1.84"
std::string plain_line(const ProgressState& state);

/// Progress of one pass, say an epoch, written to stdout. On a terminal one line is rewritten at most ten times
/// a second; elsewhere a plain line appears at about each tenth of the steps.
class Progress {
 public:
  /// Throws ConfigError unless total_steps >= 0.
  Progress(std::int64_t total_steps, std::string label);
  /// Finishes, so that an error message that follows starts on a line of its own.
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `step` counts the steps done, from 1; `examples_done` those since the start of the pass.
  void update(std::int64_t step, double loss, double gradient_norm, std::int64_t examples_done);

  /// Takes the live line off the terminal until the next update, so that something else can be printed.
  void clear();
  /// Takes the live line off the terminal; the cursor is at the start of an empty line. Done once; later calls
  /// do nothing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  ProgressState state_;
  bool live_;
  bool drawn_ = false, finished_ = false;
  std::int64_t tenths_shown_ = 0;
  Clock::time_point start_, last_drawn_{};
};

}  // namespace heed::programs
