#include "core/gru.h"

#include <optional>

#include "core/error.h"
#include "core/index.h"
#include "core/recurrent.h"

namespace heed {
namespace {

using namespace recurrent;

Operands operands_of(const GruInput& in) {
  return {in.x, in.h0, in.wx, in.wh, in.bias, in.lengths, in.h_factors};
}

bool resets_after(const GruInput& in) { return in.variant.reset == ResetGate::after_product; }
bool keeps_state(const GruInput& in) { return in.variant.update == UpdateGate::keeps_state; }

Extents checked_extents(const GruInput& in) {
  const Extents e = recurrent::checked_extents("gru", operands_of(in), 3);
  const Tensor& bias = in.recurrent_bias;
  if (!bias.defined()) return e;
  if (!resets_after(in))
    throw ConfigError({.what = "gru: a recurrent bias, but the gate resets before the product",
                       .hint = "add it to the candidate's part of bias"});
  if (bias.shape() != Shape{e.hidden})
    throw ShapeError({.what = text("gru: recurrent_bias is ", bias.shape()),
                      .expected = text("[", e.hidden, "]"),
                      .operands = text("recurrent_bias: ", bias.origin())});
  if (bias.dtype() != in.x.dtype()) throw_dtypes_differ(in.x, bias, "gru");
  return e;
}

// Where in a row of gates each of them stands, in elements. Those that x multiplies stand side by side, and so
// do those that h multiplies: n, z, r, n' (n' = h Un + bh) when the gate resets after the product, else z, r,
// n.
struct GateColumns {
  std::int64_t width, candidate, update, reset, recurrent;

  GateColumns(const GruInput& in, std::int64_t H)
      : width(resets_after(in) ? 4 * H : 3 * H),
        candidate(resets_after(in) ? 0 : 2 * H),
        update(resets_after(in) ? H : 0),
        reset(update + H),
        recurrent(update + 2 * H) {}
};

// Columns of the weights of both gates, and of the candidate.
Tensor of_gates(const Tensor& w) { return w.slice(-1, 0, w.extent(-1) / 3 * 2); }
Tensor of_candidate(const Tensor& w) { return w.slice(-1, w.extent(-1) / 3 * 2, w.extent(-1)); }

RowLayout layout_of(const GruInput& in, const Extents& e) {
  return resets_after(in) ? RowLayout::x_1_h(e) : RowLayout::x_h_1(e);
}

// Where the states and the gates of a piece stand; the gates lie as [T, B, width].
template <class T>
struct Places {
  const Extents& e;
  GateColumns columns;
  Tensor h_first;  // [B, H]
  T *hs, *gates;

  Places(const GruInput& given, const Operands& in, const Extents& extents, GruResult result)
      : e(extents),
        columns(given, e.hidden),
        h_first(state_or_zeros(in.h0, in, e)),
        hs(result.hs.template fresh_data<T>()),
        gates(result.gates.template fresh_data<T>()) {}

  T* gates_of(const Piece<T>& piece, std::int64_t t) const {
    return gates + (t * e.batch + piece.begin) * columns.width;
  }
  T* h_after(const Piece<T>& piece, std::int64_t t) const { return hs + (piece.begin * e.time + t) * e.hidden; }
  const T* h_before(const Piece<T>& piece, std::int64_t t) const {
    return t == 0 ? h_first.template data<T>() + piece.begin * e.hidden : h_after(piece, t - 1);
  }
  std::int64_t h_before_stride(std::int64_t t) const { return t == 0 ? e.hidden : e.time * e.hidden; }
};

template <class T>
class GruForwardPass {
 public:
  GruForwardPass(const GruInput& given, const Operands& in, const Extents& e, const GruResult& result)
      : places_(given, in, e, result),
        keeps_state_(keeps_state(given)),
        gates_(e, layout_of(given, e), of_gates(in.wx), of_gates(in.wh), of_gates(in.bias)),
        candidate_(e, layout_of(given, e), of_candidate(in.wx),
                   resets_after(given) ? Tensor() : of_candidate(in.wh), of_candidate(in.bias)) {
    if (resets_after(given))
      recurrent_.emplace(
          e, layout_of(given, e), Tensor(), of_candidate(in.wh),
          given.recurrent_bias.defined() ? given.recurrent_bias : Tensor::zeros({e.hidden}, in.x.dtype()));
  }

  void step(const Piece<T>& piece, std::int64_t t, T* rows) const {
    const auto& loops = kernels::loops<T>();
    const GateColumns& at = places_.columns;
    const std::int64_t H = piece.e.hidden;
    T* const gates = places_.gates_of(piece, t);
    gates_(piece, t, rows, {gates + at.update, at.width, 1});
    if (recurrent_.has_value())
      (*recurrent_)(piece, t, rows, {gates + at.recurrent, at.width, 1});
    else
      loops.gru_reset(
          {piece.rows(), H, gates + at.reset, rows + piece.layout.h, at.width, piece.layout.stride});
    candidate_(piece, t, rows, {gates + at.candidate, at.width, 1});
    loops.gru_forward({.rows = piece.rows(),
                       .hidden = H,
                       .step = t,
                       .lengths = piece.lengths(),
                       .keeps_state = keeps_state_,
                       .update = gates + at.update,
                       .reset = gates + at.reset,
                       .candidate = gates + at.candidate,
                       .recurrent = recurrent_.has_value() ? gates + at.recurrent : nullptr,
                       .gates_stride = at.width,
                       .h_before = places_.h_before(piece, t),
                       .h = places_.h_after(piece, t),
                       .h_before_stride = places_.h_before_stride(t),
                       .h_stride = piece.e.time * H});
  }

