#include "core/print.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"

namespace heed {
namespace {

class Printer {
 public:
  Printer(const Tensor& x, const PrintOptions& options)
      : x_(x), shape_(x.shape()), dtype_(x.dtype()), options_(options) {
    options_.edge = std::max<std::int64_t>(1, options.edge);
    std::int64_t brackets = 1;
    for (const std::int64_t extent : shape_) brackets *= std::max<std::int64_t>(1, extent);
    cut_ = brackets > options.whole_up_to;
  }

  // Once to find the width of the numbers that are shown, once with it.
  std::string print() {
    walk(0, 0);
    out_.clear();
    walk(0, 0);
    return out_;
  }

 private:
  std::string number(double value) const {
    if (dtype_ == DType::boolean) return value != 0 ? "true" : "false";
    char digits[64];
    const bool wide =
        std::abs(value) >= 1e6 || (value != 0 && std::abs(value) < std::pow(10.0, -options_.precision));
    if (dtype_ == DType::i32)
      std::snprintf(digits, sizeof digits, "%.0f", value);
    else
      std::snprintf(digits, sizeof digits, wide && std::isfinite(value) ? "%.*e" : "%.*f", options_.precision,
                    value);
    return digits;
  }

  void walk(int axis, std::int64_t offset) {
    if (axis == shape_.rank()) {
      const std::string digits = number(
          for_any(dtype_, [&](auto zero) { return static_cast<double>(x_.data<decltype(zero)>()[offset]); }));
      width_ = std::max(width_, digits.size());
      if (shape_.rank() > 0) out_.append(width_ - digits.size(), ' ');
      out_.append(digits);
      return;
    }
    const bool innermost = axis == shape_.rank() - 1;
    const std::int64_t n = shape_[axis];
    const bool skips = cut_ && n > 2 * options_.edge + 1;
    out_.push_back('[');
    for (std::int64_t i = 0; i < n; ++i) {
      if (skips && i == options_.edge) {
        out_.append(innermost ? "…, " : "…,\n" + std::string(static_cast<std::size_t>(axis) + 1, ' '));
        i = n - options_.edge;
      }
      walk(axis + 1, offset + i * x_.stride(axis));
      if (i + 1 == n) break;
      out_.append(innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' '));
    }
    out_.push_back(']');
  }

  Tensor x_;
  Shape shape_;
  DType dtype_;
  PrintOptions options_;
  bool cut_ = false;
  std::size_t width_ = 0;
  std::string out_;
};

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) {
  if (!x.defined()) return "an undefined tensor";
  return text(Printer(x, options).print(), "  ", x.dtype(), " ", x.shape());
}

}  // namespace heed
