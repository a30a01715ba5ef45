#include "core/indices.h"

#include <array>

#include "core/error.h"
#include "core/tensor.h"

namespace heed {

void append(std::string& out, const Slice& slice) {
  const auto bound = [](std::optional<std::int64_t> at) { return at ? text(*at) : std::string("{}"); };
  append(out, text("slice(", bound(slice.begin), ", ", bound(slice.end)));
  if (slice.step != 1) append(out, text(", ", slice.step));
  out.push_back(')');
}

namespace {

// The positions of an axis that a slice takes.
struct Taken {
  std::int64_t first, count;
};

Taken taken(const Slice& slice, const Tensor& x, int axis) {
  const std::int64_t n = x.extent(axis), step = slice.step;
  const auto from_start = [n](std::int64_t position) { return position < 0 ? position + n : position; };
  const bool forwards = step > 0;
  const std::int64_t begin = slice.begin ? from_start(*slice.begin) : forwards ? 0 : n - 1;
  const std::int64_t end = slice.end ? from_start(*slice.end) : forwards ? n : -1;
  const bool within =
      forwards ? 0 <= begin && begin <= end && end <= n
               : (!slice.begin || begin >= 0) && (!slice.end || end >= 0) && end <= begin && begin <= n - 1;
  if (!within || step == 0)
    throw IndexError({.what = text("index: ", slice, " is not within axis ", axis, " of ", x.shape()),
                      .expected = step == 0  ? "a step other than 0"
                                  : forwards ? text("0 <= begin <= end <= ", n)
                                             : text(n, " > begin >= end >= 0"),
                      .operands = x.origin()});
  // Rounded up without a sum that might overflow.
  const std::int64_t more = forwards ? end - 1 - begin : end + 1 - begin;
  return {begin, begin == end ? 0 : more / step + 1};
}

// The number of axes that the parts speak of. Throws unless there are so many, and one ellipsis at most.
int axes_spoken_of(std::span<const Index> parts, const Tensor& x) {
  int axes = 0, ellipses = 0;
  for (const Index& part : parts) {
    axes += std::holds_alternative<std::int64_t>(part.what()) || std::holds_alternative<Slice>(part.what());
    ellipses += std::holds_alternative<Ellipsis>(part.what());
  }
  if (axes > x.rank())
    throw IndexError({.what = text("index: ", axes, " axes are indexed of a tensor of shape ", x.shape()),
                      .expected = text("at most ", x.rank()),
                      .operands = x.origin()});
  if (ellipses > 1)
    throw IndexError(
        {.what = text("index: ", ellipses, " times an ellipsis, for a tensor of shape ", x.shape()),
         .expected = "at most one"});
  return axes;
}

// A view as it grows, axis by axis.
class View {
 public:
  View(const Tensor& x, std::size_t parts) : x_(x) {
    if (parts > kMostParts)
      throw IndexError({.what = text("index: ", parts, " are too many for a tensor of shape ", x.shape()),
                        .expected = text("at most ", kMostParts)});
  }

  void position(std::int64_t position) {
    const std::int64_t n = x_.extent(axis_), index = position < 0 ? position + n : position;
    if (index < 0 || index >= n)
      throw IndexError(
          {.what = text("index: position ", position, " is outside axis ", axis_, " of ", x_.shape()),
           .expected = text("-", n, " <= position < ", n),
           .operands = x_.origin()});
    offset_ += index * x_.stride(axis_++);
  }
  void slice(const Slice& slice) {
    const auto [first, count] = taken(slice, x_, axis_);
    if (count > 0) offset_ += first * x_.stride(axis_);
    add(count, count > 1 ? x_.stride(axis_) * slice.step : x_.stride(axis_));
    ++axis_;
  }
  void new_axis() { add(1, 1); }
  void whole(int axes) {
    for (int i = 0; i < axes; ++i, ++axis_) add(x_.extent(axis_), x_.stride(axis_));
  }

  Shape shape() const { return Shape(std::span(extents_.data(), rank_)); }
  /// Valid when shape() is.
  Strides strides() const {
    Strides strides{};
    for (std::size_t i = 0; i < rank_; ++i) strides[i] = strides_[i];
    return strides;
  }
  std::int64_t offset() const { return offset_; }
  int axes_left() const { return x_.rank() - axis_; }

 private:
  void add(std::int64_t extent, std::int64_t stride) {
    extents_[rank_] = extent;
    strides_[rank_++] = stride;
  }

  static constexpr std::size_t kMostParts = 2 * kMaxRank;
  const Tensor& x_;
  int axis_ = 0;
  std::size_t rank_ = 0;
  std::array<std::int64_t, kMostParts + kMaxRank> extents_{}, strides_{};
  std::int64_t offset_ = 0;
};

}  // namespace

Tensor Tensor::operator[](const Indices& where) const {
  const int others = rank() - axes_spoken_of(where.parts(), *this);
  View part(*this, where.parts().size());
  for (const Index& index : where.parts()) {
    if (const auto* const position = std::get_if<std::int64_t>(&index.what()))
      part.position(*position);
    else if (const auto* const slice = std::get_if<Slice>(&index.what()))
      part.slice(*slice);
    else if (std::holds_alternative<NewAxis>(index.what()))
      part.new_axis();
    else
      part.whole(others);
  }
  part.whole(part.axes_left());
  const Shape shape = part.shape();
  return view(shape, part.strides(), part.offset());
}

}  // namespace heed