 private:
  Places<T> places_;
  bool keeps_state_;
  StepProduct<T> gates_, candidate_;
  std::optional<StepProduct<T>> recurrent_;  // when the gate resets after the product
};

template <class T>
class GruBack {
 public:
  GruBack(const GruInput& given, const Operands& in, const Extents& e, const GruResult& result)
      : width(GateColumns(given, e.hidden).width),
        weight_gradients{e.input + e.hidden + (resets_after(given) ? 2 : 1), 3 * e.hidden},
        places_(given, in, e, result),
        keeps_state_(keeps_state(given)),
        resets_after_(resets_after(given)) {
    const std::int64_t D = e.input, H = e.hidden;
    const Tensor wx = resets_after_ ? concat({of_candidate(in.wx), of_gates(in.wx)}, 1) : in.wx;
    const Tensor wh = resets_after_ ? in.wh : of_gates(in.wh);
    x_weights_ = packed<T>(3 * H, D, transposed_view<T>(wx));
    h_weights_ = packed<T>(wh.extent(1), H, transposed_view<T>(wh));
    if (!resets_after_) candidate_weights_ = packed<T>(H, H, transposed_view<T>(of_candidate(in.wh)));
  }

  void step(const StepBack<T>& s) const {
    const auto& loops = kernels::loops<T>();
    const GateColumns& at = places_.columns;
    const std::int64_t D = s.piece.e.input, H = s.piece.e.hidden, stride = s.piece.layout.stride,
                       n = s.piece.rows();
    const T* const gates = places_.gates_of(s.piece, s.t);
    T* const dh = s.dxh + D;
    loops.gru_backward({.rows = n,
                        .hidden = H,
                        .step = s.t,
                        .lengths = s.piece.lengths(),
                        .keeps_state = keeps_state_,
                        .update = gates + at.update,
                        .reset = gates + at.reset,
                        .candidate = gates + at.candidate,
                        .recurrent = resets_after_ ? gates + at.recurrent : nullptr,
                        .h_before = places_.h_before(s.piece, s.t),
                        .dh = dh,
                        .dupdate = s.dgates + at.update,
                        .dcandidate = s.dgates + at.candidate,
                        .dreset = s.dgates + at.reset,
                        .drecurrent = s.dgates + at.recurrent,
                        .gates_stride = width,
                        .h_before_stride = places_.h_before_stride(s.t),
                        .dh_stride = stride,
                        .dgates_stride = width});
    if (!resets_after_) reset_back(s, gates);
    if (s.wants_before) before_back(s, dh);
    loops.gemm_packed(n, D, 3 * H, {s.dgates, width, 1}, x_weights_.data<T>(), {s.dxh, stride, 1}, {});
  }

  // Gradients of [Wx, b] above those of [bh, Wh], in the order of their columns each; when the gate resets
  // before the product, of [Wx, Wh, b].
  void add_weight_gradients(const Piece<T>& piece, std::int64_t t, std::int64_t steps, T* rows, const T* dgates,
                            Tensor& dw) const {
    const std::int64_t D = piece.e.input, H = piece.e.hidden, stride = piece.layout.stride;
    T* const to = dw.fresh_data<T>();
    const auto add_product = [&](std::int64_t first, std::int64_t count, std::int64_t column,
                                 std::int64_t columns, T* product) {
      kernels::loops<T>().gemm(count, columns, steps * piece.rows(), {rows + first, 1, stride},
                               {dgates + column, width, 1}, {product, 3 * H, 1}, true);
    };
    if (resets_after_) {
      add_product(0, D + 1, 0, 3 * H, to);
      add_product(D, 1 + H, H, 3 * H, to + (D + 1) * 3 * H);
      return;
    }
    add_product(0, D + H + 1, 0, 2 * H, to);
    const auto multiply = kernels::loops<T>().binary[static_cast<int>(kernels::Binary::multiply)];
    for (std::int64_t k = 0; k < steps * piece.rows(); ++k) {
      const T* const gates = places_.gates_of(piece, t - k / piece.rows()) + k % piece.rows() * width;
      T* const h = rows + k * stride + piece.layout.h;
      multiply(H, h, 1, gates + places_.columns.reset, 1, h, 1);
    }
    add_product(0, D + H + 1, 2 * H, H, to + 2 * H);
  }

  const std::int64_t width;
  const Shape weight_gradients;

