#include "core/attention.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/matmul.h"
#include "core/parallel.h"
#include "core/softmax.h"

namespace heed {
namespace {

// Products of one piece of work at least: some 80 microseconds, since a small model's heads, alone between
// operations of one thread, would take longer to share than to do.
constexpr std::int64_t kAttentionGrain = 1 << 20;

Shape scores_shape(const Tensor& q, const Tensor& k) { return q.shape().with(-1, k.extent(-2)); }

void require_mask_fits(const Mask& mask, const Shape& scores) {
  if (mask.defined() && !broadcasts_to(mask.attends().shape(), scores))
    throw ShapeError({.what = text("attention: the mask ", mask.attends().shape(),
                                   " does not broadcast to the scores ", scores)});
}

void require_operands_fit(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask) {
  const auto fit = [&] {
    return q.rank() >= 2 && k.rank() == q.rank() && v.rank() == q.rank() && k.extent(-1) == q.extent(-1) &&
           k.extent(-2) == v.extent(-2) && k.shape() == q.shape().with(-2, k.extent(-2)) &&
           v.shape() == k.shape().with(-1, v.extent(-1));
  };
  if (!fit())
    throw ShapeError({.what = text("attention: q is ", q.shape(), ", k is ", k.shape(), ", v is ", v.shape()),
                      .expected = "q [..., T, d], k [..., S, d] and v [..., S, e] with equal leading axes",
                      .operands = text("q: ", q.origin(), "    k: ", k.origin(), "    v: ", v.origin())});
  if (q.dtype() != k.dtype()) throw_dtypes_differ(q, k, "attention");
  if (q.dtype() != v.dtype()) throw_dtypes_differ(q, v, "attention");
  require_mask_fits(mask, scores_shape(q, k));
}

// The tensor itself when the elements of its last axis are adjacent, else a copy.
Tensor with_adjacent_rows(const Tensor& x) { return x.extent(-1) <= 1 || x.stride(-1) == 1 ? x : x.clone(); }

// As above for a mask that broadcasts: the last axis may also be one element for all, and what is expanded is
// not copied.
Tensor with_mask_rows(Tensor x) {
  for (int axis = 0; axis < x.rank(); ++axis)
    if (x.stride(axis) == 0 && x.extent(axis) > 1) x = x.slice(axis, 0, 1);
  return with_adjacent_rows(x);
}

// A tensor of that shape whose axes lie in memory in the order in which x's do.
Tensor empty_as_laid_out(const Tensor& x) {
  std::array<int, kMaxRank> order{}, inverse{};
  const auto axes = static_cast<std::size_t>(x.rank());
  for (std::size_t i = 0; i < axes; ++i) order[i] = static_cast<int>(i);
  const auto outer = [&](int a, int b) {
    return x.extent(a) > 1 && x.extent(b) > 1 && x.stride(a) > x.stride(b);
  };
  // Insertion: axes of extent 1 have no place of their own and stay where they are.
  for (std::size_t i = 1; i + 1 < axes; ++i)
    for (std::size_t j = i; j > 0 && outer(order[j], order[j - 1]); --j) std::swap(order[j], order[j - 1]);
  std::array<std::int64_t, kMaxRank> extents{};
  for (std::size_t i = 0; i < axes; ++i) {
    extents[i] = x.extent(order[i]);
    inverse[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  }
  return Tensor::empty(Shape(std::span(extents.data(), axes)), x.dtype())
      .permute(std::span(inverse.data(), axes));
}

// [..., H, T, e] laid out as [..., T, H, e].
Tensor empty_output(const Shape& shape, DType dtype) {
  if (shape.rank() < 4) return Tensor::empty(shape, dtype);
  return Tensor::empty(shape.with(-3, shape[-2]).with(-2, shape[-3]), dtype).transpose(-3, -2);
}

// Where the matrices (or rows) of a tensor start that has the leading axes of the heads, or broadcasts to them.
class Starts {
 public:
  Starts(const Tensor& x, const Shape& leading, int own_axes) {
    for (int axis = 0; axis < leading.rank(); ++axis) {
      if (leading[axis] == 1) continue;
      const int own = axis - (leading.rank() + own_axes - x.rank());
      const auto a = static_cast<std::size_t>(axes_++);
      extent_[a] = leading[axis];
      if (own >= 0 && x.extent(own) > 1) stride_[a] = x.stride(own);
    }
  }
  std::int64_t operator[](std::int64_t head) const {
    std::int64_t offset = 0;
    for (auto a = static_cast<std::size_t>(axes_); a-- > 1;) {
      offset += head % extent_[a] * stride_[a];
      head /= extent_[a];
    }
    return offset + head * stride_[0];
  }

 private:
  int axes_ = 0;  // without those of extent 1
  std::array<std::int64_t, kMaxRank> extent_{}, stride_{};
};

// How many heads ahead rows are asked for: they are far apart, so that the processor does not guess them.
constexpr std::int64_t kAhead = 2;

template <class T>
void prefetch_rows(const T* rows, const Tensor& x) {
  const std::int64_t count = std::min<std::int64_t>(x.extent(-2), 64), width = x.extent(-1),
                     stride = x.stride(-2);
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
  for (std::int64_t i = 0; i < width; i += kLine)
    for (std::int64_t r = 0; r < count; ++r) __builtin_prefetch(rows + r * stride + i);
}

// The operands of all heads, with their rows adjacent, and how to find one of them.
class Heads {
 public:
  Heads(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask, double scale)
      : leading_(q.shape().without(-1).without(-1)),
        q_(with_adjacent_rows(q)),
        k_(with_adjacent_rows(k)),
        v_(with_adjacent_rows(v)),
        attend_(mask.defined() ? with_mask_rows(at_least_a_matrix(mask.attends())) : Tensor()),
        scale_(scale),
        of_q_(q_, leading_, 2),
        of_k_(k_, leading_, 2),
        of_v_(v_, leading_, 2),
        of_mask_(attend_.defined() ? attend_ : q_, leading_, 2) {}

  const Shape& leading() const { return leading_; }

  template <class T>
  kernels::AttentionHead<T> head(std::int64_t i, T* scratch) const {
    const bool masked = attend_.defined();
    const auto stride = [](const Tensor& x, int axis) { return x.extent(axis) > 1 ? x.stride(axis) : 0; };
    return {.targets = q_.extent(-2),
            .sources = k_.extent(-2),
            .width = q_.extent(-1),
            .value_width = v_.extent(-1),
            .scale = scale_,
            .q = q_.data<T>() + of_q_[i],
            .k = k_.data<T>() + of_k_[i],
            .v = v_.data<T>() + of_v_[i],
            .q_stride = q_.stride(-2),
            .k_stride = k_.stride(-2),
            .v_stride = v_.stride(-2),
            .attend = masked ? reinterpret_cast<const std::uint8_t*>(attend_.bytes()) + of_mask_[i] : nullptr,
            .attend_row_stride = masked ? stride(attend_, -2) : 0,
            .attend_column_stride = masked ? stride(attend_, -1) : 0,
            .scratch = scratch};
  }

  template <class T>
  void prefetch(std::int64_t i) const {
    prefetch_rows(q_.data<T>() + of_q_[i], q_);
    prefetch_rows(k_.data<T>() + of_k_[i], k_);
    prefetch_rows(v_.data<T>() + of_v_[i], v_);
  }

  // body(first head, end, scratch) over pieces of the heads.
  template <class T, class Body>
  void for_each_piece(Body body) const {
    const std::int64_t targets = q_.extent(-2), sources = k_.extent(-2), d = q_.extent(-1), e = v_.extent(-1);
    const std::int64_t elements = kernels::loops<T>().attention_scratch(targets, sources, d, e);
    parallel_for(leading_.count(),
                 even_pieces(leading_.count(), kAttentionGrain / (targets * sources * (d + e))),
                 [&](std::int64_t begin, std::int64_t end) {
                   Tensor scratch = Tensor::empty({elements}, dtype_of<T>());
                   body(begin, end, scratch.fresh_data<T>());
                 });
  }

 private:
  static Tensor at_least_a_matrix(const Tensor& x) {
    return x.rank() >= 2 ? x : x.rank() == 1 ? x.unsqueeze(0) : x.unsqueeze(0).unsqueeze(0);
  }

  Shape leading_;
  Tensor q_, k_, v_, attend_;
  double scale_;
  Starts of_q_, of_k_, of_v_, of_mask_;
};

// Whether there is nothing to compute from: then y is 0, and so are all gradients.
bool nothing_to_attend(const Tensor& q, const Tensor& v) {
  return q.shape().without(-1).count() == 0 || v.count() == 0;
}

// Queries and keys without elements score 0, as those of one 0 do.
Tensor at_least_one_wide(const Tensor& x) {
  return x.extent(-1) > 0 ? x : Tensor::zeros(x.shape().with(-1, 1), x.dtype());
}

}  // namespace

AttentionForwardPass attention_forward(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                                       double scale) {
  require_operands_fit(q, k, v, mask);
  const Shape rows = q.shape().without(-1);
  AttentionForwardPass forward{empty_output(q.shape().with(-1, v.extent(-1)), q.dtype()),
                               Tensor::empty(rows, q.dtype())};
  for_floating(q.dtype(), "attention", [&](auto zero) {
    using T = decltype(zero);
    if (nothing_to_attend(q, v)) {
      forward.y = Tensor::zeros(forward.y.shape(), q.dtype());
      forward.log_sum = Tensor::full(rows, -std::numeric_limits<double>::infinity(), q.dtype());
      return;
    }
    const Heads heads(at_least_one_wide(q), at_least_one_wide(k), v, mask, scale);
    const Starts of_y(forward.y, heads.leading(), 2);
    heads.for_each_piece<T>([&](std::int64_t begin, std::int64_t end, T* scratch) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (const std::int64_t next = i + kAhead; next < heads.leading().count()) {
          heads.prefetch<T>(next);
          prefetch_rows(forward.y.data<T>() + of_y[next], forward.y);
        }
        kernels::loops<T>().attention({.head = heads.head<T>(i, scratch),
                                       .y = forward.y.fresh_data<T>() + of_y[i],
                                       .y_stride = forward.y.stride(-2),
                                       .log_sum = forward.log_sum.fresh_data<T>() + i * rows[-1]});
      }
    });
  });
  return forward;
}

