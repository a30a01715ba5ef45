// Tensors as text.
#pragma once

#include <string>

#include "core/tensor.h"

namespace heed {

struct PrintOptions {
  int precision = 4;               ///< digits after the point
  std::int64_t edge = 4;           ///< positions shown at either end of an axis that is cut
  std::int64_t whole_up_to = 200;  ///< tensors with at most this many elements are shown whole
};

/// The elements in nested brackets, aligned, long axes cut with "…", then shape and type:
///
///   [[ 1.0000, -2.5000],
///    [ 0.0000,  3.1416]]  f32 [2, 2]
std::string to_string(const Tensor& x, const PrintOptions& options = {});

}  // namespace heed
