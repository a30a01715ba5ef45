// What the recurrent cells share over whole sequences: checks, pieces of the batch, the way through time and
// back, and the products of a step. lstm.cpp, gru.cpp and rnn.cpp add what happens between the products.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/elementwise.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"
#include "core/tensor.h"

namespace heed {

/// Each sequence of x [B, T, ...] from its last real step to its first; padding stays where it is. Throws
/// ShapeError unless x has both axes and lengths are i32 [B] or undefined, IndexError for a length outside
/// [0, T].
Tensor reverse_sequences(const Tensor& x, const Tensor& lengths);

namespace recurrent {

/// The operands that every cell has. Wx and Wh have the same columns, `hidden` for each gate.
struct Operands {
  Tensor x;        ///< [B, T, D]
  Tensor h0;       ///< [B, H]; undefined for zeros
  Tensor wx;       ///< [D, gates H]
  Tensor wh;       ///< [H, gates H]
  Tensor bias;     ///< [gates H]
  Tensor lengths;  ///< [B] (i32) or undefined
  /// [B, H] or undefined: in every step what is multiplied by Wh is h times these, dropout with one mask for
  /// all steps (Gal and Ghahramani 2016).
  Tensor h_factors;
};

struct Extents {
  std::int64_t batch, time, input, hidden;
};

/// Throws ShapeError or DTypeError in the name of the cell when the operands do not fit, IndexError for a
/// length outside [0, T].
Extents checked_extents(const char* cell, const Operands& in, std::int64_t gates);
/// Throws ShapeError unless a state, or what has its form, is undefined or [B, H], DTypeError unless it has x's
/// type.
void require_state(const char* cell, const Tensor& state, const Operands& in, const Extents& e,
                   const char* name = "an initial state");
/// Throws ShapeError unless hs and those cotangents that are defined are hs, dhs [B, T, H], dh, dc [B, H].
void require_cotangents(const char* cell, const Extents& e, const Tensor& hs, const Tensor& dhs,
                        const Tensor& dh, const Tensor& dc = {});

/// The operands with adjacent elements in x, h0, lengths and h_factors.
Operands with_adjacent_rows(Operands in);
Tensor adjacent(const Tensor& x);
/// A state with adjacent elements, zeros for one that is not given.
Tensor state_or_zeros(const Tensor& state, const Operands& in, const Extents& e);

/// The step of sequence b after which its state is final, -1 when it has no step.
inline std::int64_t last_step(const Operands& in, const Extents& e, std::int64_t b) {
  return (in.lengths.defined() ? in.lengths.data<std::int32_t>()[b] : e.time) - 1;
}
/// The state after the last real step of each sequence: states [B, T, H] in any order of the first two axes,
/// and where there is no step the initial one.
Tensor last_states(const Operands& in, const Extents& e, const Tensor& states, const Tensor& initial);

/// Whole rounds of the processor's tiles, enough that a piece's products outweigh fetching the weights (from
/// beyond the second cache when they are large), and no piece so small that a thread is woken in vain.
std::int64_t sequences_per_piece(const Operands& in, const Extents& e);

/// What a step multiplies, side by side in one row: x, the state h, and a 1 for the bias.
struct RowLayout {
  std::int64_t h, one, stride;  ///< where they stand (x stands at 0); from row to row: whole lines of the cache

  static RowLayout x_h_1(const Extents& e) { return {e.input, e.input + e.hidden, rounded(e)}; }
  static RowLayout x_1_h(const Extents& e) { return {e.input + 1, e.input, rounded(e)}; }

 private:
  static std::int64_t rounded(const Extents& e) { return (e.input + e.hidden + 1 + 15) / 16 * 16; }
};

/// One matrix of all weights: the rows of Wx and Wh and the bias in the order of x, h and 1; without those of
/// weights that are undefined.
Tensor stacked_weights(const RowLayout& layout, const Tensor& wx, const Tensor& wh, const Tensor& bias);

/// B laid out once for many products.
template <class T>
Tensor packed(std::int64_t k, std::int64_t n, kernels::MatrixView<const T> b) {
  const auto& loops = kernels::loops<T>();
  Tensor laid_out = Tensor::empty({loops.gemm_packed_size(k, n)}, dtype_of<T>());
  loops.gemm_pack(k, n, b, laid_out.fresh_data<T>());
  return laid_out;
}

template <class T>
kernels::MatrixView<const T> view(const Tensor& w) {
  return {w.data<T>(), w.stride(0), w.stride(1)};
}
template <class T>
kernels::MatrixView<const T> transposed_view(const Tensor& w) {
  return {w.data<T>(), w.stride(1), w.stride(0)};
}

/// The sequences [begin, end) on their way through time.
template <class T>
struct Piece {
  const Operands& in;  // with adjacent rows
  const Extents& e;
  const RowLayout& layout;
  const T* hs;  // [B, T, H]
  std::int64_t begin, end;

