// Watching the engine at work: what profiles, debuggers, drawings and checks are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "autograd/var.h"

namespace heed {

/// Told of everything that the engine does on this thread while it lives: derive from it and override what
/// matters. Observers nest, and all are told, the innermost first; what one throws goes to whoever called the
/// operation or the backward. They see Vars as they are and must not change them. Without an observer an
/// operation pays for one look at a pointer.
///
///   struct Counter : Observer {
///     void recorded(const Recorded& operation) override { ++count[operation.output.operation()]; }
///     std::map<std::string, int> count;
///   };
class Observer {
 public:
  Observer() : outer_(innermost_) { innermost_ = this; }
  virtual ~Observer() { innermost_ = outer_; }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// An operation has computed its value, recorded for differentiation or not; also in gradient rules.
  struct Recorded {
    std::uint64_t id;  ///< of the operation, larger than that of every earlier one; id_of(node) is the same
    const Var& output;
    std::span<const Var* const> operands;  ///< Vars only, in their order; undefined ones are among them
    int index = 0;                         ///< of several outputs, each of which is told of: which one this is
    int outputs = 1;
  };
  virtual void recorded(const Recorded&) {}

  /// A backward or grad() begins and ends; it may be inside a gradient rule of another one. The end is told of
  /// when it fails, too.
  virtual void sweep_began(const SourceLocation& /*at*/) {}
  virtual void sweep_ended() {}
  /// The gradient of all outputs of a node is complete (undefined where nothing depends on an output). Of a
  /// leaf that is all; of an operation its rules run now.
  virtual void reached(const Node&, std::span<const Var> /*dy*/) {}
  /// A rule returned the gradient of one operand (undefined: 0), which may still have the broadcast shape.
  virtual void rule_returned(const Node&, std::size_t /*operand*/, const Var& /*gradient*/) {}
  /// Follows each reached(), also when a rule fails. Like sweep_ended() it must not throw.
  virtual void left(const Node&) {}
  /// A module's operator() begins.
  virtual void entered(std::uint32_t /*path: of core/names.h*/) {}
  /// A Var has got a name by which readers know it: its module said what it is (Module::note), or
  /// Var::named() did. The module that is running is ErrorFrame::innermost_path().
  virtual void noted(const Var&, std::string_view /*name*/) {}

  // ---- for the engine
  static bool watching() { return innermost_ != nullptr; }
  template <class Tell>
  static void tell_all(Tell tell) {
    for (Observer* observer = innermost_; observer != nullptr; observer = observer->outer_) tell(*observer);
  }

 private:
  friend class Unobserved;
  Observer* outer_;
  static inline constinit thread_local Observer* innermost_ = nullptr;
};

/// While it lives, the observers of this thread are told nothing: for what they compute themselves.
class Unobserved {
 public:
  Unobserved() : before_(std::exchange(Observer::innermost_, nullptr)) {}
  ~Unobserved() { Observer::innermost_ = before_; }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  Observer* before_;
};

/// The operation that a node belongs to: nodes of several outputs of one operation have one id.
inline std::uint64_t id_of(const Node& node) { return node.whole().recorded_at; }

}  // namespace heed
