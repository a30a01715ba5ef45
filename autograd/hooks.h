// Looking at gradients, and changing them, as they pass.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/var.h"

namespace heed {

/// Called in backward() and grad() with the complete gradient of a Var. A defined result replaces it and must
/// have its shape and type, else ShapeError is thrown. Other Vars may share the gradient's elements: return a
/// new Var, do not change it in place. A hook that captures its own Var keeps both alive until it is removed.
using GradientHook = std::function<Var(const Var& gradient)>;

/// A registered hook. It stays when this handle goes; remove() takes it away.
class HookHandle {
 public:
  HookHandle(Var var, std::uint64_t id) : var_(std::move(var)), id_(id) {}
  void remove();

 private:
  Var var_;
  std::uint64_t id_;
};

/// Adds a hook to a Var that requires a gradient; hooks run in the order in which they were added.
/// Throws GraphError when the Var requires none.
HookHandle add_hook(const Var& var, GradientHook hook);

/// What few nodes have.
struct NodeExtras {
  std::string name;
  std::vector<std::pair<std::uint64_t, GradientHook>> hooks;
};

}  // namespace heed
