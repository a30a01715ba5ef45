// Arithmetic, element by element. Operands broadcast by NumPy's rule; the engine sums gradients back.
#pragma once

#include <numbers>

#include "autograd/record.h"
#include "core/functions.h"

namespace heed {

/// a + b.   da = dy   db = dy
inline Var operator+(const Operand& a, const Var& b) {
  return record({"add", a.at}, a.value() + b.value(), wrt(a.var, [](const Var& dy) { return dy; }),
                wrt(b, [](const Var& dy) { return dy; }));
}

/// -a.   da = -dy
inline Var operator-(const Operand& a) {
  return record({"negate", a.at}, -a.value(), wrt(a.var, [](const Var& dy) { return -dy; }));
}

/// a - b.   da = dy   db = -dy
inline Var operator-(const Operand& a, const Var& b) {
  return record({"subtract", a.at}, a.value() - b.value(), wrt(a.var, [](const Var& dy) { return dy; }),
                wrt(b, [](const Var& dy) { return -dy; }));
}

/// a * b.   da = dy b   db = dy a
inline Var operator*(const Operand& a, const Var& b) {
  return record({"multiply", a.at}, a.value() * b.value(), wrt(a.var, [b](const Var& dy) { return dy * b; }),
                wrt(b, [a = a.var](const Var& dy) { return dy * a; }));
}

/// a / b.   da = dy / b   db = -dy y / b
inline Var operator/(const Operand& a, const Var& b) {
  return record({"divide", a.at}, a.value() / b.value(), wrt(a.var, [b](const Var& dy) { return dy / b; }),
                wrt(b, [b](const Var& dy, const Var& y) { return -(dy * y) / b; }));
}

/// a + s for a number s.   da = dy
inline Var operator+(const Operand& a, double s) {
  return record({"add", a.at}, a.value() + s, wrt(a.var, [](const Var& dy) { return dy; }));
}
inline Var operator+(double s, const Operand& a) { return a + s; }
inline Var operator-(const Operand& a, double s) { return a + -s; }

/// a * s for a number s.   da = dy s
inline Var operator*(const Operand& a, double s) {
  return record({"multiply", a.at}, a.value() * s, wrt(a.var, [s](const Var& dy) { return dy * s; }));
}
inline Var operator*(double s, const Operand& a) { return a * s; }
inline Var operator/(const Operand& a, double s) { return a * (1.0 / s); }

/// s - a for a number s.   da = -dy
inline Var operator-(double s, const Operand& a) {
  return record({"subtract", a.at}, s - a.value(), wrt(a.var, [](const Var& dy) { return -dy; }));
}

/// s / a for a number s.   da = -dy y / a
inline Var operator/(double s, const Operand& a) {
  return record({"divide", a.at}, s / a.value(),
                wrt(a.var, [a = a.var](const Var& dy, const Var& y) { return -(dy * y) / a; }));
}

/// x += y is x = x + y: x becomes a new place in the graph, while its copies, and what was computed from it,
/// stay what they are.
inline Var& operator+=(Var& x, const Operand& y) { return x = Operand(x, y.at) + y.var; }
inline Var& operator-=(Var& x, const Operand& y) { return x = Operand(x, y.at) - y.var; }
inline Var& operator*=(Var& x, const Operand& y) { return x = Operand(x, y.at) * y.var; }
inline Var& operator/=(Var& x, const Operand& y) { return x = Operand(x, y.at) / y.var; }
inline Var& operator+=(Var& x, const Number& s) { return x = Operand(x, s.at) + s.value; }
inline Var& operator-=(Var& x, const Number& s) { return x = Operand(x, s.at) - s.value; }
inline Var& operator*=(Var& x, const Number& s) { return x = Operand(x, s.at) * s.value; }
inline Var& operator/=(Var& x, const Number& s) { return x = Operand(x, s.at) / s.value; }

/// e to the power x.   dx = dy y
inline Var exp(const Var& x, SourceLocation at = {}) {
  return record({"exp", at}, exp(x.value()), wrt(x, [](const Var& dy, const Var& y) { return dy * y; }));
}

/// Natural logarithm; -inf at 0, NaN below.   dx = dy / x
inline Var log(const Var& x, SourceLocation at = {}) {
  return record({"log", at}, log(x.value()), wrt(x, [x](const Var& dy) { return dy / x; }));
}

/// Square root; NaN below 0.   dx = dy / (2 y), infinite at 0
inline Var sqrt(const Var& x, SourceLocation at = {}) {
  return record({"sqrt", at}, sqrt(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return dy / (2.0 * y); }));
}

