// What the checks share: comparing tensors into a report.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "layers/checks.h"

namespace heed::checks {

/// Compares tensors of one shape; at the first failure the report takes what is passed along, and from then on
/// stays as it is. Returns whether these two agree.
class Comparison {
 public:
  Comparison(const char* check, const CheckOptions& options) : options_(options) { report_.check = check; }

  /// `first` is the position of the tensors' first row in what `what` names.
  bool agree(const Tensor& found, const Tensor& expected, const std::string& what, const std::string& when,
             std::int64_t first = 0);
  /// The same to the last bit.
  bool agree_exactly(const Tensor& found, const Tensor& expected, const std::string& what,
                     const std::string& when) {
    return compare(found, expected, what, when, 0, 0);
  }
  /// From now on what differs is measured against this size at least: tensors that belong together may be tiny
  /// beside each other, or 0 but for rounding.
  void measure_against(double size) { least_size_ = std::max(least_size_, size); }
  /// Fails for a reason that has no element.
  void fail(std::string what, std::string cause);
  /// The cause of the failure, if there was one.
  void because(std::string cause) {
    if (!report_.ok) report_.cause = std::move(cause);
  }
  bool ok() const { return report_.ok; }
  const CheckReport& report() const { return report_; }

 private:
  bool compare(const Tensor& found, const Tensor& expected, const std::string& what, const std::string& when,
               std::int64_t first, double tolerance);

  CheckOptions options_;
  CheckReport report_;
  double least_size_ = 0.01;
};

/// Whether a second call gives what the first gave; otherwise the comparison fails and says so.
bool repeats(Comparison& comparison, const Tensor& first, const Tensor& second);

/// Position of an element, given in row-major order.
std::vector<std::int64_t> position_of(std::int64_t element, const Shape& shape);

}  // namespace heed::checks
