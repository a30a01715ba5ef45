#include "core/lstm.h"

#include <algorithm>
#include <vector>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/parallel.h"

namespace heed {
namespace {

struct Extents {
  std::int64_t batch, time, input, hidden;
};

Extents checked_extents(const LstmInput& in) {
  const auto fail = [&](const char* expected) {
    throw ShapeError(
        {.what = text("lstm: x is ", in.x.shape(), ", Wx is ", in.wx.shape(), ", Wh is ", in.wh.shape(),
                      ", bias is ", in.bias.shape()),
         .expected = expected,
         .operands = text("x: ", in.x.origin(), "    Wx: ", in.wx.origin(), "    Wh: ", in.wh.origin())});
  };
  if (in.x.rank() != 3) fail("x [B, T, D]");
  if (in.wh.rank() != 2 || in.wh.extent(1) != 4 * in.wh.extent(0)) fail("Wh [H, 4H]");
  const Extents e{in.x.extent(0), in.x.extent(1), in.x.extent(2), in.wh.extent(0)};
  if (in.wx.shape() != Shape{e.input, 4 * e.hidden}) fail("Wx [D, 4H] with D == x.shape[-1]");
  if (in.bias.shape() != Shape{4 * e.hidden}) fail("bias [4H]");
  for (const Tensor* const other : {&in.wx, &in.wh, &in.bias})
    if (other->dtype() != in.x.dtype()) throw_dtypes_differ(in.x, *other, "lstm");
  for (const Tensor* const state : {&in.h0, &in.c0}) {
    if (!state->defined()) continue;
    if (state->shape() != Shape{e.batch, e.hidden})
      throw ShapeError({.what = text("lstm: an initial state is ", state->shape()),
                        .expected = text("[", e.batch, ", ", e.hidden, "]")});
    if (state->dtype() != in.x.dtype()) throw_dtypes_differ(in.x, *state, "lstm");
  }
  if (in.lengths.defined()) {
    if (in.lengths.shape() != Shape{e.batch} || in.lengths.dtype() != DType::i32)
      throw ShapeError({.what = text("lstm: lengths are ", in.lengths.dtype(), " ", in.lengths.shape()),
                        .expected = text("i32 [", e.batch, "]")});
    const std::int64_t stride = in.lengths.stride(0);
    for (std::int64_t b = 0; b < e.batch; ++b)
      if (const std::int32_t length = in.lengths.data<std::int32_t>()[b * stride];
          length < 0 || length > e.time)
        throw IndexError(
            {.what = text("lstm: length ", length, " of sequence ", b, " is outside the ", e.time, " steps")});
  }
  return e;
}

// Whole rounds of the processor's tiles, enough that a piece's products outweigh fetching the weights (from
// beyond the second cache when they are large), and no piece so small that a thread is woken in vain.
std::int64_t sequences_per_piece(const Extents& e, DType dtype) {
  constexpr std::int64_t kSecondCache = 1 << 19;
  const std::int64_t weights = (e.input + e.hidden + 1) * 4 * e.hidden;
  const bool large = weights * static_cast<std::int64_t>(size_of(dtype)) > kSecondCache;
  const std::int64_t worth_waking = (std::int64_t{1} << 20) / std::max<std::int64_t>(1, e.time * weights);
  const std::int64_t most = std::max<std::int64_t>(large ? 64 : 32, worth_waking);
  const std::int64_t pieces = (e.batch + most - 1) / most;
  return pieces <= 1 ? std::max<std::int64_t>(1, e.batch) : (e.batch + pieces - 1) / pieces;
}

const std::int32_t* lengths_of(const LstmInput& in) {
  return in.lengths.defined() ? in.lengths.data<std::int32_t>() : nullptr;
}

// The step of sequence b after which its state is final, -1 when it has no step.
std::int64_t last_step(const LstmInput& in, const Extents& e, std::int64_t b) {
  return (in.lengths.defined() ? in.lengths.data<std::int32_t>()[b] : e.time) - 1;
}

// One matrix for all that a step multiplies: the row [x, h, 1] times Wx above Wh above the bias. A step is one
// product, and so are all weight gradients.
Tensor stacked_weights(const LstmInput& in, const Extents& e) {
  Tensor stacked = Tensor::empty({e.input + e.hidden + 1, 4 * e.hidden}, in.x.dtype());
  Tensor wx = stacked.slice(0, 0, e.input), wh = stacked.slice(0, e.input, e.input + e.hidden),
         bias = stacked.select(0, e.input + e.hidden);
  wx.copy_from(in.wx);
  wh.copy_from(in.wh);
  bias.copy_from(in.bias);
  return stacked;
}

template <class T>
Tensor packed(std::int64_t k, std::int64_t n, kernels::MatrixView<const T> w) {
  const auto& loops = kernels::loops<T>();
  Tensor laid_out = Tensor::empty({loops.gemm_packed_size(k, n)}, dtype_of<T>());
  loops.gemm_pack(k, n, w, laid_out.fresh_data<T>());
  return laid_out;
}

// Elements from one row [x, h, 1] to the next: whole lines of the cache.
std::int64_t row_stride(const Extents& e) { return (e.input + e.hidden + 1 + 15) / 16 * 16; }

// The sequences [begin, end) on their way through time. hs lies as [B, T, H], gates and cs as [T, B, ...].
template <class T>
struct Piece {
  const LstmInput& in;
  const Extents& e;
  const T *x, *h0, *c0;  // adjacent; h0 null for zero
  const T* hs;
  std::int64_t begin, end;