 private:
  // To what the update gate carries over: the uses of h_{t-1} outside, and what went through the products.
  void before_back(const StepBack<T>& s, T* dh) const {
    const auto& loops = kernels::loops<T>();
    const std::int64_t H = s.piece.e.hidden, stride = s.piece.layout.stride, n = s.piece.rows();
    const std::int64_t columns = resets_after_ ? 3 * H : 2 * H;
    const kernels::MatrixView<const T> dgates{s.dgates + places_.columns.update, width, 1};
    for (std::int64_t r = 0; r < n; ++r) s.outer.add(s.piece.begin + r, s.t - 1, dh + r * stride);
    if (!s.piece.in.h_factors.defined()) {
      loops.gemm_packed(n, H, columns, dgates, h_weights_.data<T>(), {dh, stride, 1}, {dh, stride});
      return;
    }
    Tensor products = Tensor::empty({n, H}, dtype_of<T>());
    T* const through = products.fresh_data<T>();
    loops.gemm_packed(n, H, columns, dgates, h_weights_.data<T>(), {through, H, 1}, {});
    s.piece.multiply_by_factors(through, H);
    for (std::int64_t r = 0; r < n; ++r) loops.axpy(H, T(1), through + r * H, 1, dh + r * stride, 1);
  }

  // The gradient of r h goes where that of the reset gate is to stand, which is made from it.
  void reset_back(const StepBack<T>& s, const T* gates) const {
    const auto& loops = kernels::loops<T>();
    const GateColumns& at = places_.columns;
    const std::int64_t H = s.piece.e.hidden, n = s.piece.rows();
    T* const dreset = s.dgates + at.reset;
    loops.gemm_packed(n, H, H, {s.dgates + at.candidate, width, 1}, candidate_weights_.data<T>(),
                      {dreset, width, 1}, {});
    if (s.piece.in.h_factors.defined()) s.piece.multiply_by_factors(dreset, width);
    loops.gru_reset_backward({.rows = n,
                              .hidden = H,
                              .reset = gates + at.reset,
                              .h_before = places_.h_before(s.piece, s.t),
                              .dreset = dreset,
                              .dh = s.dxh + s.piece.e.input,
                              .reset_stride = width,
                              .h_before_stride = places_.h_before_stride(s.t),
                              .dreset_stride = width,
                              .dh_stride = s.piece.layout.stride});
  }

  Places<T> places_;
  bool keeps_state_, resets_after_;
  // Packed and transposed: Wx with its gates in the order of the columns; of Wh all gates, or z and r and then
  // n.
  Tensor x_weights_, h_weights_, candidate_weights_;
};

// n, z, r in the order z, r, n.
Tensor in_order_of_weights(const Tensor& w) {
  const std::int64_t H = w.extent(-1) / 3;
  return concat({w.slice(-1, H, 3 * H), w.slice(-1, 0, H)}, -1);
}

}  // namespace

GruResult gru_forward(const GruInput& given) {
  const Extents e = checked_extents(given);
  const Operands in = with_adjacent_rows(operands_of(given));
  const DType dtype = in.x.dtype();
  GruResult result{.hs = Tensor::empty({e.batch, e.time, e.hidden}, dtype),
                   .h = {},
                   .gates = Tensor::empty({e.time, e.batch, GateColumns(given, e.hidden).width}, dtype)};
  for_floating(dtype, "gru", [&](auto zero) {
    using T = decltype(zero);
    const GruForwardPass<T> pass(given, in, e, result);
    walk<T>(in, e, layout_of(given, e), result.hs.template data<T>(),
            [&](const Piece<T>& piece, std::int64_t t, T* rows) { pass.step(piece, t, rows); });
  });
  result.h = last_states(in, e, result.hs, in.h0);
  return result;
}

GruGradients gru_backward(const GruInput& given, const GruResult& result, const Tensor& dhs, const Tensor& dh) {
  const Extents e = checked_extents(given);
  const Operands in = with_adjacent_rows(operands_of(given));
  require_cotangents("gru", e, result.hs, dhs, dh);
  const Gradients shared = for_floating(in.x.dtype(), "gru", [&](auto zero) {
    using T = decltype(zero);
    const GruBack<T> cell(given, in, e, result);
    return WayBack<T, GruBack<T>>(in, e, layout_of(given, e), result.hs, dhs, dh, cell).run();
  });
  const std::int64_t D = e.input, H = e.hidden;
  GruGradients d{.dx = shared.dx, .dh0 = shared.dh0};
  if (resets_after(given)) {
    d.dwx = in_order_of_weights(shared.dw.slice(0, 0, D));
    d.dbias = in_order_of_weights(shared.dw.select(0, D));
    d.dwh = shared.dw.slice(0, D + 2, D + 2 + H);
    if (given.recurrent_bias.defined()) d.drecurrent_bias = of_candidate(shared.dw.select(0, D + 1));
  } else {
    d.dwx = shared.dw.slice(0, 0, D);
    d.dwh = shared.dw.slice(0, D, D + H);
    d.dbias = shared.dw.select(0, D + H);
  }
  return d;
}

}  // namespace heed
