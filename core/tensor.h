// Strided arrays of numbers: the values that everything else computes with.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/dtype.h"
#include "core/indices.h"
#include "core/random.h"
#include "core/shape.h"
#include "core/storage.h"

namespace heed {

/// Distance between neighbours along each axis, in elements; 0 on an expanded axis, negative on a flipped one.
using Strides = std::array<std::int64_t, kMaxRank>;

/// Strides of a contiguous tensor of that shape.
inline Strides contiguous_strides(const Shape& shape) {
  Strides strides{};
  std::int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= shape.begin()[axis];
  }
  return strides;
}

/// A cheap handle on storage, a shape and strides. Copies share the elements; so do views (`transpose`,
/// `slice`, `reshape` of a contiguous tensor, …). A default-constructed tensor is undefined and has no
/// elements.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  // Not to a result: `x[0] = y` would change nothing; x[0].copy_from(y) does.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;

  // ---- making
  // ------------------------------------------------------------------------------------------------------
  /// Elements with no particular value.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return full(shape, 0, dtype); }
  static Tensor ones(const Shape& shape, DType dtype = DType::f32) { return full(shape, 1, dtype); }
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor scalar(double value, DType dtype = DType::f32) { return full({}, value, dtype); }
  /// 0, 1, … n-1 in shape [n].
  static Tensor arange(std::int64_t n, DType dtype = DType::f32);
  /// The values in row-major order. Throws ShapeError unless there are shape.count() of them.
  static Tensor of(std::span<const double> values, const Shape& shape, DType dtype = DType::f32);
  static Tensor of(std::initializer_list<double> values, const Shape& shape, DType dtype = DType::f32);
  static Tensor of(std::span<const std::int32_t> values, const Shape& shape);
  /// Nested rows: `Tensor::matrix({{1, 0}, {0, 1}})` has shape [2, 2]. Throws ShapeError when rows differ in
  /// length.
  static Tensor matrix(std::initializer_list<std::initializer_list<double>> rows, DType dtype = DType::f32);
  /// Independent draws: uniform in [low, high), or normal with that mean and standard deviation.
  static Tensor uniform(const Shape& shape, double low, double high, Rng& rng, DType dtype = DType::f32);
  static Tensor normal(const Shape& shape, double mean, double deviation, Rng& rng, DType dtype = DType::f32);

  // ---- asking
  // ------------------------------------------------------------------------------------------------------
  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  /// Extent of an axis; negative axes count from the end.
  std::int64_t extent(int axis) const { return shape_[axis]; }
  std::int64_t count() const { return shape_.count(); }
  DType dtype() const { return dtype_; }
  const Strides& strides() const { return strides_; }
  std::int64_t stride(int axis) const { return strides_[static_cast<std::size_t>(shape_.resolve(axis))]; }
  /// Whether the elements lie one after the other in row-major order.
  bool contiguous() const {
    std::int64_t step = 1;
    for (int axis = rank() - 1; axis >= 0; --axis) {
      const std::int64_t n = shape_.begin()[axis];
      if (n != 1 && strides_[static_cast<std::size_t>(axis)] != step) return count() == 0;
      step *= n;
    }
    return true;
  }
  /// Where the values come from, for messages: `parameter "out.weight"`, `output of concat`.
  std::string origin() const { return defined() ? storage_->origin() : "an undefined tensor"; }
  Storage& storage() const { return *storage_; }

  // ---- elements
  // ----------------------------------------------------------------------------------------------------
  /// The first element; the others by strides. Throws DTypeError unless T is the element type.
  template <class T>
  const T* data() const {
    require_dtype(dtype_of<T>());
    return reinterpret_cast<const T*>(data_);
  }
  /// The same for writing: counts as a change in place of every tensor and Var that shares the elements.
  template <class T>
  T* mutable_data(SourceLocation at = {}) {
    require_dtype(dtype_of<T>());
    storage_->mark_changed(at);
    return reinterpret_cast<T*>(data_);
  }
  /// For filling a tensor that nobody else has seen yet; does not count as a change.
  template <class T>
  T* fresh_data() {
    return reinterpret_cast<T*>(data_);
  }
  /// Lets go of the elements; shape and type stay.
  void forget_elements() {
    storage_ = Handle<Storage>();
    data_ = nullptr;
  }
  const std::byte* bytes() const {
    require_dtype(dtype_);
    return data_;
  }
  std::byte* fresh_bytes() { return data_; }

  /// The one element of a tensor that has one, as a double. Throws ShapeError otherwise.
  double item() const;
  /// One element as a double. Throws IndexError outside the extents, ShapeError when the number of positions
  /// differs.
  double at(std::initializer_list<std::int64_t> position) const;
  /// Changes one element in place.
  void set(std::initializer_list<std::int64_t> position, double value, SourceLocation at = {});
  /// All elements in row-major order.
  std::vector<double> to_vector() const;

  // ---- views: no element is copied
  // -----------------------------------------------------------------------------------
  Tensor transpose(int axis_a = -2, int axis_b = -1) const;
  /// Axes in a new order. Throws ShapeError unless `order` names each once.
  Tensor permute(std::span<const int> order) const;
  /// Another shape with the same elements in row-major order; one extent may be -1. Copies only when the
  /// strides do not allow a view. Throws ShapeError when the counts differ.
  Tensor reshape(std::span<const std::int64_t> extents) const;
  Tensor reshape(std::initializer_list<std::int64_t> extents) const {
    return reshape(std::span(extents.begin(), extents.size()));
  }
  Tensor reshape(const Shape& shape) const { return reshape(std::span(shape.begin(), shape.end())); }
  /// Positions begin, begin + step, … before end of an axis; negative begin and end count from the end.
  /// Throws IndexError unless 0 <= begin <= end <= extent and step > 0.
  Tensor slice(int axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1) const;
  /// One position of an axis, which disappears. Throws IndexError outside it.
  Tensor select(int axis, std::int64_t position) const;
  /// The part that the indices name: a position takes an axis away, a slice a part of it, `newaxis` puts one of
  /// extent 1 in, `ellipsis` stands for all axes that are not spoken of. `x[0]`, `x[{ellipsis, slice(1, 4),
  /// 0}]`, `x[{slice({}, {}, -1), newaxis}]`. Changes in place reach this tensor: `x[{0,
  /// all()}].copy_from(row)`. Throws IndexError for a position or a slice outside its axis (a slice is not cut
  /// to fit), for more positions and slices than axes, and for a second ellipsis.
  Tensor operator[](const Indices& where) const;
  /// An axis backwards.
  Tensor flip(int axis) const;
  /// Elements [..., i, ..., i + offset, ...] of two axes, which disappear: the last axis of the result.
  /// Throws ShapeError when the two are one, IndexError when the diagonal lies outside the matrix.
  Tensor diagonal(std::int64_t offset = 0, int axis_a = -2, int axis_b = -1) const;
  /// Axes of extent 1 (and new leading ones) repeated to the extents of `shape`. Throws ShapeError.
  Tensor expand(const Shape& shape) const;
  /// An axis of extent 1 inserted before `axis`, or such an axis removed.
  Tensor unsqueeze(int axis) const;
  Tensor squeeze(int axis) const;
  /// Leading axes folded into one: [..., n] -> [rows, n].
  Tensor as_rows() const;

  // ---- copies
  // --------------------------------------------------------------------------------------------------------
  /// This tensor if it is contiguous, else a copy that is.
  Tensor contiguous_copy_if_needed() const;
  /// A contiguous copy of its own.
  Tensor clone() const;
  /// Converted; this tensor itself when it has that type. To i32: towards zero, what is outside its range to
  /// the nearest end, NaN to 0.
  Tensor to(DType dtype) const;

  // ---- changes in place: seen by every tensor that shares the elements
  // -------------------------------------------------
  /// Element-wise from a tensor that broadcasts to this shape; converts. The two may share elements. Throws
  /// ShapeError, also when this tensor is expanded, so that one element stands at several positions.
  void copy_from(const Tensor& given, SourceLocation at = {});
  void fill(double value, SourceLocation at = {});

 private:
  Tensor(Handle<Storage> storage, const Shape& shape, DType dtype)
      : storage_(std::move(storage)),
        data_(storage_->data()),
        shape_(shape),
        strides_(contiguous_strides(shape)),
        dtype_(dtype) {}
  Tensor(const Tensor& viewed, const Shape& shape, const Strides& strides, std::int64_t offset)
      : storage_(viewed.storage_),
        data_(viewed.data_ + offset * static_cast<std::int64_t>(size_of(viewed.dtype_))),
        shape_(shape),
        strides_(strides),
        dtype_(viewed.dtype_) {}

  void require_dtype(DType asked) const {
    if (asked != dtype_ || !defined()) throw_dtype(asked);
  }
  [[noreturn]] void throw_dtype(DType asked) const;
  std::int64_t offset_of(std::span<const std::int64_t> position) const;
  Tensor view(const Shape& shape, const Strides& strides, std::int64_t offset) const {
    return Tensor(*this, shape, strides, offset);
  }

  Handle<Storage> storage_;
  std::byte* data_ = nullptr;
  Shape shape_;
  Strides strides_{};
  DType dtype_ = DType::f32;
};