  std::int64_t rows() const { return end - begin; }
  const std::int32_t* lengths() const {
    return in.lengths.defined() ? in.lengths.data<std::int32_t>() + begin : nullptr;
  }
  /// Whether the state before step t is all zeros.
  bool without_state(std::int64_t t) const { return t == 0 && !in.h0.defined(); }

  /// Multiplies rows of H elements, `stride` apart, by the factors of h of their sequences.
  void multiply_by_factors(T* h, std::int64_t stride) const {
    const auto multiply = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::multiply)];
    const T* const factors = in.h_factors.data<T>() + begin * e.hidden;
    for (std::int64_t r = 0; r < rows(); ++r)
      multiply(e.hidden, h + r * stride, 1, factors + r * e.hidden, 1, h + r * stride, 1);
  }

  /// The rows before step t; x is 0 on padding, whatever stands there.
  void fill_rows(std::int64_t t, T* const first) const {
    const std::int64_t D = e.input, H = e.hidden;
    T* to = first;
    const T *const x = in.x.data<T>(), *const h0 = in.h0.defined() ? in.h0.data<T>() : nullptr;
    for (std::int64_t b = begin; b < end; ++b, to += layout.stride) {
      if (last_step(in, e, b) >= t)
        std::copy_n(x + (b * e.time + t) * D, D, to);
      else
        std::fill_n(to, D, T(0));
      if (t > 0)
        std::copy_n(hs + (b * e.time + t - 1) * H, H, to + layout.h);
      else if (h0 != nullptr)
        std::copy_n(h0 + b * H, H, to + layout.h);
      else
        std::fill_n(to + layout.h, H, T(0));
      to[layout.one] = T(1);
    }
    if (in.h_factors.defined() && !without_state(t)) multiply_by_factors(first + layout.h, layout.stride);
  }
};

/// step(piece, t, rows) for each piece of the batch and, in it, each t in order; hs [B, T, H] is what the steps
/// write.
template <class T, class Step>
void walk(const Operands& in, const Extents& e, const RowLayout& layout, const T* hs, Step step) {
  parallel_for(e.batch, sequences_per_piece(in, e), [&](std::int64_t begin, std::int64_t end) {
    const Piece<T> piece{in, e, layout, hs, begin, end};
    Tensor rows = Tensor::empty({piece.rows(), layout.stride}, in.x.dtype());
    for (std::int64_t t = 0; t < e.time; ++t) {
      piece.fill_rows(t, rows.fresh_data<T>());
      step(piece, t, rows.fresh_data<T>());
    }
  });
}

/// x Wx + h Wh + bias, step after step: as one product with packed weights, or for few sequences, and where
/// there is no h yet, with the weights where they lie. Wx or Wh may be undefined, for a product of h or of x
/// alone; what is multiplied must stand side by side.
template <class T>
class StepProduct {
 public:
  StepProduct(const Extents& e, const RowLayout& layout, Tensor wx, Tensor wh, const Tensor& bias)
      : wx_(std::move(wx)),
        wh_(std::move(wh)),
        bias_(adjacent(bias)),
        first_(wx_.defined() ? 0 : std::min(layout.h, layout.one)),
        count_((wx_.defined() ? e.input : 0) + (wh_.defined() ? e.hidden : 0) + 1),
        few_(e.batch <= kFew) {
    if (few_) return;
    const Tensor weights = stacked_weights(layout, wx_, wh_, bias_);
    packed_ = packed<T>(count_, weights.extent(1), view<T>(weights));
  }

  void operator()(const Piece<T>& piece, std::int64_t t, const T* rows, kernels::MatrixView<T> to) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t D = piece.e.input, H = piece.e.hidden, n = bias_.extent(0), stride = piece.layout.stride;
    const bool multiplies_h = wh_.defined() && !piece.without_state(t);
    if (!few_ && multiplies_h == wh_.defined()) {
      loops.gemm_packed(piece.rows(), n, count_, {rows + first_, stride, 1}, packed_.data<T>(), to, {});
      return;
    }
    for (std::int64_t r = 0; r < piece.rows(); ++r)
      std::copy_n(bias_.template data<T>(), n, to.data + r * to.row_stride);
    if (wx_.defined()) loops.gemm(piece.rows(), n, D, {rows, stride, 1}, view<T>(wx_), to, true);
    if (multiplies_h)
      loops.gemm(piece.rows(), n, H, {rows + piece.layout.h, stride, 1}, view<T>(wh_), to, true);
  }

 private:
  static constexpr std::int64_t kFew = 4;
  Tensor wx_, wh_, bias_, packed_;
  std::int64_t first_, count_;  // the part of a row that is multiplied
  bool few_;
};