AttentionGradients attention_backward(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                                      double scale, const AttentionForwardPass& forward, const Tensor& dy) {
  require_operands_fit(q, k, v, mask);
  const Tensor& y = forward.y;
  if (dy.shape() != y.shape() || y.shape() != q.shape().with(-1, v.extent(-1)))
    throw ShapeError({.what = text("attention_backward: y is ", y.shape(), ", dy is ", dy.shape()),
                      .expected = text("both ", q.shape().with(-1, v.extent(-1)))});
  if (nothing_to_attend(q, v) || q.extent(-1) == 0) {
    const auto zeros = [](const Tensor& x) { return Tensor::zeros(x.shape(), x.dtype()); };
    if (nothing_to_attend(q, v)) return {zeros(q), zeros(k), zeros(v)};
    const Tensor zero_q = at_least_one_wide(q), zero_k = at_least_one_wide(k);
    return {zeros(q), zeros(k), attention_backward(zero_q, zero_k, v, mask, scale, forward, dy).dv};
  }
  AttentionGradients d{empty_as_laid_out(q), empty_as_laid_out(k), empty_as_laid_out(v)};
  const Tensor from = with_adjacent_rows(dy);
  for_floating(q.dtype(), "attention", [&](auto zero) {
    using T = decltype(zero);
    const Heads heads(q, k, v, mask, scale);
    const Starts of_y(y, heads.leading(), 2), of_dy(from, heads.leading(), 2);
    const Starts of_dq(d.dq, heads.leading(), 2), of_dk(d.dk, heads.leading(), 2),
        of_dv(d.dv, heads.leading(), 2);
    heads.for_each_piece<T>([&](std::int64_t begin, std::int64_t end, T* scratch) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (const std::int64_t next = i + kAhead; next < heads.leading().count()) {
          heads.prefetch<T>(next);
          prefetch_rows(from.data<T>() + of_dy[next], from);
          prefetch_rows(y.data<T>() + of_y[next], y);
          prefetch_rows(d.dq.data<T>() + of_dq[next], d.dq);
          prefetch_rows(d.dk.data<T>() + of_dk[next], d.dk);
          prefetch_rows(d.dv.data<T>() + of_dv[next], d.dv);
        }
        kernels::loops<T>().attention_backward({.head = heads.head<T>(i, scratch),
                                                .y = y.data<T>() + of_y[i],
                                                .dy = from.data<T>() + of_dy[i],
                                                .y_stride = y.stride(-2),
                                                .dy_stride = from.stride(-2),
                                                .log_sum = forward.log_sum.data<T>() + i * q.extent(-2),
                                                .dq = d.dq.fresh_data<T>() + of_dq[i],
                                                .dk = d.dk.fresh_data<T>() + of_dk[i],
                                                .dv = d.dv.fresh_data<T>() + of_dv[i],
                                                .dq_stride = d.dq.stride(-2),
                                                .dk_stride = d.dk.stride(-2),
                                                .dv_stride = d.dv.stride(-2)});
      }
    });
  });
  return d;
}

Tensor attention_weights(const Tensor& q, const Tensor& k, const Mask& mask, double scale) {
  require_operands_fit(q, k, k, mask);
  Tensor scores = matmul_transposed(q, k);  // [..., T, S]
  heed::scale(scores, scale);
  return softmax(scores, mask);
}

}  // namespace heed
