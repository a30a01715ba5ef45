// Ctrl-C as a request to stop at a good place, with a second one that stops at once.
#pragma once

#include <csignal>

namespace heed::programs {

/// The exit code of a program that was asked to stop: 128 + SIGINT.
inline constexpr int kInterruptedExitCode = 130;

/// While one lives, SIGINT and SIGTERM make `interrupt_requested()` true and give both signals back their
/// default action, so that a second one ends the program at once. A signal that was ignored (`nohup`, a
/// background job) stays ignored. The end restores what was there before. One at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  struct sigaction before_interrupt_, before_terminate_;
};

/// Whether SIGINT or SIGTERM has come since the last InterruptWatch began.
bool interrupt_requested();

}  // namespace heed::programs
