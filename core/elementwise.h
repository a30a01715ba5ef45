// Arithmetic on tensors, element by element, with broadcasting.
#pragma once

#include <optional>

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
/// Comparison of each pair after broadcasting, as booleans; any one type. As IEEE: a NaN equals nothing, and is
/// neither less nor greater. A number is as above, 0 or 1 beside booleans.
Tensor apply(kernels::Compare f, const Tensor& a, const Tensor& b, const char* operation);
Tensor apply(kernels::Compare f, const Tensor& a, double b, const char* operation);
Tensor apply(kernels::Compare f, double a, const Tensor& b, const char* operation);

/// y += a * x in place; x broadcasts to y's shape, has its type and may share its elements. Throws ShapeError,
/// also when y is expanded, DTypeError.
void add_scaled(Tensor& y, double a, const Tensor& x, SourceLocation at = {});
/// y *= a in place. Throws ShapeError when y is expanded.
void scale(Tensor& y, double a, SourceLocation at = {});

// ---- arithmetic; contracts as of apply()

inline Tensor operator+(const Tensor& a, const Tensor& b) { return apply(kernels::Binary::add, a, b, "add"); }
inline Tensor operator+(const Tensor& a, double b) { return apply(kernels::Binary::add, a, b, "add"); }
inline Tensor operator+(double a, const Tensor& b) { return apply(kernels::Binary::add, a, b, "add"); }
inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::subtract, a, b, "subtract");
}
inline Tensor operator-(const Tensor& a, double b) {
  return apply(kernels::Binary::subtract, a, b, "subtract");
}
inline Tensor operator-(double a, const Tensor& b) {
  return apply(kernels::Binary::subtract, a, b, "subtract");
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::multiply, a, b, "multiply");
}
inline Tensor operator*(const Tensor& a, double b) {
  return apply(kernels::Binary::multiply, a, b, "multiply");
}
inline Tensor operator*(double a, const Tensor& b) {
  return apply(kernels::Binary::multiply, a, b, "multiply");
}
inline Tensor operator/(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::divide, a, b, "divide");
}
inline Tensor operator/(const Tensor& a, double b) { return apply(kernels::Binary::divide, a, b, "divide"); }
inline Tensor operator/(double a, const Tensor& b) { return apply(kernels::Binary::divide, a, b, "divide"); }
/// -a; f32, f64, i32.
Tensor operator-(const Tensor& a);

/// The larger (smaller) of each pair; NaN when either is.
inline Tensor maximum(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::maximum, a, b, "maximum");
}
inline Tensor maximum(const Tensor& a, double b) { return apply(kernels::Binary::maximum, a, b, "maximum"); }
inline Tensor maximum(double a, const Tensor& b) { return apply(kernels::Binary::maximum, a, b, "maximum"); }
inline Tensor minimum(const Tensor& a, const Tensor& b) {
  return apply(kernels::Binary::minimum, a, b, "minimum");
}
inline Tensor minimum(const Tensor& a, double b) { return apply(kernels::Binary::minimum, a, b, "minimum"); }
inline Tensor minimum(double a, const Tensor& b) { return apply(kernels::Binary::minimum, a, b, "minimum"); }

/// Ends of an interval, which has both in it; without one it goes on for ever.
struct Bounds {
  std::optional<double> min = {}, max = {};
};
/// Each element, or the end of the interval that it is beyond; NaN stays. f32, f64, i32. Throws ConfigError
/// when min > max.
Tensor clamp(const Tensor& x, const Bounds& bounds);

/// x to the power n, as the C library has it: 1 for n = 0, NaN where x < 0 and n is no integer. f32, f64.
Tensor pow(const Tensor& x, double n);
inline Tensor pow(const Tensor& x, const Tensor& n) { return apply(kernels::Binary::power, x, n, "pow"); }
inline Tensor pow(double x, const Tensor& n) { return apply(kernels::Binary::power, x, n, "pow"); }

// ---- comparisons, as booleans; contracts as of apply()

inline Tensor equal(const Tensor& a, const Tensor& b) { return apply(kernels::Compare::equal, a, b, "equal"); }
inline Tensor equal(const Tensor& a, double b) { return apply(kernels::Compare::equal, a, b, "equal"); }
inline Tensor not_equal(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::not_equal, a, b, "not_equal");
}
inline Tensor not_equal(const Tensor& a, double b) {
  return apply(kernels::Compare::not_equal, a, b, "not_equal");
}
inline Tensor less(const Tensor& a, const Tensor& b) { return apply(kernels::Compare::less, a, b, "less"); }
inline Tensor less(const Tensor& a, double b) { return apply(kernels::Compare::less, a, b, "less"); }
inline Tensor less_equal(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::less_equal, a, b, "less_equal");
}
inline Tensor less_equal(const Tensor& a, double b) {
  return apply(kernels::Compare::less_equal, a, b, "less_equal");
}
inline Tensor greater(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::less, b, a, "greater");
}
inline Tensor greater(const Tensor& a, double b) { return apply(kernels::Compare::less, b, a, "greater"); }
inline Tensor greater_equal(const Tensor& a, const Tensor& b) {
  return apply(kernels::Compare::less_equal, b, a, "greater_equal");
}
inline Tensor greater_equal(const Tensor& a, double b) {
  return apply(kernels::Compare::less_equal, b, a, "greater_equal");
}

/// x where `condition` (boolean) is true, else y; all three broadcast.
Tensor where(const Tensor& condition, const Tensor& x, const Tensor& y);
Tensor where(const Tensor& condition, const Tensor& x, double y);
Tensor where(const Tensor& condition, double x, const Tensor& y);
/// x with `value` where the mask (boolean) is true. Throws ShapeError unless the mask broadcasts to x's shape.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);
/// The opposite of each boolean; both; either; one of the two but not both.
Tensor logical_not(const Tensor& a);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);

/// Whether shapes, types and all elements are the same bits of value (NaN differs from itself).
bool identical(const Tensor& a, const Tensor& b);
/// The largest |a - b| over all elements, in f64. Throws ShapeError unless the shapes are the same.
double largest_difference(const Tensor& a, const Tensor& b);

}  // namespace heed