/// x².   dx = 2 dy x
inline Var square(const Var& x, SourceLocation at = {}) {
  return record({"square", at}, square(x.value()), wrt(x, [x](const Var& dy) { return 2.0 * dy * x; }));
}

/// dy (1 - y²) in one pass: the gradient of tanh where its value is y.   ddy = g (1 - y²)   dy' = -2 g dy y
inline Var tanh_gradient(const Var& dy, const Var& y) {
  return record("tanh_gradient", apply(kernels::Binary::tanh_gradient, dy.value(), y.value(), "tanh_gradient"),
                wrt(dy, [y](const Var& g) { return tanh_gradient(g, y); }),
                wrt(y, [dy, y](const Var& g) { return -2.0 * g * dy * y; }));
}

/// Hyperbolic tangent.   dx = dy (1 - y²)
inline Var tanh(const Var& x, SourceLocation at = {}) {
  return record({"tanh", at}, tanh(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return tanh_gradient(dy, y); }));
}

/// dy y (1 - y) in one pass: the gradient of sigmoid where its value is y.
///   ddy = g y (1 - y)   dy' = g dy (1 - 2 y)
inline Var sigmoid_gradient(const Var& dy, const Var& y) {
  return record("sigmoid_gradient",
                apply(kernels::Binary::sigmoid_gradient, dy.value(), y.value(), "sigmoid_gradient"),
                wrt(dy, [y](const Var& g) { return sigmoid_gradient(g, y); }),
                wrt(y, [dy, y](const Var& g) { return g * dy * (1.0 - 2.0 * y); }));
}

/// 1 / (1 + e^-x).   dx = dy y (1 - y)
inline Var sigmoid(const Var& x, SourceLocation at = {}) {
  return record({"sigmoid", at}, sigmoid(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return sigmoid_gradient(dy, y); }));
}

/// dy where y > 0, else 0: the gradient of relu where its value is y.   ddy = g where y > 0, else 0
inline Var relu_gradient(const Var& dy, const Var& y) {
  return record("relu_gradient", apply(kernels::Binary::relu_gradient, dy.value(), y.value(), "relu_gradient"),
                wrt(dy, [y](const Var& g) { return relu_gradient(g, y); }));
}

/// The error function.   dx = dy 2 / sqrt(pi) e^(-x²)
inline Var erf(const Var& x, SourceLocation at = {}) {
  return record({"erf", at}, erf(x.value()),
                wrt(x, [x](const Var& dy) { return dy * (std::numbers::inv_sqrtpi * 2.0) * exp(-square(x)); }));
}

/// max(x, 0).   dx = dy where x > 0, else 0
inline Var relu(const Var& x, SourceLocation at = {}) {
  return record({"relu", at}, relu(x.value()),
                wrt(x, [](const Var& dy, const Var& y) { return relu_gradient(dy, y); }));
}

/// x where `condition` (boolean) holds, else the number y; or the other way round.
///   dx, dy: the gradient where taken, else 0
inline Var where(const Tensor& condition, const Var& x, double y, SourceLocation at = {}) {
  return record({"where", at}, where(condition, x.value(), y),
                wrt(x, [condition](const Var& dz) { return where(unchanged(condition), dz, 0.0); }));
}
inline Var where(const Tensor& condition, double x, const Var& y, SourceLocation at = {}) {
  return record({"where", at}, where(condition, x, y.value()),
                wrt(y, [condition](const Var& dz) { return where(unchanged(condition), 0.0, dz); }));
}

/// x where `condition` (boolean) holds, else y.   dx, dy: the gradient where taken, else 0
inline Var where(const Tensor& condition, const Var& x, const Var& y, SourceLocation at = {}) {
  return record({"where", at}, where(condition, x.value(), y.value()),
                wrt(x, [condition](const Var& dz) { return where(unchanged(condition), dz, 0.0); }),
                wrt(y, [condition](const Var& dz) { return where(unchanged(condition), 0.0, dz); }));
}

}  // namespace heed
