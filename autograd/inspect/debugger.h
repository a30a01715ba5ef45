// Debugger: runs a computation forward and backward one node at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/inspect/breakpoint.h"
#include "autograd/inspect/trace.h"
#include "autograd/observer.h"
#include "core/error.h"

namespace heed {

/// What happened at a step, and where the debugger can stop.
enum class DebugKind {
  forward,   ///< an operation has computed its value
  backward,  ///< a gradient has arrived at an operation, and its rules have run
  leaf       ///< the gradient of a leaf is complete
};

/// A step. Tensors share their elements with the run: they are to be looked at only.
struct DebugStep {
  DebugKind kind = DebugKind::forward;
  std::size_t number = 0;     ///< of the step, from 1
  std::size_t operation = 0;  ///< number of the operation, from 1; 0 for a leaf and for one that was not seen
  std::string name{};         ///< of the operation; of a leaf its own or, when it has none, "parameter"
  std::string module{};       ///< Module::path() of the module that was running
  SourceLocation at = SourceLocation::unknown();
  Shape shape{};                    ///< of the first output or of the leaf
  std::vector<Tensor> values{};     ///< outputs, or the leaf; undefined ones nobody held any more
  std::vector<Tensor> gradients{};  ///< of each, in the backward; undefined ones are 0
  std::vector<Tensor> sent{};      ///< in the backward of an operation: to each operand, in the broadcast shape
  std::vector<int> breakpoints{};  ///< numbers of those that hold here
  bool stops = false;              ///< whether the debugger asks what to do

  bool is_forward() const { return kind == DebugKind::forward; }
};

/// What is to happen after a stop.
enum class Go {
  step,    ///< stop at the next step
  next,    ///< at the next one that is not in a part of this step's module
  finish,  ///< at the next one outside of this step's module; at the top, where the pass ends
  run_on,  ///< at the next breakpoint
  leave,   ///< never again: the run goes on by itself
  quit     ///< throw DebuggerQuit from what is running
};

/// Thrown where Go::quit was answered, to whoever called the operation or the backward. Models stay as they
/// are; gradients that leaves have got by then stay, and what a backward has consumed of a graph is consumed.
struct DebuggerQuit : Error {
  explicit DebuggerQuit(const Complaint& c) : Error("DebuggerQuit", c) {}
};

class Debugger;

struct DebuggerOptions {
  bool at_once = true;  ///< stop at the first step
  /// Told of every step, whether the debugger stops there or not, before it asks.
  std::function<void(const DebugStep&, const Debugger&)> watch = {};
  /// What trace() may hold when a backward is over, of values, gradients and all that is known of operations:
  /// with more than about that all before is forgotten, so that a long training can run to a breakpoint.
  std::int64_t keep_bytes = std::int64_t{256} << 20;
};

/// While it lives, each operation on this thread and each node that a gradient reaches is a step, and where a
/// breakpoint holds, or the answer before said so, a function is asked how to go on:
///
///   Debugger debugger([](const DebugStep& step, Debugger&) {
///     look_at(step.values);
///     return Go::step;
///   });
///   debugger.add({.nan = true});
///   loss_of(model, batch).backward();
///
/// The function may look at trace() and change the breakpoints; what it computes is not watched. What it throws
/// goes to whoever called the operation or the backward; at a step of a backward, or with Go::quit there, this
/// is at the next step, or when the backward is over, at the next operation. What gradient rules are made of
/// are no steps. No value, gradient or random number is any different for being watched.
class Debugger : public Observer {
 public:
  using Ask = std::function<Go(const DebugStep&, Debugger&)>;
  explicit Debugger(Ask ask, DebuggerOptions options = {});

  /// Adds a breakpoint and returns its number, larger than all before.
  int add(Breakpoint breakpoint);
  /// Returns whether there was one of that number.
  bool remove(int number);
  void clear() { breakpoints_.clear(); }
  const std::map<int, Breakpoint>& breakpoints() const { return breakpoints_; }

  /// All that has run and is kept.
  const Trace& trace() const { return trace_; }
  /// An operation by its number; nullptr when it is not kept.
  const TracedOperation* operation(std::size_t number) const;
  /// Numbers of the operations that are kept: from the first up to and with the last.
  std::size_t first_operation() const { return forgotten_ + 1; }
  std::size_t last_operation() const { return forgotten_ + trace_.operations().size(); }
  std::size_t number_of(const TracedOperation& operation) const {
    return forgotten_ + static_cast<std::size_t>(&operation - trace_.operations().data()) + 1;
  }
  /// The last hundred steps, without tensors, the latest one last.
  const std::deque<DebugStep>& recent() const { return recent_; }

  void recorded(const Recorded& operation) override;
  void sweep_began(const SourceLocation& at) override;
  void sweep_ended() override;
  void reached(const Node& node, std::span<const Var> dy) override;
  void rule_returned(const Node& node, std::size_t operand, const Var& gradient) override;
  void left(const Node& node) override;
  void entered(std::uint32_t path) override;

 private:
  void take(DebugStep step);
  bool watches() const { return mode_ != Go::leave || options_.watch; }
  bool is_stop(const DebugStep& step) const;
  bool holds(const Breakpoint& breakpoint, const DebugStep& step) const;
  bool enters(const std::string& pattern) const;
  void find_not_finite(const DebugStep& step);
  bool comes_from_operand(const DebugStep& step, bool nan) const;
  DebugStep step_of(const Node& node) const;
  void come_into(const std::string& module);
  void throw_pending();

  Ask ask_;
  DebuggerOptions options_;
  std::map<int, Breakpoint> breakpoints_;
  int last_breakpoint_ = 0;
  std::size_t steps_ = 0, forgotten_ = 0;
  std::deque<DebugStep> recent_;

  // How it goes on, and where that was said.
  Go mode_;
  std::string from_module_;
  bool from_forward_ = true;
  bool call_over_ = false;  // of the module that is to be finished

  std::vector<std::string> entering_;  // modules that began to run, or were come into, before this step
  std::string latest_module_;          // of a backward
  std::optional<DebugStep> in_rules_;  // the step whose rules are running
  int depth_ = 0;                      // of rules that run within each other
  int unwinding_ = 0;                  // exceptions that were on their way when the rules began
  std::vector<int> sweeps_;            // the depth at which each began
  bool nan_met_ = false, infinite_met_ = false;        // in a gradient of this backward
  bool nan_arises_ = false, infinite_arises_ = false;  // at this step
  std::exception_ptr pending_;                         // to be thrown where that is allowed

  Trace trace_;  // told before this is: it is the inner observer
};

}  // namespace heed
