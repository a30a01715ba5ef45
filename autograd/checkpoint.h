// Activation checkpointing: what a part of a model keeps for the backward is computed again there instead.
//
//   for (const Layer& layer : layers)                                     // keeps one Var a layer
//     x = checkpoint([&](const Var& in) { return layer(in); }, x);
//
//   const auto chunk = [&](std::span<const Var> in) {                     // of a long sequence, 32 steps
//     const LstmOutput out = lstm(in[0], {in[1], in[2]});
//     return std::vector{out.hs, out.state.h, out.state.c};
//   };
//   std::vector<Var> out = checkpoint(chunk, std::array{slice(x, 1, t, t + 32), h, c});
//
// Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "autograd/functional.h"
#include "autograd/var.h"
#include "core/random.h"

namespace heed {

/// f of the inputs, of which nothing is kept but the inputs: a backward that comes to it runs f again and goes
/// on through what that records. Values and gradients have the bits that they have without; so have the
/// gradients of Vars that f captures (parameters, results of before), which are found as operations take them.
/// Checkpoints nest, and grad() and hooks work as without; only what is named or kept inside f is a new Var
/// each time. So does create_graph, which keeps what is computed again; higher derivatives are sums in another
/// order, the same up to rounding.
///
/// f is copied. What it captures by reference must still be there in the backward: a model, not a local
/// variable. It computes the same when it runs again, which is checked, and must not change what it is given.
/// Throws GraphError in the backward when an output has other values, another shape or type than before, and
/// whatever f throws.
std::vector<Var> checkpoint(const Differentiable& f, std::span<const Var> inputs, SourceLocation at = {});
/// The same of one Var.
Var checkpoint(const std::function<Var(const Var&)>& f, const Var& x, SourceLocation at = {});

/// For functions that draw random numbers (dropout), from the generator that they are given: `rng` at first,
/// and one in the same state when f runs again. `rng` itself moves on once and need not be there later.
std::vector<Var> checkpoint(const std::function<std::vector<Var>(std::span<const Var>, Rng&)>& f,
                            std::span<const Var> inputs, Rng& rng, SourceLocation at = {});
Var checkpoint(const std::function<Var(const Var&, Rng&)>& f, const Var& x, Rng& rng, SourceLocation at = {});

namespace checkpointing {
inline constinit thread_local bool running_again = false;
}
/// Whether this thread runs the function of a checkpoint again, in a backward: for what is to happen once, as
/// counting calls or keeping attention weights.
inline bool is_running_again() { return checkpointing::running_again; }

}  // namespace heed
