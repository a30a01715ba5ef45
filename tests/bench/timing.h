// Timed runs of one piece of work.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace heed::bench {

/// Seconds of the runs of one piece of work.
struct Times {
  double median = 0, least = 0;
};

/// Runs `work` under the clock `runs` times after `warm_up` others, or, for runs = 0, for half a second after
/// half a second: on a shared machine a process can take that long to reach its pace, and single stretches of
/// it are slow.
template <class F>
Times measure(std::int64_t warm_up, std::int64_t runs, F&& work) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kStretch(500);
  const bool by_time = runs == 0;
  const auto over = [&](std::int64_t done, std::int64_t wanted, Clock::time_point began) {
    return by_time ? Clock::now() - began >= kStretch : done >= wanted;
  };
  Clock::time_point began = Clock::now();
  for (std::int64_t i = 0; !over(i, warm_up, began); ++i) work();
  std::vector<double> seconds;
  began = Clock::now();
  do {
    const Clock::time_point start = Clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  } while (!over(static_cast<std::int64_t>(seconds.size()), runs, began));
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front()};
}

/// The most memory that the process has had so far, in MB of 2^20 bytes.
inline double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace heed::bench
