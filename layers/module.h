// Module: a named tree of parameters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/observer.h"
#include "autograd/var.h"
#include "core/error.h"

namespace heed {

/// The base of all layers and models. A layer registers its parameters and its parts, under names, in its
/// constructor; what it computes is its own `operator()`, with the types that it needs. Modules stay where they
/// are constructed (neither copied nor moved), so that the tree can point at its parts.
///
///   class Gate : public Module {
///    public:
///     Gate(std::int64_t width, Rng& rng) : Module("Gate"), map_(width, width, rng) {
///       register_module("map", map_);
///     }
///     Var operator()(const Var& x) const {
///       const ErrorFrame frame = enter();
///       return x * sigmoid(map_(x));
///     }
///
///    private:
///     Linear map_;
///   };
class Module {
 public:
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// "Linear 128 -> 64": the kind and what tells one from another.
  const std::string& description() const { return description_; }
  /// Where this is in the outermost module, "decoder.0.self_attention": what the names of its parameters begin
  /// with. Empty for the outermost.
  const std::string& path() const { return path_; }

  /// The parameters of this and of all parts, in the order of registration. A Var's name() is its path from the
  /// outermost module, "decoder.out.weight".
  std::vector<Var> parameters() const;
  /// Number of elements of all parameters.
  std::int64_t parameter_count() const;

  /// Training, the state at first, or evaluation (no dropout); for this and all parts.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  /// Makes all parameters f32 or f64; gradients are dropped.
  void to(DType dtype);
  void zero_grad();

  /// The values of all parameters by path. The tensors share the parameters' elements.
  NamedTensors state() const;
  /// Takes over the values of a state, converted to the parameters' type. Nothing is changed unless all of it
  /// fits: throws ConfigError with a line for each entry that is missing, unexpected or has another shape.
  void load_state(const NamedTensors& state);

  /// The tree, a line a module and parameter, with shapes and numbers of parameters.
  std::string summary() const;
  /// This module and all its parts, in the order of registration.
  std::vector<const Module*> modules() const;
  /// The parameters that this module has registered itself.
  std::vector<Var> own_parameters() const;

 protected:
  explicit Module(std::string description) : description_(std::move(description)) {}

  /// Adds a parameter; returns it, to be kept in a member. Throws ConfigError unless the name is new, not empty
  /// and without a dot; so does register_module.
  Var register_parameter(std::string name, Tensor value);
  /// Uses a parameter that another module has registered, by identity (tied weights): it stays that module's,
  /// which lists, trains and saves it once, and both see every change; summary() names it in both. Returns it,
  /// to be kept in a member. Throws as register_parameter.
  Var share_parameter(std::string name, const Var& parameter);
  /// Adds a part, which must live as long as this module does.
  void register_module(std::string name, Module& part);
  /// Names this module in errors while the frame lives: the first line of every operator().
  [[nodiscard]] ErrorFrame enter() const;
  /// Says that a result is what readers know by that name, "weights" say; returns it. Whoever watches
  /// (record_intermediates() of layers/inspect/intermediates.h, for one) finds it under path() and this name.
  /// To be called while this module is entered. Without an observer it costs one look at a pointer.
  const Var& note(std::string_view name, const Var& result) const {
    if (Observer::watching()) [[unlikely]]
      Observer::tell_all([&](Observer& observer) { observer.noted(result, name); });
    return result;
  }
  Var note(std::string_view name, Var&& result) const {
    note(name, std::as_const(result));
    return std::move(result);
  }
  /// The same for a tensor, to which no gradient flows; nothing when it is undefined.
  void note(std::string_view name, const Tensor& constant) const {
    if (Observer::watching() && constant.defined()) [[unlikely]]
      note(name, Var(constant));
  }

 private:
  void require_new(const std::string& name) const;
  template <class F>
  void for_each_parameter(F&& body) const;
  void prefix_paths(const std::string& prefix);
  void set_path(std::string path);
  void append_summary(std::string& out, const std::string& name, int depth) const;

  std::string description_;
  std::string name_;  // within the module that it is a part of; empty for the outermost
  std::string path_;
  std::uint32_t path_number_ = 0;  // of path_ (core/names.h)
  std::vector<std::pair<std::string, Var>> parameters_, shared_;
  std::vector<Module*> parts_;
  bool training_ = true;
};

}  // namespace heed