/// What reaches a state from outside the recurrence: its use as an output and as the last state.
template <class T>
struct OuterGradient {
  const Operands& in;
  const Extents& e;
  Tensor dhs, dh;  // [B, T, H] or undefined, [B, H] or undefined

  /// The gradient of h_t of sequence b, of the initial state for t = -1.
  void write(std::int64_t b, std::int64_t t, T* to) const {
    if (t >= 0 && dhs.defined())
      std::copy_n(dhs.data<T>() + (b * e.time + t) * e.hidden, e.hidden, to);
    else
      std::fill_n(to, e.hidden, T(0));
    add_last(b, t, to);
  }
  void add(std::int64_t b, std::int64_t t, T* to) const {
    if (t >= 0 && dhs.defined())
      kernels::loops<T>().axpy(e.hidden, T(1), dhs.data<T>() + (b * e.time + t) * e.hidden, 1, to, 1);
    add_last(b, t, to);
  }

 private:
  void add_last(std::int64_t b, std::int64_t t, T* to) const {
    if (dh.defined() && last_step(in, e, b) == t)
      kernels::loops<T>().axpy(e.hidden, T(1), dh.data<T>() + b * e.hidden, 1, to, 1);
  }
};

/// One step of the way back, over the rows of a piece.
template <class T>
struct StepBack {
  const Piece<T>& piece;
  const OuterGradient<T>& outer;
  std::int64_t t;
  T* dxh;             ///< in: gradient of h_t behind D elements; out: of x_t, and of h_{t-1} behind it
  T* dgates;          ///< out: gradients of all that the step's products give
  bool wants_before;  ///< whether the gradient of h_{t-1} is asked for
};

struct Gradients {
  Tensor dx, dh0;  ///< dh0 is undefined where h0 is
  Tensor dw;       ///< as the cell lays out the gradients of its weights
};

/// The way back through time. A cell has
///   width             columns of dgates
///   weight_gradients  the shape of dw
///   step(StepBack)    one step, as said there
///   add_weight_gradients(piece, t, steps, rows, dgates, dw)
///                     adds to dw what steps t, t - 1, … give; their rows, which are its own to change, and
///                     their dgates lie one behind the other
template <class T, class Cell>
class WayBack {
 public:
  WayBack(const Operands& in, const Extents& e, const RowLayout& layout, const Tensor& hs, const Tensor& dhs,
          const Tensor& dh, const Cell& cell)
      : in_(in), e_(e), layout_(layout), hs_(hs), outer_{in, e, adjacent(dhs), adjacent(dh)}, cell_(cell) {}

