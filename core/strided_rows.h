// The rows of a tensor along its last axis, where they lie, for kernels that go row after row.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/strided.h"
#include "core/tensor.h"

namespace heed {

/// Rows of a tensor that broadcasts to `shape` (of rank >= 1, not empty). Copied only when neighbours in a row
/// are neither adjacent nor, where `may_repeat`, one element for the whole row.
class StridedRows {
 public:
  StridedRows(const Tensor& given, const Shape& shape, bool may_repeat)
      : tensor_(with_rows(given, shape[-1], may_repeat)), walk_(shape.without(-1), {&first_column()}) {}

  const Tensor& tensor() const { return tensor_; }
  /// 1, or 0 where each row is one element.
  std::int64_t column_stride() const { return column_stride_; }

  /// visit(row, rows, offset, row_stride) for runs of rows that lie evenly, from row `begin` to `end`; the run
  /// starts at element `offset` of the tensor.
  template <class Visit>
  void for_each_run(std::int64_t begin, std::int64_t end, Visit visit) const {
    const std::int64_t stride = walk_.inner_stride[0];
    for (std::int64_t row = begin, rows = 0; row < end; row += rows) {
      const std::int64_t inside = row % walk_.inner;
      rows = std::min(end - row, walk_.inner - inside);
      visit(row, rows, walk_.offsets(row / walk_.inner)[0] + inside * stride, stride);
    }
  }

 private:
  Tensor with_rows(const Tensor& given, std::int64_t n, bool may_repeat) {
    const Tensor t = given.rank() == 0 ? given.unsqueeze(0) : given;
    const std::int64_t stride = n == 1 ? 1 : t.extent(-1) == 1 ? 0 : t.stride(-1);
    column_stride_ = stride == 0 && may_repeat ? 0 : 1;
    return stride == column_stride_ ? t : t.expand(t.shape().with(-1, n)).contiguous_copy_if_needed();
  }
  const Tensor& first_column() {
    first_column_ = tensor_.select(-1, 0);
    return first_column_;
  }

  std::int64_t column_stride_ = 1;
  Tensor tensor_, first_column_;
  StridedWalk<1> walk_;
};

}  // namespace heed
