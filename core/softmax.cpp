#include "core/softmax.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/functions.h"
#include "core/kernels/cpu.h"
#include "core/map.h"
#include "core/parallel.h"
#include "core/reduce.h"
#include "core/strided_rows.h"

namespace heed {
namespace {

// Elements of rows that one thread should have at least before another is worth waking.
constexpr std::int64_t kSoftmaxGrain = 1 << 15;

std::int64_t width_of(const Tensor& x, const char* operation) {
  if (x.rank() == 0) throw ShapeError({.what = text(operation, ": a scalar has no last axis")});
  return x.extent(-1);
}

void require_same_shape(const Tensor& y, const Tensor& dy, const char* operation) {
  if (y.rank() == 0 || y.shape() != dy.shape())
    throw ShapeError({.what = text(operation, ": y is ", y.shape(), ", dy is ", dy.shape()),
                      .expected = "y.shape == dy.shape, of rank >= 1"});
}

// body(rows, offset, first row) over pieces of the rows of x.
template <class Body>
void over_rows(const Tensor& x, Body body) {
  const std::int64_t width = x.extent(-1);
  if (x.count() == 0) return;
  const std::int64_t rows = x.count() / width;
  parallel_for(rows, even_pieces(rows, kSoftmaxGrain / width),
               [&](std::int64_t begin, std::int64_t end) { body(end - begin, begin * width, begin); });
}

}  // namespace

Tensor softmax(const Tensor& x, const Mask& mask) {
  width_of(x, "softmax");
  if (mask.defined() && !broadcasts_to(mask.attends().shape(), x.shape()))
    throw ShapeError({.what = text("softmax: the mask ", mask.attends().shape(),
                                   " does not broadcast to the scores ", x.shape())});
  const Tensor from = x.contiguous_copy_if_needed();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  for_floating(x.dtype(), "softmax", [&](auto zero) {
    using T = decltype(zero);
    const auto softmax_rows = kernels::loops<T>().softmax;
    const std::int64_t n = x.extent(-1);
    if (!mask.defined() || x.count() == 0) {
      over_rows(x, [&](std::int64_t rows, std::int64_t at, std::int64_t) {
        softmax_rows(rows, n, from.data<T>() + at, nullptr, 0, y.fresh_data<T>() + at);
      });
      return;
    }
    const StridedRows masks(mask.attends(), x.shape(), false);
    const auto* const attend = reinterpret_cast<const std::uint8_t*>(masks.tensor().bytes());
    over_rows(x, [&](std::int64_t piece, std::int64_t, std::int64_t first) {
      masks.for_each_run(first, first + piece,
                         [&](std::int64_t row, std::int64_t rows, std::int64_t offset, std::int64_t stride) {
                           softmax_rows(rows, n, from.data<T>() + row * n, attend + offset, stride,
                                        y.fresh_data<T>() + row * n);
                         });
    });
  });
  return y;
}

namespace {

// dx from y and dy by a kernel, whose dy is read where it lies.
template <class T, class Kernel>
void backward_rows(const Tensor& y, const Tensor& dy, Tensor& dx, Kernel kernel) {
  if (y.count() == 0) return;
  const Tensor output = y.contiguous_copy_if_needed();
  const StridedRows gradients(dy, y.shape(), true);
  const std::int64_t n = y.extent(-1);
  over_rows(y, [&](std::int64_t piece, std::int64_t, std::int64_t first) {
    gradients.for_each_run(first, first + piece,
                           [&](std::int64_t row, std::int64_t rows, std::int64_t offset, std::int64_t stride) {
                             kernel(rows, n, output.data<T>() + row * n,
                                    {gradients.tensor().data<T>() + offset, stride, gradients.column_stride()},
                                    dx.fresh_data<T>() + row * n);
                           });
  });
}

}  // namespace

Tensor softmax_backward(const Tensor& y, const Tensor& dy) {
  require_same_shape(y, dy, "softmax_backward");
  Tensor dx = Tensor::empty(y.shape(), y.dtype());
  for_floating(y.dtype(), "softmax", [&](auto zero) {
    using T = decltype(zero);
    backward_rows<T>(y, dy, dx, kernels::loops<T>().softmax_backward);
  });
  return dx;
}

Tensor log_softmax(const Tensor& x) {
  width_of(x, "log_softmax");
  const Tensor from = x.contiguous_copy_if_needed();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  for_floating(x.dtype(), "log_softmax", [&](auto zero) {
    using T = decltype(zero);
    over_rows(x, [&](std::int64_t rows, std::int64_t at, std::int64_t) {
      kernels::loops<T>().log_softmax(rows, x.extent(-1), from.data<T>() + at, y.fresh_data<T>() + at);
    });
  });
  return y;
}

Tensor log_softmax_backward(const Tensor& y, const Tensor& dy) {
  require_same_shape(y, dy, "log_softmax_backward");
  Tensor dx = Tensor::empty(y.shape(), y.dtype());
  for_floating(y.dtype(), "log_softmax", [&](auto zero) {
    using T = decltype(zero);
    backward_rows<T>(y, dy, dx, kernels::loops<T>().log_softmax_backward);
  });
  return dx;
}

Tensor logsumexp(const Tensor& x, int axis, bool keep_axis) {
  if (!is_floating(x.dtype())) throw_not_floating(x.dtype(), "logsumexp");
  if (x.extent(axis) == 0)
    throw ShapeError({.what = text("logsumexp: axis ", axis, " of ", x.shape(), " is empty")});
  const Tensor largest = max(x, axis, true);
  const Tensor origin = where(isfinite(largest), largest, 0.0);  // keeps exp in range, and infinities apart
  const Tensor y = origin + log(sum(exp(x - origin), axis, true));
  return keep_axis ? y : y.squeeze(axis);
}

namespace {

// The row's threshold: what exceeds it sums to 1. Only elements within 1 of the largest can; they come to
// `candidates`.
template <class T>
T sparsemax_threshold(std::int64_t n, const T* x, T largest, std::vector<T>& candidates) {
  candidates.clear();
  for (std::int64_t j = 0; j < n; ++j)
    if (x[j] > largest - 1) candidates.push_back(x[j]);
  std::sort(candidates.begin(), candidates.end(), std::greater<T>());
  double total = 0, threshold = 0;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    const double size = static_cast<double>(k + 1), next = static_cast<double>(candidates[k] - largest);
    if (!(1 + size * next > total + next)) break;
    total += next;
    threshold = (total - 1) / size;
  }
  return largest + static_cast<T>(threshold);
}

}  // namespace

