#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/allocator.h"
#include "core/error.h"
#include "core/kernels/subnormals.h"

namespace heed {
namespace {

// One call of parallel_for. Pieces are claimed in order; whoever claims none leaves.
struct Job {
  parallel::Body body;
  void* context;
  std::int64_t n, grain, pieces;
  bool flushes;  // the mode of the caller's arithmetic, see core/kernels/subnormals.h
  std::atomic<std::int64_t> next{0}, finished{0};
  std::mutex failure_mutex;
  std::int64_t failed_piece = -1;
  std::exception_ptr failure;

  void work() {
    for (;;) {
      const std::int64_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces) return;
      try {
        body(context, piece * grain, std::min(n, (piece + 1) * grain));
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (failed_piece < 0 || piece < failed_piece) {
          failed_piece = piece;
          failure = std::current_exception();
        }
      }
      finished.fetch_add(1, std::memory_order_release);
    }
  }
};

constinit thread_local bool inside_job = false;

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Workers look for a new job for a short while before they sleep: layers follow each other within microseconds.
constexpr int kSpins = 2000;

class Pool {
 public:
  ~Pool() { stop(); }

  void resize(int workers) {
    const std::lock_guard one_caller(callers_);
    if (static_cast<int>(workers_.size()) > workers) stop();
    wanted_ = workers;
  }

  void run(Job& job) {
    // Another thread's operation has the workers: this one does its work alone.
    std::unique_lock one_caller(callers_, std::try_to_lock);
    if (!one_caller.owns_lock() || wanted_ == 0) {
      job.work();
      return;
    }
    start_workers();
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      generation_.fetch_add(1, std::memory_order_release);
    }
    if (sleepers_.load() > 0) wake_.notify_all();
    job.work();
    for (std::int64_t spin = 0; job.finished.load(std::memory_order_acquire) < job.pieces; ++spin)
      spin < kSpins ? pause_briefly()
                    : std::this_thread::yield();  // the processor may be what a worker waits for
    const std::lock_guard lock(mutex_);
    job_ = nullptr;
    while (busy_.load(std::memory_order_acquire) > 0) pause_briefly();  // the job lives on the caller's stack
  }

 private:
  // As many as the system gives: with fewer, the same pieces only take longer.
  void start_workers() {
    try {
      while (static_cast<int>(workers_.size()) < wanted_) workers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
    }
  }

  void serve() {
    inside_job = true;
    // A thread's first allocation makes it flush subnormal numbers; here every job says whether it does.
    pool::release(pool::allocate(1), 1);
    std::uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; ++spin)
        pause_briefly();
      Job* job = nullptr;
      {
        std::unique_lock lock(mutex_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) != seen || stopping_; });
        sleepers_.fetch_sub(1);
        if (stopping_) return;
        seen = generation_.load(std::memory_order_relaxed);
        job = job_;
        if (job != nullptr) busy_.fetch_add(1, std::memory_order_relaxed);
      }
      if (job != nullptr) {
        flush_subnormals(job->flushes);
        job->work();
        busy_.fetch_sub(1, std::memory_order_release);
      }
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
  }

  std::mutex callers_;  // held by the thread whose job the workers share
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  std::atomic<int> wanted_{std::max(1, static_cast<int>(std::thread::hardware_concurrency())) - 1};
  Job* job_ = nullptr;
  bool stopping_ = false;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<int> busy_{0}, sleepers_{0};

  friend int heed::threads();
};

Pool& workers() {
  static Pool instance;
  return instance;
}

}  // namespace

void set_threads(int n) {
  if (n < 1)
    throw ConfigError({.what = text("set_threads: ", n, " threads can do no work"), .expected = "n >= 1"});
  if (inside_job) throw ConfigError({.what = "set_threads: called by work that the threads share"});
  workers().resize(n - 1);
}

int threads() { return workers().wanted_ + 1; }

void parallel::run(std::int64_t n, std::int64_t grain, Body body, void* context) {
  if (grain < 1) throw ConfigError({.what = text("parallel_for: pieces of ", grain), .expected = "grain >= 1"});
  if (n <= 0) return;
  if (n <= grain) {
    body(context, 0, n);
    return;
  }
  if (inside_job || threads() == 1) {
    for (std::int64_t begin = 0; begin < n; begin += grain) body(context, begin, std::min(n, begin + grain));
    return;
  }
  Job job{.body = body,
          .context = context,
          .n = n,
          .grain = grain,
          .pieces = (n + grain - 1) / grain,
          .flushes = flushes_subnormals(),
          .failure_mutex = {},
          .failure = {}};
  inside_job = true;
  workers().run(job);
  inside_job = false;
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace heed
