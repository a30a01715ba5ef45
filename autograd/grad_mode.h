// Whether operations are recorded.
#pragma once

namespace heed {

class Node;

namespace grad_mode {
inline constinit thread_local bool recording = true;
/// The node whose gradient rule runs, if one does: what the rule saved must not have changed since the node was
/// recorded.
inline constinit thread_local const Node* running_rule = nullptr;
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
