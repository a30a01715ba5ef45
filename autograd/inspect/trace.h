// Trace: what was computed, forward and backward, kept for looking at.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "autograd/observer.h"

namespace heed {

/// A value of a trace: an output of an operation, or a leaf (a parameter or a constant).
struct TracedValue {
  std::uint64_t operation = 0;  ///< number of the operation in Trace::operations(), from 1; 0 for a leaf
  int output = 0;               ///< which of its outputs
  std::string name{};           ///< of a Var that has one: "decoder.out.weight"
  const char* kind = "";        ///< name of the operation, "parameter" or "constant"
  bool requires_grad = false;
  Tensor value{};     ///< shares its elements with the Var
  Tensor gradient{};  ///< complete, once a backward has reached it
};

/// One run of a module's operator(); that of the outermost module, whose path is empty, is not kept.
struct TracedCall {
  std::string path{};  ///< Module::path()
  /// Place in Trace::calls() of the call that it was made in; kNowhere for none that is known.
  std::size_t outer = ~std::size_t{0};
};

/// One operation.
struct TracedOperation {
  const char* name = "";
  std::string module{};  ///< Module::path() of the innermost module that was running
  /// Place in Trace::calls(), of that module or the nearest around it whose call was seen; kNowhere for none.
  std::size_t call = kNowhere;
  SourceLocation at = SourceLocation::unknown();
  /// Places in Trace::values(); kNowhere for an operand that was left out.
  std::vector<std::size_t> operands{}, outputs{};
  /// Whether those are all: after add_graph() operands that need no gradient are not known.
  bool operands_known = true;
  /// Place in Trace::operations() of the operation in whose gradient rule it ran; kNowhere in the forward pass.
  std::size_t rule_of = kNowhere;
  std::chrono::nanoseconds forward{};   ///< since what happened before it on this thread
  std::chrono::nanoseconds backward{};  ///< of its gradient rules, with all that runs in them
  /// Of each operand what the rule returned, in the broadcast shape; undefined where no rule ran.
  std::vector<Tensor> operand_gradients{};
  /// Place in the order in which a backward reached the operations, from 1; 0 when none did.
  std::size_t reached = 0;

  static constexpr std::size_t kNowhere = ~std::size_t{0};
  bool is_forward() const { return rule_of == kNowhere; }
};

/// A name by which readers know a value: Module::note() or Var::named() gave it.
struct TracedNote {
  std::size_t value = 0;  ///< place in Trace::values()
  std::string module{};   ///< Module::path() of the module that was running
  std::string name{};
};

struct TraceOptions {
  bool of_rules = false;  ///< also the operations that gradient rules are made of
};

/// Keeps all operations that this thread computes while it lives, with the values and gradients that they see;
/// when it is over, or stop() was called, nothing more is added:
///
///   Trace trace;
///   Var loss = cross_entropy(model(source, target_in), target_out);
///   loss.backward();
///   for (const TracedOperation& operation : trace.operations()) …
///
/// Values are the tensors themselves: what is changed in place later (parameters by an optimiser) is seen
/// changed.
class Trace : public Observer {
 public:
  explicit Trace(TraceOptions options = {});

  /// In the order in which they ran.
  const std::vector<TracedOperation>& operations() const { return operations_; }
  /// Leaves as they are met, outputs as they are computed.
  const std::vector<TracedValue>& values() const { return values_; }
  /// In the order in which they were given.
  const std::vector<TracedNote>& notes() const { return notes_; }
  /// The place of a Var in values(); IndexError when it was not seen.
  std::size_t place_of(const Var& var) const;
  bool has_seen(const Var& var) const {
    return var.defined() && value_of_node_.contains(var.node()->recorded_at);
  }
  /// In the order in which they began.
  const std::vector<TracedCall>& calls() const { return calls_; }
  /// The operation of that Recorded::id; nullptr when it was not seen.
  const TracedOperation* operation_of_id(std::uint64_t id) const {
    const auto found = operation_of_id_.find(id);
    return found == operation_of_id_.end() ? nullptr : &operations_[found->second];
  }
  /// The operation that a value is an output of; nullptr for a leaf.
  const TracedOperation* operation_of(const TracedValue& value) const {
    return value.operation == 0 ? nullptr : &operations_[value.operation - 1];
  }
  /// Adds what a Var was computed by before the trace began, as far as its graph knows it, which is what the
  /// backward pass needs: no operands that need no gradient, no times, no calls of modules; of results that
  /// nobody holds and no rule wants the shapes only.
  void add_graph(const Var& output);
  /// Drops all that was kept so far, and goes on: what comes counts from 1 again, and what it uses of the past
  /// are leaves to it. Throws GraphError while a backward is running.
  void forget();
  /// From now on nothing is added.
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

  void recorded(const Recorded& operation) override;
  void noted(const Var& var, std::string_view name) override;
  void reached(const Node& node, std::span<const Var> dy) override;
  void rule_returned(const Node& node, std::size_t operand, const Var& gradient) override;
  void left(const Node& node) override;
  void sweep_began(const SourceLocation& at) override;
  void sweep_ended() override;
  void entered(std::uint32_t path) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    std::size_t operation;
    Clock::time_point since;
  };

  std::size_t add_value(const Var& var);
  void add_node(Node& node);
  std::size_t latest_call(std::string_view path) const;
  std::chrono::nanoseconds lap();

  TraceOptions options_;
  bool stopped_ = false;
  std::vector<TracedOperation> operations_;
  std::vector<TracedValue> values_;
  std::vector<TracedNote> notes_;
  std::vector<TracedCall> calls_;
  std::map<std::string, std::size_t, std::less<>> latest_call_;     // by path
  std::unordered_map<std::uint64_t, std::size_t> value_of_node_;    // by recorded_at
  std::unordered_map<std::uint64_t, std::size_t> operation_of_id_;  // by Recorded::id
  std::vector<Running> rules_;                                      // of which operations, outermost first
  std::vector<std::size_t> sweeps_;                                 // how many rules ran when each sweep began
  std::size_t reached_ = 0;
  Clock::time_point latest_ = Clock::now();
};

/// The leaves that the gradient of a Var flows to, in the order in which they were made.
std::vector<Var> leaves_of(const Var& output);

}  // namespace heed