Tensor sparsemax(const Tensor& x) {
  width_of(x, "sparsemax");
  const Tensor from = x.contiguous_copy_if_needed();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  for_floating(x.dtype(), "sparsemax", [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = x.extent(-1);
    over_rows(x, [&](std::int64_t rows, std::int64_t at, std::int64_t) {
      std::vector<T> candidates;
      for (std::int64_t row = 0; row < rows; ++row) {
        const T* const px = from.data<T>() + at + row * n;
        T* const py = y.fresh_data<T>() + at + row * n;
        const T largest = kernels::loops<T>().maximum(n, px, 1);
        if (!std::isfinite(largest)) {
          std::fill_n(py, n, largest < 0 ? T(0) : std::numeric_limits<T>::quiet_NaN());
          continue;
        }
        const T threshold = sparsemax_threshold(n, px, largest, candidates);
        for (std::int64_t j = 0; j < n; ++j) py[j] = std::max(px[j] - threshold, T(0));
      }
    });
  });
  return y;
}

namespace {

// Throws unless ids are classes of the scores, or ignored.
void require_classes(const Tensor& ids, const Tensor& scores, std::int32_t ignored, const char* operation) {
  const std::int64_t width = width_of(scores, operation);
  if (ids.dtype() != DType::i32)
    throw DTypeError({.what = text(operation, ": ids are ", ids.dtype()), .expected = "i32"});
  if (ids.shape() != scores.shape().without(-1))
    throw ShapeError(
        {.what = text(operation, ": scores are ", scores.shape(), ", ids are ", ids.shape()),
         .expected = text("ids.shape == scores.shape without its last axis, ", scores.shape().without(-1)),
         .operands = text("scores: ", scores.origin(), "    ids: ", ids.origin())});
  const Tensor target = ids.contiguous_copy_if_needed();
  const std::int32_t* const id = target.data<std::int32_t>();
  for (std::int64_t i = 0; i < ids.count(); ++i)
    if (id[i] != ignored && (id[i] < 0 || id[i] >= width))
      throw IndexError({.what = text(operation, ": id ", id[i], " at position ", i, " of ids ", ids.shape(),
                                     " is not a class"),
                        .expected = text("0 <= id < ", width, ", or ", ignored, " to be ignored")});
}

}  // namespace

