// DetectAnomaly: stops at the first value or gradient that is not finite, and says how it came about.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "autograd/inspect/statistics.h"
#include "autograd/observer.h"
#include "core/error.h"

namespace heed {

/// A link of the chain that led to an anomaly.
struct AnomalyLink {
  std::string name{};    ///< of the operation; of a leaf where it comes from: `parameter "out.weight"`
  std::string module{};  ///< Module::path() of the module that was running
  SourceLocation at = SourceLocation::unknown();
  Magnitudes magnitudes{};  ///< of its value; in a backward, of its gradient
};

/// An operand of the operation at fault, or in a backward also what its rule worked with.
struct AnomalyOperand {
  std::string name{};    ///< "operand 0", "gradient of the output"
  std::string origin{};  ///< "output of relu"
  Shape shape{};
  Magnitudes magnitudes{};
  Statistics statistics{};  ///< without elements when the value was let go of meanwhile
};

struct Anomaly {
  std::string operation{};
  std::string module{};                           ///< Module::path() of the module that was running
  SourceLocation at = SourceLocation::unknown();  ///< the line that called the operation
  bool in_backward = false;
  std::string what{};                 ///< is not finite: "its output", "the gradient of operand 1"
  Shape shape{};                      ///< of that
  std::vector<std::int64_t> index{};  ///< of the first element that is not finite …
  double value = 0;                   ///< … and that element
  Statistics statistics{};
  std::vector<AnomalyOperand> operands{};
  /// How it came, the operation itself last. Forward: from a leaf on, of each operation's operands the one with
  /// the greatest numbers (a leaf only when its are ten times those of what was computed); backward: from what
  /// the backward started from on.
  std::vector<AnomalyLink> chain{};
};

/// What DetectAnomaly throws. The message says all that anomaly() holds, but for the middle of a long chain.
class AnomalyError : public Error {
 public:
  explicit AnomalyError(Anomaly anomaly, const std::string& hint = {});
  const Anomaly& anomaly() const { return anomaly_; }

 private:
  Anomaly anomaly_;
};

/// While it lives, an operation on this thread whose value is not finite, and a gradient rule whose gradient is
/// not, throws AnomalyError from where it was called, at its very origin:
///
///   const DetectAnomaly detect;
///   Var loss = cross_entropy(model(source, target_in), target_out);
///   loss.backward();
///
///   AnomalyError: log: its output [2, 5] is −∞ at [0, 3]: 0.1 … 3, mean 1.2, deviation 0.8, 1 of 10 −∞
///     requires a finite output
///     operand 0: output of relu [2, 5]: 0 … 3, mean 1.1, deviation 0.9, 1 of 10 zero
///     called at model.cpp:40 in "blocks.2.head"
///     how it came, with the least and the greatest |value|:
///       …
///
/// NaN and ∞ are never right. −∞ is when it is meant: it goes through an operation that had −∞ among its
/// operands (masks that are added to scores, or chosen by where() from a constant, until a softmax turns them
/// into 0), and it may come from finite operands where no gradient flows, as the logarithm of a probability 0
/// (in decoding, in metrics). Where a gradient flows it is a fault even if it is not used later: the gradient
/// of log at 0 is 0 / 0 there. Masks themselves (core/mask.h) hold no −∞, nor do the operations that take them.
/// In a backward each gradient must be finite, of each use and summed over them.
///
/// What a gradient rule does within itself is judged by what it returns. The numbers of the last hundred
/// thousand operations are kept for the chain, not their tensors. Each value and gradient is read once more,
/// which is the price: a scope for looking, not for training.
class DetectAnomaly : public Observer {
 public:
  void recorded(const Recorded& operation) override;
  void sweep_began(const SourceLocation& at) override;
  void sweep_ended() override;
  void reached(const Node& node, std::span<const Var> dy) override;
  void rule_returned(const Node& node, std::size_t operand, const Var& gradient) override;
  void left(const Node& node) override;

 private:
  using Key = std::uint64_t;  // of a value: Node::recorded_at
  struct Known {
    AnomalyLink link;
    Shape shape;
    bool leaf = false;
    std::vector<Key> operands{};
  };
  // Of a gradient: its link, and the value whose rule gave its largest part.
  struct Arrived {
    AnomalyLink link;
    Key from = 0;
  };
  struct Source {
    Key from = 0;
    double largest = -1;
  };

  const Known* find(Key key) const;
  void remember(Key key, Known known);
  void remember_operands(const Recorded& operation);
  void note_source(Key of, Key from, double largest);
  AnomalyOperand operand_of(std::size_t position, Key key, const Tensor& value) const;
  std::vector<AnomalyLink> forward_chain(const Recorded& operation) const;
  std::vector<AnomalyLink> backward_chain(Key key) const;
  std::vector<AnomalyOperand> rule_operands(const Node& node) const;
  [[noreturn]] void throw_output(const Recorded& operation) const;
  [[noreturn]] void throw_gradient(const Node& node, std::string what, const Tensor& gradient,
                                   const std::string& hint) const;

  std::unordered_map<Key, Known> known_;
  std::deque<Key> order_;  // in which they were added
  std::unordered_map<Key, Arrived> arrived_;
  std::unordered_map<Key, Source> sources_;
  std::vector<Tensor> dys_;  // of the rule that runs
  int depth_ = 0;            // of rules that run within each other
  std::vector<int> sweeps_;  // that run within each other: the depth at which each began
};

}  // namespace heed
