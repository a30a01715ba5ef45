// Arithmetic on tensors, element by element, with broadcasting.
#pragma once

#include "core/kernels/table.h"
#include "core/tensor.h"

namespace heed {

/// f(x) of each element, f32 or f64. Throws DTypeError for other types.
Tensor apply(kernels::Unary f, const Tensor& x, const char* operation);
/// f(a, b) of each pair after broadcasting; f32, f64, or i32 (up to `maximum`; wraps around on overflow).
/// Throws ShapeError when the shapes do not broadcast, DTypeError when the types differ, IndexError for an i32
/// divided by 0.
Tensor apply(kernels::Binary f, const Tensor& a, const Tensor& b, const char* operation);
/// The same with a number for b, or for a; with i32, DTypeError unless the number is one.
Tensor apply(kernels::Binary f, const Tensor& a, double b, const char* operation);
Tensor apply(kernels::Binary f, double a, const Tensor& b, const char* operation);
/// Comparison of each pair after broadcasting, as booleans; any one type.
Tensor apply(kernels::Compare f, const Tensor& a, const Tensor& b, const char* operation);

/// y += a * x in place; x broadcasts to y's shape, has its type and may share its elements. Throws ShapeError,
/// also when y is expanded, DTypeError.
void add_scaled(Tensor& y, double a, const Tensor& x, SourceLocation at = {});
/// y *= a in place. Throws ShapeError when y is expanded.
void scale(Tensor& y, double a, SourceLocation at = {});

/// The error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to x, of each element; f32, f64.
inline Tensor erf(const Tensor& x) { return apply(kernels::Unary::erf, x, "erf"); }

/// log(1 + e^x) of each element, without overflow; f32, f64.
Tensor softplus(const Tensor& x);

/// x where `condition` (boolean) is true, else y; all three broadcast.
Tensor where(const Tensor& condition, const Tensor& x, const Tensor& y);
/// The opposite of each boolean; both; either.
Tensor logical_not(const Tensor& a);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return apply(kernels::Binary::add, a, b, "add"); }
inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::subtract, a, b, "subtract");
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::multiply, a, b, "multiply");
}
inline Tensor operator/(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::divide, a, b, "divide");
}
inline Tensor operator+(const Tensor& a, double b) { return apply(kernels::Binary::add, a, b, "add"); }
inline Tensor operator-(const Tensor& a, double b) {
  return apply(kernels::Binary::subtract, a, b, "subtract");
}
inline Tensor operator*(const Tensor& a, double b) {
  return apply(kernels::Binary::multiply, a, b, "multiply");
}
inline Tensor operator/(const Tensor& a, double b) { return apply(kernels::Binary::divide, a, b, "divide"); }
inline Tensor equal(const Tensor& a, const Tensor& b) { return apply(kernels::Compare::equal, a, b, "equal"); }
inline Tensor less(const Tensor& a, const Tensor& b) { return apply(kernels::Compare::less, a, b, "less"); }
inline Tensor less_equal(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::less_equal, a, b, "less_equal");
}
inline Tensor greater(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::less, b, a, "greater");
}

/// Whether shapes, types and all elements are the same bits of value (NaN differs from itself).
bool identical(const Tensor& a, const Tensor& b);
/// The largest |a - b| over all elements, in f64. Throws ShapeError unless the shapes are the same.
double largest_difference(const Tensor& a, const Tensor& b);

}  // namespace heed
