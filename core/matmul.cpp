#include "core/matmul.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"

namespace heed {
namespace {

using kernels::MatrixView;
using kernels::Start;

// Multiplications that one thread should have at least before another is worth waking.
constexpr std::int64_t kProductGrain = 1 << 20;

// Which factors of a product enter it transposed.
struct Transposed {
  bool a = false, b = false;
};

void require_product(const Tensor& a, const Tensor& b, const char* operation, Transposed transposed = {}) {
  if (a.dtype() != b.dtype()) throw_dtypes_differ(a, b, operation);
  const int inner_a = transposed.a ? -2 : -1, inner_b = transposed.b ? -1 : -2;
  const bool matrices = a.rank() >= 2 && b.rank() >= 2;
  if (matrices && a.extent(inner_a) == b.extent(inner_b)) [[likely]]
    return;
  throw ShapeError({.what = text(operation, matrices ? ": inner extents differ" : ": operands must be matrices",
                                 ": a is ", a.shape(), ", b is ", b.shape()),
                    .expected = matrices ? text("a.shape[", inner_a, "] == b.shape[", inner_b, "], got ",
                                                a.extent(inner_a), " and ", b.extent(inner_b))
                                         : text("rank >= 2, got ", a.rank(), " and ", b.rank()),
                    .operands = text("a: ", a.origin(), "    b: ", b.origin())});
}

// One product y = start + a b.
template <class T>
struct Product {
  std::int64_t m, n, k;
  MatrixView<const T> a, b;
  MatrixView<T> y;
  Start<T> start;

  void run() const {
    if (m * n * k < kProductGrain)
      in_one_piece();
    else
      in_pieces();
  }

