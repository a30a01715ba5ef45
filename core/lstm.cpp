#include "core/lstm.h"

#include "core/recurrent.h"

namespace heed {
namespace {

using namespace recurrent;

Operands operands_of(const LstmInput& in) {
  return {in.x, in.h0, in.wx, in.wh, in.bias, in.lengths, in.h_factors};
}

Extents checked_extents(const LstmInput& in) {
  const Operands operands = operands_of(in);
  const Extents e = recurrent::checked_extents("lstm", operands, 4);
  require_state("lstm", in.c0, operands, e);
  return e;
}

// Where step t of a piece stands in gates and cs, which lie as [T, B, ...], counted in units.
template <class T>
std::int64_t place_of(const Piece<T>& piece, std::int64_t t) {
  return (t * piece.e.batch + piece.begin) * piece.e.hidden;
}

template <class T>
void run_forward(const Operands& in, const Extents& e, const Tensor& c0, LstmResult& out) {
  const std::int64_t B = e.batch, H = e.hidden;
  const RowLayout layout = RowLayout::x_h_1(e);
  const StepProduct<T> product(e, layout, in.wx, in.wh, in.bias);
  T *const gates = out.gates.fresh_data<T>(), *const hs = out.hs.fresh_data<T>(),
           *const cs = out.cs.fresh_data<T>();
  const T* const c_first = c0.data<T>();
  walk<T>(in, e, layout, hs, [&](const Piece<T>& piece, std::int64_t t, const T* rows) {
    const std::int64_t at = place_of(piece, t);
    product(piece, t, rows, {gates + at * 4, 4 * H, 1});
    kernels::loops<T>().lstm_forward({.rows = piece.rows(),
                                      .hidden = H,
                                      .step = t,
                                      .lengths = piece.lengths(),
                                      .gates = gates + at * 4,
                                      .gates_stride = 4 * H,
                                      .c_before = t == 0 ? c_first + piece.begin * H : cs + at - B * H,
                                      .c_before_stride = H,
                                      .c = cs + at,
                                      .h = hs + (piece.begin * e.time + t) * H,
                                      .c_stride = H,
                                      .h_stride = e.time * H});
  });
  out.h = last_states(in, e, out.hs, in.h0);
  out.c = last_states(in, e, out.cs.transpose(0, 1), c0);
}

template <class T>
struct LstmBack {
  const LstmResult& kept;
  const Tensor& c0;
  Tensor& dc;  // [B, H]: the running gradient of c, in the end that of c0
  StackedProductBack<T> product;
  std::int64_t width;
  Shape weight_gradients;

  LstmBack(const Operands& in, const Extents& e, const LstmResult& result, const Tensor& c_first,
           Tensor& dc_last)
      : kept(result),
        c0(c_first),
        dc(dc_last),
        product(in, e),
        width(4 * e.hidden),
        weight_gradients(product.weight_gradients()) {}

  void step(const StepBack<T>& s) const {
    const std::int64_t B = s.piece.e.batch, D = s.piece.e.input, H = s.piece.e.hidden;
    const std::int64_t at = place_of(s.piece, s.t);
    kernels::loops<T>().lstm_backward(
        {.rows = s.piece.rows(),
         .hidden = H,
         .step = s.t,
         .lengths = s.piece.lengths(),
         .gates = kept.gates.data<T>() + at * 4,
         .c_before = s.t == 0 ? c0.data<T>() + s.piece.begin * H : kept.cs.data<T>() + at - B * H,
         .c = kept.cs.data<T>() + at,
         .dh = s.dxh + D,
         .dc = dc.fresh_data<T>() + s.piece.begin * H,
         .dgates = s.dgates,
         .gates_stride = 4 * H,
         .c_before_stride = H,
         .c_stride = H,
         .dh_stride = s.piece.layout.stride,
         .dc_stride = H,
         .dgates_stride = 4 * H});
    product.step(s);
  }
  void add_weight_gradients(const Piece<T>& piece, std::int64_t, std::int64_t steps, T* rows, const T* dgates,
                            Tensor& dw) const {
    product.add_weight_gradients(piece, steps, rows, dgates, dw);
  }
};

}  // namespace

LstmResult lstm_forward(const LstmInput& given) {
  const Extents e = checked_extents(given);
  const Operands in = with_adjacent_rows(operands_of(given));
  const Tensor c0 = state_or_zeros(given.c0, in, e);
  const DType dtype = in.x.dtype();
  LstmResult result{.hs = Tensor::empty({e.batch, e.time, e.hidden}, dtype),
                    .h = {},
                    .c = {},
                    .gates = Tensor::empty({e.time, e.batch, 4 * e.hidden}, dtype),
                    .cs = Tensor::empty({e.time, e.batch, e.hidden}, dtype)};
  for_floating(dtype, "lstm", [&](auto zero) { run_forward<decltype(zero)>(in, e, c0, result); });
  return result;
}

LstmGradients lstm_backward(const LstmInput& given, const LstmResult& result, const Tensor& dhs,
                            const Tensor& dh, const Tensor& dc) {
  const Extents e = checked_extents(given);
  const Operands in = with_adjacent_rows(operands_of(given));
  const Tensor c0 = state_or_zeros(given.c0, in, e);
  require_cotangents("lstm", e, result.hs, dhs, dh, dc);
  LstmGradients d;
  d.dc0 = dc.defined() ? dc.clone() : Tensor::zeros({e.batch, e.hidden}, in.x.dtype());
  const Gradients shared = for_floating(in.x.dtype(), "lstm", [&](auto zero) {
    using T = decltype(zero);
    const LstmBack<T> cell(in, e, result, c0, d.dc0);
    return WayBack<T, LstmBack<T>>(in, e, RowLayout::x_h_1(e), result.hs, dhs, dh, cell).run();
  });
  d.dx = shared.dx;
  d.dh0 = shared.dh0;
  d.dwx = shared.dw.slice(0, 0, e.input);
  d.dwh = shared.dw.slice(0, e.input, e.input + e.hidden);
  d.dbias = shared.dw.select(0, e.input + e.hidden);
  return d;
}

}  // namespace heed