  Gradients run() {
    const DType dtype = in_.x.dtype();
    gradients_.dx = Tensor::empty({e_.batch, e_.time, e_.input}, dtype);
    if (in_.h0.defined()) gradients_.dh0 = Tensor::empty({e_.batch, e_.hidden}, dtype);
    const std::int64_t grain = sequences_per_piece(in_, e_);
    std::vector<Tensor> parts(static_cast<std::size_t>((e_.batch + grain - 1) / grain));
    parallel_for(e_.batch, grain, [&](std::int64_t begin, std::int64_t end) {
      parts[static_cast<std::size_t>(begin / grain)] =
          piece_gradients({in_, e_, layout_, hs_.template data<T>(), begin, end});
    });
    gradients_.dw = parts.empty() ? Tensor::zeros(cell_.weight_gradients, dtype) : parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) add_scaled(gradients_.dw, 1.0, parts[i]);
    return gradients_;
  }

 private:
  // Steps that share one product for their part of the weight gradients: enough rows for the product, few
  // enough to stay in the cache.
  std::int64_t steps_per_product(std::int64_t rows) const {
    constexpr std::int64_t kRows = 256;
    return std::clamp<std::int64_t>(kRows / std::max<std::int64_t>(1, rows), 1,
                                    std::max<std::int64_t>(1, e_.time));
  }

  Tensor piece_gradients(const Piece<T>& piece) {
    const std::int64_t D = e_.input, H = e_.hidden, stride = layout_.stride, n = piece.rows();
    const std::int64_t steps = steps_per_product(n);
    const DType dtype = in_.x.dtype();
    Tensor dw = Tensor::zeros(cell_.weight_gradients, dtype);
    Tensor dxh_rows = Tensor::empty({n, stride}, dtype);
    Tensor rows = Tensor::empty({steps * n, stride}, dtype),
           dgates = Tensor::empty({steps * n, cell_.width}, dtype);
    T* const dxh = dxh_rows.fresh_data<T>();
    for (std::int64_t r = 0; r < n; ++r) outer_.write(piece.begin + r, e_.time - 1, dxh + r * stride + D);
    for (std::int64_t latest = e_.time - 1, taken = 0; latest >= 0; latest -= taken) {
      for (taken = 0; taken < steps && latest - taken >= 0; ++taken) {
        const std::int64_t t = latest - taken;
        cell_.step({piece, outer_, t, dxh, dgates.fresh_data<T>() + taken * n * cell_.width,
                    t > 0 || in_.h0.defined()});
        for (std::int64_t r = 0; r < n; ++r)
          std::copy_n(dxh + r * stride, D,
                      gradients_.dx.fresh_data<T>() + ((piece.begin + r) * e_.time + t) * D);
        piece.fill_rows(t, rows.fresh_data<T>() + taken * n * stride);
      }
      cell_.add_weight_gradients(piece, latest, taken, rows.fresh_data<T>(), dgates.data<T>(), dw);
    }
    if (in_.h0.defined())
      for (std::int64_t r = 0; r < n; ++r)
        std::copy_n(dxh + r * stride + D, H, gradients_.dh0.fresh_data<T>() + (piece.begin + r) * H);
    return dw;
  }

  const Operands& in_;
  const Extents& e_;
  const RowLayout layout_;
  const Tensor& hs_;
  const OuterGradient<T> outer_;
  const Cell& cell_;
  Gradients gradients_;
};

/// The products backwards of a cell whose step is one product of rows [x, h, 1].
template <class T>
class StackedProductBack {
 public:
  StackedProductBack(const Operands& in, const Extents& e)
      : in_(in), columns_(in.bias.extent(0)), rows_(e.input + e.hidden + 1) {
    const Tensor stacked = stacked_weights(RowLayout::x_h_1(e), in.wx, in.wh, in.bias);
    packed_ = packed<T>(columns_, rows_ - 1, {stacked.data<T>(), 1, columns_});
  }
  Shape weight_gradients() const { return {rows_, columns_}; }

  /// Gradients of x_t and h_{t-1} from dgates.
  void step(const StepBack<T>& s) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t D = s.piece.e.input, n = s.piece.rows(), stride = s.piece.layout.stride;
    if (s.wants_before && in_.h_factors.defined()) {
      loops.gemm_packed(n, rows_ - 1, columns_, {s.dgates, columns_, 1}, packed_.data<T>(), {s.dxh, stride, 1},
                        {});
      s.piece.multiply_by_factors(s.dxh + D, stride);
      for (std::int64_t r = 0; r < n; ++r) s.outer.add(s.piece.begin + r, s.t - 1, s.dxh + r * stride + D);
      return;
    }
    for (std::int64_t r = 0; r < n; ++r) {
      std::fill_n(s.dxh + r * stride, D, T(0));
      s.outer.write(s.piece.begin + r, s.t - 1, s.dxh + r * stride + D);
    }
    if (s.wants_before)
      loops.gemm_packed(n, rows_ - 1, columns_, {s.dgates, columns_, 1}, packed_.data<T>(), {s.dxh, stride, 1},
                        {s.dxh, stride});
    else
      loops.gemm(n, D, columns_, {s.dgates, columns_, 1}, transposed_view<T>(in_.wx), {s.dxh, stride, 1},
                 false);
  }

  void add_weight_gradients(const Piece<T>& piece, std::int64_t steps, const T* rows, const T* dgates,
                            Tensor& dw) const {
    kernels::loops<T>().gemm(rows_, columns_, steps * piece.rows(), {rows, 1, piece.layout.stride},
                             {dgates, columns_, 1}, {dw.fresh_data<T>(), columns_, 1}, true);
  }

 private:
  const Operands& in_;
  std::int64_t columns_, rows_;
  Tensor packed_;  // transposed, without the row of the bias
};

}  // namespace recurrent

}  // namespace heed