  std::int64_t rows() const { return end - begin; }
  const std::int32_t* lengths() const { return lengths_of(in) == nullptr ? nullptr : lengths_of(in) + begin; }

  // The rows [x_t, h_{t-1}, 1]; x is 0 on padding, whatever stands there.
  void fill_rows(std::int64_t t, T* to) const {
    const std::int64_t D = e.input, H = e.hidden;
    for (std::int64_t b = begin; b < end; ++b, to += row_stride(e)) {
      if (last_step(in, e, b) >= t)
        std::copy_n(x + (b * e.time + t) * D, D, to);
      else
        std::fill_n(to, D, T(0));
      if (t > 0)
        std::copy_n(hs + (b * e.time + t - 1) * H, H, to + D);
      else if (h0 != nullptr)
        std::copy_n(h0 + b * H, H, to + D);
      else
        std::fill_n(to + D, H, T(0));
      to[D + H] = T(1);
    }
  }
};

// The operands with adjacent elements, states that are not given as zeros.
template <class T>
struct Adjacent {
  const LstmInput& in;
  const Extents& e;
  Tensor x, h0, c0;

  Adjacent(const LstmInput& input, const Extents& extents)
      : in(input),
        e(extents),
        x(in.x.contiguous_copy_if_needed()),
        h0(given_or_zeros(in.h0)),
        c0(given_or_zeros(in.c0)) {}

  Tensor given_or_zeros(const Tensor& state) const {
    return state.defined() ? state.contiguous_copy_if_needed()
                           : Tensor::zeros({e.batch, e.hidden}, in.x.dtype());
  }
  Piece<T> piece(const T* hs, std::int64_t begin, std::int64_t end) const {
    return {in, e, x.data<T>(), in.h0.defined() ? h0.data<T>() : nullptr, c0.data<T>(), hs, begin, end};
  }
};

// The gates before their non-linearities, step after step: as one product with packed weights, or for few
// sequences, and where there is no h yet, with the weights where they lie.
template <class T>
class Gates {
 public:
  Gates(const LstmInput& in, const Extents& e)
      : in_(in), e_(e), bias_(in.bias.contiguous_copy_if_needed()), few_(e.batch <= kFew) {
    if (few_) return;
    const Tensor weights = stacked_weights(in, e);
    packed_ = packed<T>(weights.extent(0), 4 * e.hidden, {weights.data<T>(), 4 * e.hidden, 1});
  }

