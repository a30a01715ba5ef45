// What a debugger's steps are, as text, and the values that can be named at a step.
#pragma once

#include <string>
#include <string_view>

#include "autograd/inspect/debugger.h"

namespace heed {

/// One line: "step 12, forward: #12 linear [2, 4, 8] in decoder.out, layers/linear.cpp:38".
std::string headline(const DebugStep& step);

/// The line, and below it what the operation computes with the shapes and extremes of its operands and outputs;
/// in a backward what arrived and what the rules sent on. Each line ends with a newline.
std::string written_step(const DebugStep& step, const Debugger& debugger);

/// An operation that has run, by its number, with what arrived at it so far. Throws IndexError when there is
/// none.
std::string written_operation(std::size_t number, const Debugger& debugger);

/// The modules that are running, the line, and the operations that led to a step: forward from the first one
/// on, backwards from the loss on, of several operands along the first that was computed.
std::string written_where(const DebugStep& step, const Debugger& debugger);

/// Where a value of the trace comes from: `#11 tanh`, `parameter "decoder.out.weight"`, `constant`.
std::string written_origin(const Debugger& debugger, std::size_t place);

/// What the elements are like, in some words; of a few elements the numbers.
std::string written_summary(const Tensor& x, bool norm = false);

struct NamedTensor {
  std::string name{};
  Tensor value{};
};

/// The value that an expression names at a step:
///
///   (nothing)          the output, of a leaf the value
///   x, y, dy, dw       as in the formula of the step's operation
///   operand 1          of the step's operation, from 0
///   #12, #12.1         the output of an operation, by its number; of several outputs that one, from 0
///   decoder.out.weight, tanh, weights
///                      the latest value of that name: of a parameter, an operation or a note (Module::note())
///   grad, grad operand 1, grad #12, decoder.out.weight.grad
///                      the gradient of that; of an operand what this operation sends
///   #12[0, 3]          a part, by the first indices
///
/// Throws IndexError, with the nearest name, when there is none.
NamedTensor find_value(std::string_view expression, const DebugStep& step, const Debugger& debugger);

}  // namespace heed
