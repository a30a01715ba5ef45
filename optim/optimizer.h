// What all optimisers have in common: the parameters, clipping, and a state that can be saved.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/var.h"
#include "core/tensor.h"

namespace heed {

struct StepOptions {
  double clip_norm = 0;       ///< the largest global norm that a step uses; 0: as large as it is
  double gradient_scale = 1;  ///< multiplies every gradient first: 1/k after k calls of backward() that add up
};

/// Adjacent elements of one parameter, with what an update rule needs to change them.
template <class T>
struct UpdatePiece {
  std::int64_t n;
  T* parameter;
  const T* gradient;  ///< as backward() left it, to be multiplied by `scale`
  double scale;
  std::array<T*, 2> state;  ///< in the order of the state names
  std::int64_t update;      ///< how many times this parameter has been updated, this time included
};

/// Changes parameters by their gradients. A derived class is an update rule; see optim/sgd.h.
///
///   loss.backward();
///   double norm = optimiser.step({.clip_norm = 5.0});
///   optimiser.zero_grad();
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that has a gradient, and returns the global norm: the square root of the sum of
  /// the squares of all gradients, after gradient_scale and before clipping. When it is larger than clip_norm,
  /// the update uses gradients multiplied by clip_norm / norm (Pascanu et al. 2013). grad() itself never
  /// changes.
  ///
  /// A parameter without a gradient is skipped with its state: no weight decay, no momentum. When the norm is
  /// not finite, nothing is updated: the parameters stay usable, and the norm returned says what happened.
  /// The same gradients give the same bits at any number of threads.
  ///
  /// Throws GraphError when no parameter has a gradient, ConfigError unless clip_norm >= 0 and
  /// gradient_scale > 0, ShapeError when set_value() has given a parameter another shape or type.
  double step(const StepOptions& options = {}, SourceLocation at = {});
  /// Drops the gradients of all parameters. backward() adds to what is there: call this once a step.
  void zero_grad();

  double learning_rate() const { return learning_rate_; }
  /// Throws ConfigError unless the rate is finite and >= 0.
  void set_learning_rate(double rate);
  /// How often step() was called, also when the norm was not finite.
  std::int64_t steps() const { return steps_; }
  std::span<const Var> parameters() const { return parameters_; }

  /// A copy of everything that the next steps depend on, but for the parameters and the settings (learning
  /// rate, …). Entries are "<optimiser>.steps", a scalar, and for each parameter
  /// "<optimiser>.steps.<parameter>", the scalar count of its updates, and "<optimiser>.<what>.<parameter>" of
  /// its shape and type. A parameter without a name is called by its position, "0", "1", …; a name that
  /// is taken already gets "#2", "#3", … at its end.
  NamedTensors state() const;
  /// Takes over a state, in any order. Throws ConfigError, which lists the entries that are missing, unexpected
  /// or of another shape or type, and then changes nothing.
  void load_state(const NamedTensors& state);

 protected:
  /// What an update rule is called and which values it keeps for each element (at most two; at first 0).
  struct Rule {
    const char* name;    ///< in messages: "AdamW"
    const char* prefix;  ///< of the state: "adamw"
    std::vector<const char*> state;
  };
  /// Throws ConfigError unless there are parameters and each is a contiguous leaf that requires a gradient, and
  /// is there once; DTypeError unless they are f32 or f64.
  Optimizer(Rule rule, std::vector<Var> parameters, double learning_rate);

  /// The update rule. Pieces are updated on several threads at once.
  virtual void update(const UpdatePiece<float>& piece) const = 0;
  virtual void update(const UpdatePiece<double>& piece) const = 0;

  /// Throws ConfigError in the name of the rule: `value` of the setting is not as required.
  void require(bool valid, const char* setting, double value, const char* expected) const;

 private:
  /// What is kept of a parameter beside its Var.
  struct Slot {
    std::string name;  ///< in the state
    Shape shape;
    DType dtype;
    std::int64_t updates = 0;
    std::vector<Tensor> state;
  };
  void add_slot(std::size_t i);
  std::string describe(std::size_t i) const;
  std::vector<Tensor> collect_gradients() const;
  double global_norm(const std::vector<Tensor>& gradients) const;
  void update_all(const std::vector<Tensor>& gradients, double scale, SourceLocation at);
  template <class F>
  void for_pieces(F f) const;

  Rule rule_;
  std::vector<Var> parameters_;
  std::vector<Slot> slots_;            // one a parameter
  std::vector<std::int64_t> offsets_;  // of each parameter in the row of all elements, and its end
  double learning_rate_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace heed