  /// `rows` is space for the piece's rows [x, h, 1].
  void compute(const Piece<T>& piece, std::int64_t t, T* rows, T* gates) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t D = e_.input, H = e_.hidden, stride = row_stride(e_);
    piece.fill_rows(t, rows);
    const kernels::MatrixView<T> to{gates, 4 * H, 1};
    const bool no_state = t == 0 && piece.h0 == nullptr;
    if (!few_ && !no_state) {
      loops.gemm_packed(piece.rows(), 4 * H, D + H + 1, {rows, stride, 1}, packed_.data<T>(), to, {});
      return;
    }
    for (std::int64_t r = 0; r < piece.rows(); ++r)
      std::copy_n(bias_.template data<T>(), 4 * H, gates + r * 4 * H);
    loops.gemm(piece.rows(), 4 * H, D, {rows, stride, 1}, view(in_.wx), to, true);
    if (!no_state) loops.gemm(piece.rows(), 4 * H, H, {rows + D, stride, 1}, view(in_.wh), to, true);
  }

 private:
  static constexpr std::int64_t kFew = 4;
  static kernels::MatrixView<const T> view(const Tensor& w) { return {w.data<T>(), w.stride(0), w.stride(1)}; }

  const LstmInput& in_;
  const Extents& e_;
  Tensor bias_, packed_;
  bool few_;
};

template <class T>
void run_forward(const LstmInput& in, const Extents& e, LstmResult& out) {
  const auto& loops = kernels::loops<T>();
  const std::int64_t B = e.batch, H = e.hidden;
  const Adjacent<T> given(in, e);
  const Gates<T> gates_of(in, e);
  T *const gates = out.gates.fresh_data<T>(), *const hs = out.hs.fresh_data<T>(),
           *const cs = out.cs.fresh_data<T>();
  parallel_for(B, sequences_per_piece(e, in.x.dtype()), [&](std::int64_t begin, std::int64_t end) {
    const Piece<T> piece = given.piece(hs, begin, end);
    Tensor rows = Tensor::empty({piece.rows(), row_stride(e)}, in.x.dtype());
    for (std::int64_t t = 0; t < e.time; ++t) {
      const std::int64_t at = (t * B + begin) * H;
      gates_of.compute(piece, t, rows.fresh_data<T>(), gates + at * 4);
      loops.lstm_forward({.rows = piece.rows(),
                          .hidden = H,
                          .step = t,
                          .lengths = piece.lengths(),
                          .gates = gates + at * 4,
                          .gates_stride = 4 * H,
                          .c_before = t == 0 ? piece.c0 + begin * H : cs + at - B * H,
                          .c_before_stride = H,
                          .c = cs + at,
                          .h = hs + (begin * e.time + t) * H,
                          .c_stride = H,
                          .h_stride = e.time * H});
    }
  });
  out.h = given.h0.clone();
  out.c = given.c0.clone();
  for (std::int64_t b = 0; b < B; ++b) {
    const std::int64_t last = last_step(in, e, b);
    if (last < 0) continue;
    std::copy_n(hs + (b * e.time + last) * H, H, out.h.fresh_data<T>() + b * H);
    std::copy_n(cs + (last * B + b) * H, H, out.c.fresh_data<T>() + b * H);
  }
}

// Steps of the backward pass that share one product for their part of the weight gradients: enough rows for the
// product, few enough to stay in the cache.
std::int64_t steps_per_product(const Extents& e, std::int64_t rows) {
  constexpr std::int64_t kRows = 256;
  return std::clamp<std::int64_t>(kRows / std::max<std::int64_t>(1, rows), 1,
                                  std::max<std::int64_t>(1, e.time));
}

template <class T>
struct BackwardPass {
  const LstmInput& in;
  const Extents& e;
  const LstmResult& kept;
  Tensor dhs, dh_last;    // [B, T, H] or undefined, [B, H] or undefined
  const Tensor& weights;  // packed, for [dx, dh] from the gradient of the gates
  Tensor& dx;             // [B, T, D]
  Tensor& dh0;            // [B, H], or undefined when nobody asks
  Tensor& dc;             // [B, H]: the running gradient of c, in the end that of c0