CrossEntropy cross_entropy(const Tensor& scores, const Tensor& ids, std::int32_t ignored) {
  require_classes(ids, scores, ignored, "cross_entropy");
  const std::int64_t width = scores.extent(-1);
  const Tensor from = scores.contiguous_copy_if_needed(), target = ids.contiguous_copy_if_needed();
  const std::int32_t* const id = target.data<std::int32_t>();
  CrossEntropy result{Tensor::empty(ids.shape(), scores.dtype()),
                      Tensor::empty(scores.shape(), scores.dtype())};
  if (width == 0) result.loss.fill(0);  // without classes every id is ignored
  for_floating(scores.dtype(), "cross_entropy", [&](auto zero) {
    using T = decltype(zero);
    over_rows(scores, [&](std::int64_t rows, std::int64_t at, std::int64_t row) {
      kernels::loops<T>().cross_entropy(rows, width, from.data<T>() + at, id + row, ignored,
                                        result.loss.fresh_data<T>() + row,
                                        result.probabilities.fresh_data<T>() + at);
    });
  });
  return result;
}

Tensor cross_entropy_backward(const Tensor& probabilities, const Tensor& ids, std::int32_t ignored,
                              const Tensor& dloss) {
  if (probabilities.rank() == 0 || ids.shape() != probabilities.shape().without(-1))
    throw ShapeError({.what = text("cross_entropy_backward: probabilities are ", probabilities.shape(),
                                   ", ids are ", ids.shape()),
                      .expected = "ids.shape == probabilities.shape without its last axis"});
  const Tensor target = ids.contiguous_copy_if_needed();
  // One number for all rows, the gradient of a sum, is read where it lies.
  const bool one = dloss.count() == 1;
  const Tensor from = one ? dloss : dloss.expand(ids.shape()).contiguous_copy_if_needed();
  Tensor dx = Tensor::empty(probabilities.shape(), probabilities.dtype());
  for_floating(dx.dtype(), "cross_entropy", [&](auto zero) {
    using T = decltype(zero);
    over_rows(dx, [&](std::int64_t rows, std::int64_t at, std::int64_t row) {
      kernels::loops<T>().cross_entropy_backward(
          rows, dx.extent(-1), probabilities.data<T>() + at, target.data<std::int32_t>() + row, ignored,
          from.data<T>() + (one ? 0 : row), one ? 0 : 1, dx.fresh_data<T>() + at);
    });
  });
  return dx;
}

Tensor smoothed_targets(const Tensor& ids, const Tensor& scores, std::int32_t ignored, double smoothing,
                        const Tensor& class_weights, const char* operation) {
  require_classes(ids, scores, ignored, operation);
  const std::int64_t width = scores.extent(-1);
  const Tensor target = ids.contiguous_copy_if_needed();
  Tensor y = Tensor::zeros(scores.shape(), scores.dtype());
  if (y.count() == 0) return y;
  const double everywhere = smoothing / static_cast<double>(width);
  for_floating(y.dtype(), operation, [&](auto zero) {
    using T = decltype(zero);
    const Tensor weights =
        class_weights.defined() ? class_weights.contiguous_copy_if_needed() : Tensor::ones({width}, y.dtype());
    const T* const w = weights.data<T>();
    over_rows(y, [&](std::int64_t rows, std::int64_t at, std::int64_t first) {
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int32_t id = target.data<std::int32_t>()[first + row];
        if (id == ignored) continue;
        T* const to = y.fresh_data<T>() + at + row * width;
        if (smoothing != 0)
          for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(everywhere) * w[j];
        to[id] = static_cast<T>(1 - smoothing + everywhere) * w[id];
      }
    });
  });
  return y;
}

Tensor weights_of_ids(const Tensor& ids, std::int32_t ignored, const Tensor& class_weights, DType dtype) {
  return for_floating(dtype, "weights_of_ids", [&](auto zero) {
    using T = decltype(zero);
    const Tensor weights = class_weights.defined() ? class_weights.contiguous_copy_if_needed() : Tensor();
    const T* const w = weights.defined() ? weights.data<T>() : nullptr;
    return map<std::int32_t>(ids, [=](std::int32_t id) {
      return id == ignored ? T(0) : w == nullptr ? T(1) : w[id];
    });
  });
}

}  // namespace heed
