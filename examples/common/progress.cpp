#include "examples/common/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed::programs {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
constexpr int kLongestBar = 28;

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 96> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return {buffer.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), buffer.size() - 1)};
}

double share(const ProgressState& state) {
  if (state.total_steps <= 0) return 1;
  return std::clamp(static_cast<double>(state.step) / static_cast<double>(state.total_steps), 0.0, 1.0);
}

// "0:08", "12:05", "1:02:05"
std::string duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::min(seconds, 1e9)));
  if (whole < 3600) return formatted("%lld:%02lld", whole / 60, whole % 60);
  return formatted("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

// The parts behind the label, the first of them the last to go when the terminal is narrow. On a live line
// numbers that grow and shrink from step to step keep their columns, so that the line stands still.
std::vector<std::string> parts(const ProgressState& state, bool live) {
  const double done = share(state);
  const bool running = done > 0 && done < 1;
  const std::string time =
      running ? duration(state.seconds * (1 - done) / done) + " left" : "in " + duration(state.seconds);
  std::vector<std::string> out{formatted("%3.0f %%", std::floor(100 * done)),
                               formatted("loss %-*.3g", live ? 7 : 0, state.loss),
                               formatted("%-*s", live ? 9 : 0, time.c_str())};
  if (state.seconds > 0)
    out.push_back(formatted("%.0f examples/s", static_cast<double>(state.examples_done) / state.seconds));
  out.push_back(formatted("norm %-*.3g", live ? 5 : 0, state.gradient_norm));
  return out;
}

// A bar of so many columns, drawn to an eighth of a column.
std::string bar(double done, int columns) {
  constexpr std::array<std::string_view, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::floor(done * columns * 8));
  std::string out = "▕";
  for (int i = 0; i < eighths / 8; ++i) out += "█";
  out += kEighths[static_cast<std::size_t>(eighths % 8)];
  out.append(static_cast<std::size_t>(columns - (eighths + 7) / 8), ' ');
  return out + "▏";
}

// Columns taken by a text, one for each code point.
int columns_of(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string first_columns(const std::string& text, int columns) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const bool starts = (text[end] & 0xC0) != 0x80;
    if (starts && columns-- <= 0) break;
  }
  return text.substr(0, end);
}

int terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool stdout_is_a_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

std::string live_line(const ProgressState& state, int columns) {
  const int room = columns - 1;  // a character in the last column makes some terminals wrap
  std::vector<std::string> shown = parts(state, true);
  const auto joined = [&] {
    std::string out;
    for (const std::string& part : shown) out += "  " + part;
    return out;
  };
  const int label = columns_of(state.label);
  while (!shown.empty() && label + columns_of(joined()) > room) shown.pop_back();
  const int left = room - label - columns_of(joined()) - 4;  // two spaces and the ends of the bar
  const std::string drawn = left >= 6 ? "  " + bar(share(state), std::min(left, kLongestBar)) : "";
  return first_columns(state.label + drawn + joined(), std::max(room, 0));
}

std::string plain_line(const ProgressState& state) {
  std::string out = state.label;
  for (const std::string& part : parts(state, false)) out += "  " + part;
  return out;
}

Progress::Progress(std::int64_t total_steps, std::string label)
    : state_{.label = std::move(label), .total_steps = total_steps},
      live_(stdout_is_a_terminal()),
      start_(Clock::now()) {
  if (total_steps < 0)
    throw ConfigError({.what = text("Progress: ", total_steps, " steps in all; at least 0 are needed")});
}

void Progress::update(std::int64_t step, double loss, double gradient_norm, std::int64_t examples_done) {
  if (finished_) return;
  const Clock::time_point now = Clock::now();
  state_.step = step;
  state_.loss = loss;
  state_.gradient_norm = gradient_norm;
  state_.examples_done = examples_done;
  state_.seconds = std::chrono::duration<double>(now - start_).count();
  if (live_) {
    if (drawn_ && now - last_drawn_ < kBetweenDraws && step < state_.total_steps) return;
    std::printf("\r%s\x1b[K", live_line(state_, terminal_columns()).c_str());
    drawn_ = true;
    last_drawn_ = now;
  } else {
    const auto tenths = static_cast<std::int64_t>(std::floor(share(state_) * 10));
    if (tenths <= tenths_shown_) return;
    tenths_shown_ = tenths;
    std::printf("%s\n", plain_line(state_).c_str());
  }
  std::fflush(stdout);
}

void Progress::clear() {
  if (live_ && drawn_) std::fputs("\r\x1b[K", stdout);
  drawn_ = false;
  std::fflush(stdout);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  clear();
}

}  // namespace heed::programs
