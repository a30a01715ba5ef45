// What the checks share: comparing tensors into a report.
#pragma once

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

  /// `first` is the position of the tensors' first row in what `what` names; differences are seen beside the
  /// largest element or `scale`, whichever is larger.
  bool agree(const Tensor& found, const Tensor& expected, const std::string& what, const std::string& when,
             std::int64_t first = 0, double scale = 0.01);
  /// The same to the last bit.
  bool agree_exactly(const Tensor& found, const Tensor& expected, const std::string& what,
                     const std::string& when) {
    return compare(found, expected, what, when, 0, 0, 0);
  }
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
               std::int64_t first, double scale, double tolerance);

  CheckOptions options_;
  CheckReport report_;
};

/// Whether a second call gives what the first gave; otherwise the comparison fails and says so.
bool repeats(Comparison& comparison, const Tensor& first, const Tensor& second);

/// Position of an element, given in row-major order.
std::vector<std::int64_t> position_of(std::int64_t element, const Shape& shape);

}  // namespace heed::checks
