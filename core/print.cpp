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
      : values_(x.to_vector()), shape_(x.shape()), dtype_(x.dtype()), options_(options) {
    cut_ = x.count() > options.whole_up_to;
    for (const double value : values_) width_ = std::max(width_, number(value).size());
  }

  std::string print() {
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
      const std::string digits = number(values_[static_cast<std::size_t>(offset)]);
      if (shape_.rank() > 0) out_.append(width_ - digits.size(), ' ');
      out_.append(digits);
      return;
    }
    std::int64_t inner = 1;
    for (int a = axis + 1; a < shape_.rank(); ++a) inner *= shape_[a];
    const bool innermost = axis == shape_.rank() - 1;
    const std::int64_t n = shape_[axis];
    const bool skips = cut_ && n > 2 * options_.edge + 1;
    out_.push_back('[');
    for (std::int64_t i = 0; i < n; ++i) {
      if (skips && i == options_.edge) {
        out_.append(innermost ? "…, " : "…,\n" + std::string(static_cast<std::size_t>(axis) + 1, ' '));
        i = n - options_.edge;
      }
      walk(axis + 1, offset + i * inner);
      if (i + 1 == n) break;
      out_.append(innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' '));
    }
    out_.push_back(']');
  }

  std::vector<double> values_;
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