/// 0 with the given probability, else 1 / (1 - probability), independently: the factors of dropout. Element i
/// depends on the generator's state and on i only. Throws ConfigError unless 0 <= probability < 1.
Tensor dropout_factors(const Shape& shape, double probability, Rng& rng, DType dtype);

/// Tensors by name, in order: the state of a model or an optimiser.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The common shape of two operands (NumPy's rule). Throws ShapeError in the name of `operation` when there is
/// none.
Shape broadcast(const Tensor& a, const Tensor& b, const char* operation);

/// Throws ShapeError in the name of `operation` when y is expanded: a change in place would meet an element
/// twice.
void require_own_elements(const Tensor& y, const char* operation);

/// Whether x shares elements with y but not position by position, so that changing y in place would change what
/// is still to be read of x.
bool overlaps(const Tensor& y, const Tensor& x);

/// Calls `body(T{})` with float or double. Throws DTypeError in the name of `operation` for other types.
template <class F>
decltype(auto) for_floating(DType dtype, const char* operation, F&& body);

[[noreturn]] void throw_not_floating(DType dtype, const char* operation);
[[noreturn]] void throw_dtypes_differ(const Tensor& a, const Tensor& b, const char* operation);

template <class F>
decltype(auto) for_floating(DType dtype, const char* operation, F&& body) {
  if (dtype == DType::f32) return body(float{});
  if (dtype == DType::f64) return body(double{});
  throw_not_floating(dtype, operation);
}

/// Calls `body(T{})` with float, double, int32_t or bool.
template <class F>
decltype(auto) for_any(DType dtype, F&& body) {
  switch (dtype) {
    case DType::f32:
      return body(float{});
    case DType::f64:
      return body(double{});
    case DType::i32:
      return body(std::int32_t{});
    default:
      return body(bool{});
  }
}

}  // namespace heed
