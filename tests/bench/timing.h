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

/// Runs `work` some times for warming up, then at least once under the clock.
template <class F>
Times measure(std::int64_t warm_up, std::int64_t runs, F&& work) {
  using Clock = std::chrono::steady_clock;
  for (std::int64_t i = 0; i < warm_up; ++i) work();
  std::vector<double> seconds;
  do {
    const Clock::time_point start = Clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  } while (static_cast<std::int64_t>(seconds.size()) < runs);
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