  // What reaches h_t of sequence b from outside the recurrence: its use as an output and as the final state.
  void outer_gradient(std::int64_t b, std::int64_t t, T* to) const {
    const std::int64_t H = e.hidden;
    if (t >= 0 && dhs.defined())
      std::copy_n(dhs.data<T>() + (b * e.time + t) * H, H, to);
    else
      std::fill_n(to, H, T(0));
    if (dh_last.defined() && last_step(in, e, b) == t)
      kernels::loops<T>().axpy(H, T(1), dh_last.data<T>() + b * H, 1, to, 1);
  }

  // Gradient of the gates of one step into dgates; then of [x_t, h_{t-1}] into rows of `dxh`, which come in
  // with the gradient of h_t.
  void step(const Piece<T>& piece, std::int64_t t, T* dxh, T* dgates) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t B = e.batch, D = e.input, H = e.hidden, stride = row_stride(e);
    const std::int64_t at = (t * B + piece.begin) * H;
    loops.lstm_backward({.rows = piece.rows(),
                         .hidden = H,
                         .step = t,
                         .lengths = piece.lengths(),
                         .gates = kept.gates.data<T>() + at * 4,
                         .c_before = t == 0 ? piece.c0 + piece.begin * H : kept.cs.data<T>() + at - B * H,
                         .c = kept.cs.data<T>() + at,
                         .dh = dxh + D,
                         .dc = dc.fresh_data<T>() + piece.begin * H,
                         .dgates = dgates,
                         .gates_stride = 4 * H,
                         .c_before_stride = H,
                         .c_stride = H,
                         .dh_stride = stride,
                         .dc_stride = H,
                         .dgates_stride = 4 * H});
    for (std::int64_t r = 0; r < piece.rows(); ++r) {
      std::fill_n(dxh + r * stride, D, T(0));
      outer_gradient(piece.begin + r, t - 1, dxh + r * stride + D);
    }
    if (t > 0 || dh0.defined())
      loops.gemm_packed(piece.rows(), D + H, 4 * H, {dgates, 4 * H, 1}, weights.data<T>(), {dxh, stride, 1},
                        {dxh, stride});
    else  // nobody asks for what reaches h0
      loops.gemm(piece.rows(), D, 4 * H, {dgates, 4 * H, 1},
                 {in.wx.data<T>(), in.wx.stride(1), in.wx.stride(0)}, {dxh, stride, 1}, false);
    for (std::int64_t r = 0; r < piece.rows(); ++r)
      std::copy_n(dxh + r * stride, D, dx.fresh_data<T>() + ((piece.begin + r) * e.time + t) * D);
  }

  // The piece's part of the weight gradients, [D + H + 1, 4H].
  Tensor run(const Piece<T>& piece) const {
    const std::int64_t D = e.input, H = e.hidden, width = D + H + 1, stride = row_stride(e);
    const std::int64_t steps = steps_per_product(e, piece.rows());
    Tensor dw = Tensor::zeros({width, 4 * H}, in.x.dtype());
    Tensor dxh = Tensor::empty({piece.rows(), stride}, in.x.dtype());
    Tensor rows = Tensor::empty({steps * piece.rows(), stride}, in.x.dtype());
    Tensor dgates = Tensor::empty({steps * piece.rows(), 4 * H}, in.x.dtype());
    for (std::int64_t r = 0; r < piece.rows(); ++r)
      outer_gradient(piece.begin + r, e.time - 1, dxh.fresh_data<T>() + r * stride + D);
    for (std::int64_t t = e.time - 1; t >= 0;) {
      std::int64_t taken = 0;
      for (; taken < steps && t >= 0; ++taken, --t) {
        step(piece, t, dxh.fresh_data<T>(), dgates.fresh_data<T>() + taken * piece.rows() * 4 * H);
        piece.fill_rows(t, rows.fresh_data<T>() + taken * piece.rows() * stride);
      }
      kernels::loops<T>().gemm(width, 4 * H, taken * piece.rows(), {rows.data<T>(), 1, stride},
                               {dgates.data<T>(), 4 * H, 1}, {dw.fresh_data<T>(), 4 * H, 1}, true);
    }
    if (dh0.defined())
      for (std::int64_t r = 0; r < piece.rows(); ++r)
        std::copy_n(dxh.data<T>() + r * stride + D, H, dh0.fresh_data<T>() + (piece.begin + r) * H);
    return dw;
  }
};