 private:
  // Extents of a piece: a multiple of every micro-kernel's height and width.
  static constexpr std::int64_t kUnit = 96;
  static std::int64_t whole_units(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

  MatrixView<const T> rows_of_a(std::int64_t begin) const {
    return {a.data + begin * a.row_stride, a.row_stride, a.column_stride};
  }

  // Puts a row that y starts from into every row of y: the kernels add to y itself.
  void spread_start() const {
    if (start.data != nullptr && start.stride == 0)
      for (std::int64_t r = 0; r < m; ++r) std::copy_n(start.data, n, y.data + r * y.row_stride);
  }

  void in_one_piece() const {
    spread_start();
    kernels::loops<T>().gemm(m, n, k, a, b, y, start.data != nullptr);
  }

  // How the sums are cut depends on the extents only.
  [[gnu::noinline]] void in_pieces() const {
    const std::int64_t longer = std::max(m, n);
    if (longer < 2 * kUnit && !many_terms()) return in_one_piece();
    if (m >= n && n > 1 && !many_terms()) return by_rows();
    spread_start();
    const bool accumulate = start.data != nullptr;
    if (many_terms())
      by_terms(accumulate);
    else if (m >= n)
      by_elements(accumulate);
    else
      by_columns(accumulate);
  }

  // Whether a small y is the sum of so many terms that the work lies along k.
  bool many_terms() const {
    const std::int64_t longer = std::max(m, n);
    return longer <= 512 && std::min(m, n) > 1 && k >= std::max<std::int64_t>(2048, 4 * longer);
  }

  // b is packed once for all pieces, some terms at a time: what is packed stays in a near cache.
  void by_rows() const {
    constexpr std::int64_t kTerms = 384;
    const auto& loops = kernels::loops<T>();
    const std::int64_t parts = (k + kTerms - 1) / kTerms, terms = whole_units((k + parts - 1) / parts, 16);
    Tensor packed = Tensor::empty({loops.gemm_packed_size(std::min(k, terms), n)}, dtype_of<T>());
    for (std::int64_t k0 = 0; k0 < k; k0 += terms) {
      const std::int64_t part = std::min(terms, k - k0);
      loops.gemm_pack(part, n, {b.data + k0 * b.row_stride, b.row_stride, b.column_stride},
                      packed.fresh_data<T>());
      const Start<T> from = k0 == 0 ? start : Start<T>{y.data, y.row_stride};
      parallel_for(m, whole_units((m + 7) / 8, kUnit), [&](std::int64_t begin, std::int64_t end) {
        const MatrixView<const T> rows{a.data + begin * a.row_stride + k0 * a.column_stride, a.row_stride,
                                       a.column_stride};
        loops.gemm_packed(end - begin, n, part, rows, packed.data<T>(),
                          {y.data + begin * y.row_stride, y.row_stride, 1},
                          {from.data == nullptr ? nullptr : from.data + begin * from.stride, from.stride});
      });
    }
  }

  // The rows of a y that is one column.
  void by_elements(bool accumulate) const {
    parallel_for(m, whole_units((m + 7) / 8, kUnit), [&](std::int64_t begin, std::int64_t end) {
      kernels::loops<T>().gemm(end - begin, n, k, rows_of_a(begin), b,
                               {y.data + begin * y.row_stride, y.row_stride, 1}, accumulate);
    });
  }

  // A column comes out alike whatever others its piece has: one thread takes them in one piece, which reads a
  // but once.
  void by_columns(bool accumulate) const {
    const std::int64_t piece = threads() == 1 ? n : whole_units((n + 3) / 4, kUnit);
    parallel_for(n, piece, [&](std::int64_t begin, std::int64_t end) {
      kernels::loops<T>().gemm(m, end - begin, k, a,
                               {b.data + begin * b.column_stride, b.row_stride, b.column_stride},
                               {y.data + begin, y.row_stride, 1}, accumulate);
    });
  }

  // The sums of pieces of k are added up in order: nothing is packed twice, and several threads share the work.
  void by_terms(bool accumulate) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t piece = whole_units((k + 3) / 4, 16);
    Tensor parts = Tensor::empty({(k + piece - 1) / piece - 1, m, n}, dtype_of<T>());
    T* const part = parts.fresh_data<T>();
    parallel_for(k, piece, [&](std::int64_t begin, std::int64_t end) {
      const MatrixView<T> to = begin == 0 ? y : MatrixView<T>{part + (begin / piece - 1) * m * n, n, 1};
      loops.gemm(m, n, end - begin, {a.data + begin * a.column_stride, a.row_stride, a.column_stride},
                 {b.data + begin * b.row_stride, b.row_stride, b.column_stride}, to, begin == 0 && accumulate);
    });
    for (std::int64_t i = 0; i < parts.extent(0); ++i)
      for (std::int64_t r = 0; r < m; ++r)
        loops.axpy(n, T(1), part + (i * m + r) * n, 1, y.data + r * y.row_stride, 1);
  }
};

template <class T>
MatrixView<const T> matrix_of(const Tensor& x) {
  return {x.data<T>(), x.stride(-2), x.stride(-1)};
}

// Of a tensor of rank 2.
template <class T>
MatrixView<const T> matrix_of(const Tensor& x, bool transposed) {
  return {x.data<T>(), x.strides()[transposed], x.strides()[!transposed]};
}

// The row stride of the one tall matrix that the leading axes of x and its rows make; none when they are not
// evenly spaced. Axes of extent 1 have no say: the stride of such an axis is arbitrary.
std::optional<std::int64_t> folded_row_stride(const Tensor& x) {
  std::int64_t stride = x.stride(-2), rows = x.extent(-2);
  for (int axis = x.rank() - 3; axis >= 0; --axis) {
    if (x.extent(axis) == 1) continue;
    if (rows == 1) stride = x.stride(axis);
    if (x.stride(axis) != rows * stride) return std::nullopt;
    rows *= x.extent(axis);
  }
  return stride;
}

// The element offset of matrix `index` of a batch of shape `batch`, in a tensor that broadcasts to it.
std::int64_t batch_offset(const Tensor& x, const Shape& batch, std::int64_t index) {
  std::int64_t offset = 0;
  for (int axis = -1; axis >= -batch.rank(); --axis) {
    const std::int64_t position = index % batch[axis];
    index /= batch[axis];
    if (-axis <= x.rank() - 2 && x.extent(axis - 2) != 1) offset += position * x.stride(axis - 2);
  }
  return offset;
}

Shape batch_of(const Tensor& x) {
  return Shape(std::span(x.shape().begin(), static_cast<std::size_t>(x.rank() - 2)));
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, Tensor& y, const Shape& batch) {
  const std::int64_t m = a.extent(-2), k = a.extent(-1), n = b.extent(-1);
  T* const py = y.fresh_data<T>();
  if (const auto row_stride = folded_row_stride(a); row_stride && batch_of(b).count() == 1) {
    Product<T>{batch.count() * m, n,          k, {a.data<T>(), *row_stride, a.stride(-1)},
               matrix_of<T>(b),   {py, n, 1}, {}}
        .run();
    return;
  }
  const std::int64_t matrices = batch.count();
  if (matrices == 1) {
    Product<T>{m, n, k, matrix_of<T>(a), matrix_of<T>(b), {py, n, 1}, {}}.run();
    return;
  }
  const MatrixView<const T> va = matrix_of<T>(a), vb = matrix_of<T>(b);
  const auto gemm = kernels::loops<T>().gemm;
  const std::int64_t least = kProductGrain / std::max<std::int64_t>(1, m * n * k);
  parallel_for(matrices, even_pieces(matrices, least), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      gemm(m, n, k, {va.data + batch_offset(a, batch, i), va.row_stride, va.column_stride},
           {vb.data + batch_offset(b, batch, i), vb.row_stride, vb.column_stride}, {py + i * m * n, n, 1},
           false);
  });
}

// y = start + a b, all of rank 2, of a y with adjacent columns.
template <class T>
void multiply_matrices(const Tensor& a, const Tensor& b, Transposed transposed, Tensor& y, Start<T> start) {
  const std::int64_t *const of_a = a.shape().begin(), *const of_b = b.shape().begin();
  Product<T>{of_a[transposed.a],
             of_b[!transposed.b],
             of_a[!transposed.a],
             matrix_of<T>(a, transposed.a),
             matrix_of<T>(b, transposed.b),
             {y.fresh_data<T>(), y.strides()[0], 1},
             start}
      .run();
}

Tensor batched_product(const Tensor& a, const Tensor& b, const Shape& batch, const char* operation) {
  Tensor y = Tensor::empty(batch.inserted(batch.rank(), a.extent(-2)).inserted(batch.rank() + 1, b.extent(-1)),
                           a.dtype());
  if (y.count() == 0) return y;
  for_floating(a.dtype(), operation, [&](auto zero) { multiply<decltype(zero)>(a, b, y, batch); });
  return y;
}

Tensor product(const Tensor& a, const Tensor& b, const char* operation, Transposed transposed = {}) {
  require_product(a, b, operation, transposed);
  if (a.rank() != 2 || b.rank() != 2) {
    const auto batch = common_shape(batch_of(a), batch_of(b));
    if (!batch)
      throw ShapeError(
          {.what = text(operation, ": leading axes do not broadcast: a is ", a.shape(), ", b is ", b.shape()),
           .operands = text("a: ", a.origin(), "    b: ", b.origin())});
    return batched_product(transposed.a ? a.transpose() : a, transposed.b ? b.transpose() : b, *batch,
                           operation);
  }
  Tensor y = Tensor::empty({a.extent(transposed.a), b.extent(!transposed.b)}, a.dtype());
  if (y.count() == 0) return y;
  for_floating(a.dtype(), operation,
               [&](auto zero) { multiply_matrices<decltype(zero)>(a, b, transposed, y, {}); });
  return y;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) { return product(a, b, "matmul"); }
Tensor matmul_transposed(const Tensor& a, const Tensor& b) {
  return product(a, b, "matmul_transposed", {.b = true});
}
Tensor transposed_matmul(const Tensor& a, const Tensor& b) {
  return product(a, b, "transposed_matmul", {.a = true});
}

void add_matmul(Tensor& y, const Tensor& a, const Tensor& b, SourceLocation at) {
  require_product(a, b, "add_matmul");
  if (y.shape() != Shape{a.extent(-2), b.extent(-1)} || a.rank() != 2 || b.rank() != 2 || y.stride(-1) != 1)
    throw ShapeError({.what = text("add_matmul: y is ", y.shape(), ", a is ", a.shape(), ", b is ", b.shape()),
                      .expected = "y [m, n] with adjacent columns, a [m, k], b [k, n]"});
  if (y.count() == 0) return;
  for_floating(y.dtype(), "add_matmul", [&](auto zero) {
    using T = decltype(zero);
    multiply_matrices<T>(a, b, {}, y, {y.mutable_data<T>(at), y.stride(0)});
  });
}

Tensor affine(const Tensor& x, const Tensor& w, const Tensor& bias) {
  require_product(x, w, "affine");
  if (x.rank() != 2 || w.rank() != 2 || bias.shape() != Shape{w.extent(1)} || bias.dtype() != x.dtype())
    throw ShapeError({.what = text("affine: x is ", x.shape(), ", w is ", w.shape(), ", the bias is ",
                                   bias.dtype(), " ", bias.shape()),
                      .expected = "x [m, k], w [k, n], a bias [n] of their type",
                      .operands = text("w: ", w.origin(), "    bias: ", bias.origin())});
  Tensor y = Tensor::empty({x.extent(0), w.extent(1)}, x.dtype());
  if (y.count() == 0) return y;
  const Tensor row = bias.contiguous_copy_if_needed();
  for_floating(x.dtype(), "affine", [&](auto zero) {
    multiply_matrices<decltype(zero)>(x, w, {}, y, {row.data<decltype(zero)>(), 0});
  });
  return y;
}

}  // namespace heed
