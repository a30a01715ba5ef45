// Checks of a model's promises, for models of your own: gradients, causality, padding, batches, decoding.
//
// Each takes the model as a function, in one line, and says what is wrong, where, and what is likely the cause:
//
//   CHECK(check_causal([&](const Tensor& ids) { return model(source, {ids, {}}); }, target));
//
//   check_causal FAILED: output [2, 5, 11] at [0, 1, 0] is 0.25 instead of 0.5
//     when step 2 of every sequence was changed
//     likely: an output sees one step too many: a mask or a shift that is off by one
//
// B sequences, T steps. All leave the model as they found it; parameters and numbers may be f32 or f64 (f64
// finds smaller mistakes).
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/tokens.h"
#include "layers/module.h"
#include "layers/stepper.h"

namespace heed {

/// What a check found. Converts to true when the model passes.
struct CheckReport {
  bool ok = true;
  std::string check{};        ///< its name
  std::int64_t compared = 0;  ///< pairs of numbers
  // Of a failure, the first element that is not as it should be (of gradients the worst):
  std::string what{};                 ///< what it belongs to, with its shape
  std::vector<std::int64_t> index{};  ///< where it stands there
  double found = 0, expected = 0;
  std::string when{};   ///< what had been done to the input
  std::string cause{};  ///< likely, as a phrase
  explicit operator bool() const { return ok; }
};
std::string to_string(const CheckReport& report);

struct CheckOptions {
  /// Numbers may differ by so much times the largest of the tensor (at least 0.01; of a gradient, the
  /// largest of all gradients); 0: 1e-9 in f64, 1e-5 in f32.
  double tolerance = 0;
  std::int64_t padding = 3;  ///< steps that check_padding_invariance adds
  std::uint64_t seed = 1;    ///< of random cotangents
};

/// Scores or other numbers that a model gives for a tensor [B, T, ...]: ids (i32) or features.
using SequenceFunction = std::function<Var(const Tensor& x)>;

/// Changing step j of x moves no output before j: f(x) is [B, T, ...]. Fails too when nothing moves at all.
/// Throws ShapeError for outputs of another form, ConfigError for fewer than two steps or ids all alike.
CheckReport check_causal(const SequenceFunction& f, const Tensor& x, const CheckOptions& options = {});

/// f of reordered steps is f reordered, f(x) being [B, T, ...]: so it is without positions and masks. Tries an
/// exchange and a rotation, of which all orders are made. Throws as check_causal().
CheckReport check_permutation_equivariance(const SequenceFunction& f, const Tensor& x,
                                           const CheckOptions& options = {});

struct GradientCheckOptions {
  double step = 1e-6;  ///< as of GradcheckOptions
  double absolute = 1e-6, relative = 1e-5;
  std::int64_t most = 32;  ///< elements of each parameter, drawn at random; 0: all
  std::uint64_t seed = 1;
};

/// The gradients of all parameters are those of finite differences; `loss` gives the loss of the module as it
/// is. Runs in f64, for which f32 parameters are converted and converted back, without their gradients; the
/// loss must follow. Fails too for a loss that differs from call to call.
CheckReport check_gradients(Module& module, const std::function<Var()>& loss,
                            const GradientCheckOptions& options = {});

struct OverfitOptions {
  int steps = 300;     ///< at most
  double loss = 0.05;  ///< that must be reached
};

namespace checks {

CheckReport overfits(const Module& module, const std::function<double()>& train_step,
                     const OverfitOptions& options);
using BatchFunction = std::function<Var(const std::vector<Tokens>& inputs)>;
CheckReport batch_invariance(const BatchFunction& f, const std::vector<Tokens>& inputs,
                             const CheckOptions& options);
CheckReport padding_invariance(const Module& module, const BatchFunction& f, const std::vector<Tokens>& inputs,
                               const CheckOptions& options);
CheckReport decode_parity(const Var& forced, const Tokens& target_in, const Stepper& stepper,
                          const CheckOptions& options);

/// Throws ConfigError unless there are as many inputs as f takes, with sequences in them.
void require_inputs(const std::vector<Tokens>& inputs, std::size_t count);

/// f, which takes one or two Tokens, as a function of the list of them.
template <class F>
BatchFunction of_list(const F& f, const std::vector<Tokens>& inputs) {
  constexpr bool kTakesOne = std::is_invocable_v<const F&, const Tokens&>;
  require_inputs(inputs, kTakesOne ? 1 : 2);
  if constexpr (kTakesOne)
    return [&f](const std::vector<Tokens>& in) { return Var(f(in[0])); };
  else
    return [&f](const std::vector<Tokens>& in) { return Var(f(in[0], in[1])); };
}

}  // namespace checks

/// Training on one batch brings the loss below `options.loss` and moves every parameter. `train_step(model,
/// batch)` makes one update and returns the loss before it, as a number. The parameters' values are put back at
/// the end; the optimiser's state is not.
template <class Model, class Batch, class TrainStep>
CheckReport check_overfits_one_batch(Model& model, const Batch& batch, TrainStep train_step,
                                     const OverfitOptions& options = {}) {
  return checks::overfits(
      model, [&]() -> double { return train_step(model, batch); }, options);
}

/// A sequence gives alone, and without padding, what it gives in the batch. f takes one or two Tokens and gives
/// [B, ...]; what it gives for one sequence is the beginning, along the other axes, of what it gives for all. A
/// sequence with nothing in one of the inputs is left out.
///
///   check_batch_invariance(model, {source, target_in})
template <class F>
CheckReport check_batch_invariance(const F& f, const std::vector<Tokens>& inputs,
                                   const CheckOptions& options = {}) {
  return checks::batch_invariance(checks::of_list(f, inputs), inputs, options);
}

/// Neither the values of f nor the gradients of the module's parameters depend on how far an input is padded,
/// or with what. f takes one or two Tokens and gives [B, ...], with the time of the padded input as its second
/// axis (what stands there at padded positions does not count) or not at all. Padding is of 0 and of the
/// largest id that occurs.
///
///   check_padding_invariance(model, model, {source, target_in})
template <class F>
CheckReport check_padding_invariance(const Module& module, const F& f, const std::vector<Tokens>& inputs,
                                     const CheckOptions& options = {}) {
  return checks::padding_invariance(module, checks::of_list(f, inputs), inputs, options);
}

/// step() says what operator() says with the targets given (teacher forcing), also behind select(), and copies
/// of the state are independent: caches, positions, shifts and resets are right. The model is called as
/// model(source, target_in), or without source as model(target_in), and gives scores [B, T, V].
template <DecodesSource Model>
CheckReport check_decode_parity(const Model& model, const Tokens& source, const Tokens& target_in,
                                const CheckOptions& options = {}) {
  const NoGrad no_grad;
  return checks::decode_parity(model(source, target_in), target_in, Stepper(model, model.start(source)),
                               options);
}
template <DecodesAlone Model>
CheckReport check_decode_parity(const Model& model, const Tokens& target_in, const CheckOptions& options = {}) {
  const NoGrad no_grad;
  return checks::decode_parity(model(target_in), target_in, Stepper(model, model.start(target_in.batch())),
                               options);
}

}  // namespace heed
