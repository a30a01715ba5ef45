// An operation of your own: its value, its gradient rule, and a check that catches the rule when it is wrong.
//
// Learnt: that an operation is one function, made of a value and a rule for each operand; that a rule written
// in operations on Vars can be differentiated again; what a gradient check compares; and when a gradient that
// is not the derivative is what one wants.
//
//   cmake --build --preset release --target custom_operation && build/release/bin/custom_operation
//
// Prints three parts: (a) an operation with the right rule, its first and second derivatives, (b) what is said
// of a wrong one,
//
//   GraphError: careless isru: its gradient is not its derivative: at [0] of operand 0 [4], for a random dy, …
//
// and (c) a step that learns by a straight-through gradient: "bits 1 0 1 1 after 25 steps". Takes a few
// milliseconds.
#include <cmath>
#include <cstdio>

#include "autograd/backward.h"
#include "autograd/custom.h"
#include "autograd/functional.h"
#include "autograd/ops.h"
#include "autograd/record.h"
#include "core/print.h"

using namespace heed;

namespace {

// Of each element, in f32 or f64. Values are computed on tensors, by whatever means.
Tensor isru(const Tensor& x) {
  Tensor y = x.clone();
  for_floating(x.dtype(), "isru", [&](auto zero) {
    auto* const element = y.fresh_data<decltype(zero)>();
    for (std::int64_t i = 0; i < y.count(); ++i) element[i] /= std::sqrt(1 + element[i] * element[i]);
  });
  return y;
}

/// The inverse square root unit (Carlile et al. 2017): between -1 and 1 as tanh, without an exponential.
///   y = x / √(1 + x²)      dx = dy / (1 + x²)^(3/2) = dy (1 - y²) √(1 - y²)
Var isru(const Var& x, SourceLocation at = {}) {
  const auto definition = [at](const Var& in) {
    // The rule asks for the output y, so that the operand need not be kept, and is made of operations on Vars,
    // so that it can be differentiated in its turn.
    return record({"isru", at}, isru(in.value()), wrt(in, [](const Var& dy, const Var& y) {
                    const Var rest = 1.0 - square(y);
                    return dy * rest * sqrt(rest);
                  }));
  };
  return custom_operation("isru", definition, x);
}

/// The same with a slip in the rule: the root is missing.
Var careless_isru(const Var& x, SourceLocation at = {}) {
  const auto definition = [at](const Var& in) {
    return record({"careless isru", at}, isru(in.value()),
                  wrt(in, [](const Var& dy, const Var& y) { return dy * (1.0 - square(y)); }));
  };
  return custom_operation("careless isru", definition, x);
}

/// 1 where x > 0, else 0. Its derivative is 0 wherever it has one, and nothing would ever be learnt. The
/// straight-through estimator (Bengio et al. 2013) passes the gradient as if this were the identity.
///   dx = dy
/// Since that is no derivative on purpose, the operation is recorded as it is, not as a custom_operation.
Var hard_bit(const Var& x, SourceLocation at = {}) {
  const Tensor zero = Tensor::scalar(0, x.dtype());
  return record({"hard_bit", at}, less(zero, x.value()).to(x.dtype()),
                wrt(x, [](const Var& dy) { return dy; }));
}

Var parameter(std::initializer_list<double> values) {
  return Var::parameter(Tensor::of(values, {static_cast<std::int64_t>(values.size())}, DType::f64), "x");
}

void show(const char* title, const Var& x) {
  std::printf("%-14s %s\n", title, to_string(x.value(), {.precision = 4}).c_str());
}

// (a) The right rule. In a release build checks are off, so that they cost nothing: here they are asked for.
void right() {
  std::printf("---- (a) the right rule\n\n");
  const CheckCustomOperations checks(true);
  const Var x = parameter({-3, -0.5, 1, 4});
  const Var y = isru(x);  // the first use: checked
  show("x", x);
  show("y", y);
  const Var slope = grad(sum(y), {x}, {.create_graph = true})[0];
  show("dy/dx", slope);
  show("d2y/dx2", grad(sum(slope), {x})[0]);
  std::printf("\n");
}

// (b) The wrong rule, found on its first use.
void wrong() {
  std::printf("---- (b) a wrong rule\n\n");
  const CheckCustomOperations checks(true);
  try {
    careless_isru(parameter({-3, -0.5, 1, 4}));
  } catch (const GraphError& error) {
    std::printf("%s\n\n", error.what());
  }
}

// (c) Numbers whose bits are to spell 1 0 1 1.
void straight_through() {
  std::printf("---- (c) a step that learns\n\n");
  Var x = parameter({-1, 0.3, -2, 0.8});
  const Var wanted(Tensor::of({1, 0, 1, 1}, {4}, DType::f64));
  int steps = 0;
  while (true) {
    const Var loss = sum(square(hard_bit(x) - wanted));
    if (loss.item() == 0) break;
    loss.backward();
    x.mutable_value().copy_from(x.value() - x.grad().value() * 0.04);
    x.zero_grad();
    ++steps;
  }
  std::printf("bits");
  for (const double bit : hard_bit(x).value().to_vector()) std::printf(" %g", bit);
  std::printf(" after %d steps\n", steps);
}

}  // namespace

int main() {
  right();
  wrong();
  straight_through();
}
