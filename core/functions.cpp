#include "core/functions.h"

#include <cmath>
#include <limits>

#include "core/map.h"

namespace heed {
namespace {

// f of each element, in the element's own type.
template <class F>
Tensor each(const Tensor& x, const char* operation, F f) {
  return for_floating(x.dtype(), operation, [&](auto zero) { return map<decltype(zero)>(x, f); });
}

template <class F>
Tensor each_pair(const Tensor& a, const Tensor& b, const char* operation, F f) {
  if (a.dtype() != b.dtype()) throw_dtypes_differ(a, b, operation);
  return for_floating(a.dtype(), operation, [&](auto zero) { return map<decltype(zero)>(a, b, operation, f); });
}

}  // namespace

Tensor rsqrt(const Tensor& x) {
  return apply(kernels::Unary::reciprocal, apply(kernels::Unary::sqrt, x, "rsqrt"), "rsqrt");
}

Tensor exp2(const Tensor& x) {
  return each(x, "exp2", [](auto v) { return std::exp2(v); });
}

Tensor log2(const Tensor& x) {
  return each(x, "log2", [](auto v) { return std::log2(v); });
}

Tensor log10(const Tensor& x) {
  return each(x, "log10", [](auto v) { return std::log10(v); });
}

Tensor floor(const Tensor& x) {
  return each(x, "floor", [](auto v) { return std::floor(v); });
}

Tensor ceil(const Tensor& x) {
  return each(x, "ceil", [](auto v) { return std::ceil(v); });
}

Tensor round(const Tensor& x) {
  return each(x, "round", [](auto v) { return std::nearbyint(v); });
}

Tensor trunc(const Tensor& x) {
  return each(x, "trunc", [](auto v) { return std::trunc(v); });
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  return each_pair(a, b, "fmod", [](auto v, auto w) { return std::fmod(v, w); });
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  return each_pair(a, b, "remainder", [](auto v, auto w) {
    const auto left = std::fmod(v, w);
    return left != 0 && (left < 0) != (w < 0) ? left + w : left;
  });
}

Tensor tan(const Tensor& x) {
  return each(x, "tan", [](auto v) { return std::tan(v); });
}

Tensor asin(const Tensor& x) {
  return each(x, "asin", [](auto v) { return std::asin(v); });
}

Tensor acos(const Tensor& x) {
  return each(x, "acos", [](auto v) { return std::acos(v); });
}

Tensor atan(const Tensor& x) {
  return each(x, "atan", [](auto v) { return std::atan(v); });
}

Tensor atan2(const Tensor& y, const Tensor& x) {
  return each_pair(y, x, "atan2", [](auto v, auto w) { return std::atan2(v, w); });
}

Tensor sinh(const Tensor& x) {
  return each(x, "sinh", [](auto v) { return std::sinh(v); });
}

Tensor cosh(const Tensor& x) {
  return each(x, "cosh", [](auto v) { return std::cosh(v); });
}

Tensor asinh(const Tensor& x) {
  return each(x, "asinh", [](auto v) { return std::asinh(v); });
}

Tensor acosh(const Tensor& x) {
  return each(x, "acosh", [](auto v) { return std::acosh(v); });
}

Tensor atanh(const Tensor& x) {
  return each(x, "atanh", [](auto v) { return std::atanh(v); });
}

Tensor erfc(const Tensor& x) {
  return each(x, "erfc", [](auto v) { return std::erfc(v); });
}

Tensor softplus(const Tensor& x) {
  return apply(kernels::Unary::relu, x, "softplus") +
         log1p(exp(-apply(kernels::Unary::absolute, x, "softplus")));
}

Tensor isnan(const Tensor& x) {
  return each(x, "isnan", [](auto v) { return std::isnan(v); });
}

Tensor isinf(const Tensor& x) {
  return each(x, "isinf", [](auto v) { return std::isinf(v); });
}

Tensor isfinite(const Tensor& x) {
  return each(x, "isfinite", [](auto v) { return std::isfinite(v); });
}

Tensor nan_to_num(const Tensor& x, const NanToNum& by) {
  return for_floating(x.dtype(), "nan_to_num", [&](auto zero) {
    using T = decltype(zero);
    const T nan = static_cast<T>(by.nan);
    const T above = static_cast<T>(by.positive_infinity.value_or(std::numeric_limits<T>::max()));
    const T below = static_cast<T>(by.negative_infinity.value_or(std::numeric_limits<T>::lowest()));
    return map<T>(x, [=](T v) { return std::isfinite(v) ? v : std::isnan(v) ? nan : v > 0 ? above : below; });
  });
}

}  // namespace heed
