// Whether operations are recorded.
#pragma once

#include <cstdint>

namespace heed {

class Node;

namespace grad_mode {
inline constinit thread_local bool recording = true;
inline constexpr std::uint64_t kNoRule = ~std::uint64_t{0};
/// While a gradient rule runs: the moment at which its operation was recorded, else the end of time. What the
/// rule saved must not have changed since.
inline constinit thread_local std::uint64_t rule_recorded_at = kNoRule;
inline constinit thread_local const Node* running_rule = nullptr;  // the node whose rule it is
}  // namespace grad_mode

/// Whether operations on this thread are recorded for differentiation.
inline bool is_recording() { return grad_mode::recording; }

/// While it lives, operations on this thread are recorded or not.
class Recording {
 public:
  explicit Recording(bool on) : before_(grad_mode::recording) { grad_mode::recording = on; }
  ~Recording() { grad_mode::recording = before_; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool before_;
};

/// While it lives, nothing is recorded: for inference and for changing parameters.
///
///   NoGrad no_grad;
///   Var scores = model(source);   // keeps no graph
class NoGrad : Recording {
 public:
  NoGrad() : Recording(false) {}
};

}  // namespace heed