template <class T>
LstmGradients run_backward(const LstmInput& in, const Extents& e, const LstmResult& kept, const Tensor& dhs,
                           const Tensor& dh, const Tensor& dc) {
  const std::int64_t B = e.batch, D = e.input, H = e.hidden;
  const DType dtype = in.x.dtype();
  const Adjacent<T> given(in, e);
  const auto adjacent = [](const Tensor& x) { return x.defined() ? x.contiguous_copy_if_needed() : x; };
  LstmGradients d;
  d.dx = Tensor::empty({B, e.time, D}, dtype);
  if (in.h0.defined()) d.dh0 = Tensor::empty({B, H}, dtype);
  d.dc0 = dc.defined() ? dc.clone() : Tensor::zeros({B, H}, dtype);
  const Tensor stacked = stacked_weights(in, e);
  const Tensor transposed = packed<T>(4 * H, D + H, {stacked.data<T>(), 1, 4 * H});
  const BackwardPass<T> pass{in, e, kept, adjacent(dhs), adjacent(dh), transposed, d.dx, d.dh0, d.dc0};
  const std::int64_t grain = sequences_per_piece(e, dtype);
  std::vector<Tensor> parts(static_cast<std::size_t>((B + grain - 1) / grain));
  parallel_for(B, grain, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / grain)] = pass.run(given.piece(kept.hs.data<T>(), begin, end));
  });
  Tensor dw = parts.empty() ? Tensor::zeros({D + H + 1, 4 * H}, dtype) : parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) add_scaled(dw, 1.0, parts[i]);
  d.dwx = dw.slice(0, 0, D);
  d.dwh = dw.slice(0, D, D + H);
  d.dbias = dw.select(0, D + H);
  return d;
}

LstmInput with_adjacent_lengths(LstmInput in) {
  if (in.lengths.defined()) in.lengths = in.lengths.contiguous_copy_if_needed();
  return in;
}

void require_cotangent(const Tensor& x, const Shape& shape, const char* name) {
  if (x.defined() && x.shape() != shape)
    throw ShapeError({.what = text("lstm_backward: ", name, " is ", x.shape()), .expected = text(shape)});
}

}  // namespace

LstmResult lstm_forward(const LstmInput& given) {
  const Extents e = checked_extents(given);
  const LstmInput input = with_adjacent_lengths(given);
  const auto [B, time, D, H] = e;
  const DType dtype = input.x.dtype();
  LstmResult result{.hs = Tensor::empty({B, time, H}, dtype),
                    .h = {},
                    .c = {},
                    .gates = Tensor::empty({time, B, 4 * H}, dtype),
                    .cs = Tensor::empty({time, B, H}, dtype)};
  for_floating(dtype, "lstm", [&](auto zero) { run_forward<decltype(zero)>(input, e, result); });
  return result;
}

LstmGradients lstm_backward(const LstmInput& given, const LstmResult& result, const Tensor& dhs,
                            const Tensor& dh, const Tensor& dc) {
  const Extents e = checked_extents(given);
  const LstmInput input = with_adjacent_lengths(given);
  const auto [B, time, D, H] = e;
  require_cotangent(dhs, {B, time, H}, "dhs");
  require_cotangent(dh, {B, H}, "dh");
  require_cotangent(dc, {B, H}, "dc");
  require_cotangent(result.hs, {B, time, H}, "hs");
  return for_floating(input.x.dtype(), "lstm",
                      [&](auto zero) { return run_backward<decltype(zero)>(input, e, result, dhs, dh, dc); });
}

}  // namespace heed
