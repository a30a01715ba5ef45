#include "examples/common/interrupt.h"

#include <atomic>

namespace heed::programs {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void restore_default(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

extern "C" void heed_note_interrupt(int) {
  requested.store(true, std::memory_order_relaxed);
  restore_default(SIGINT);
  restore_default(SIGTERM);
}

void watch(int signal, struct sigaction& before) {
  sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = heed_note_interrupt;
  action.sa_flags = SA_RESTART;  // reads and writes of the program go on
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  requested.store(false, std::memory_order_relaxed);
  watch(SIGINT, before_interrupt_);
  watch(SIGTERM, before_terminate_);
}

InterruptWatch::~InterruptWatch() {
  sigaction(SIGINT, &before_interrupt_, nullptr);
  sigaction(SIGTERM, &before_terminate_, nullptr);
}

bool interrupt_requested() { return requested.load(std::memory_order_relaxed); }

}  // namespace heed::programs
