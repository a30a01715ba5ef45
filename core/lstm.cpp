#include "core/lstm.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "core/matmul.h"
#include "core/parallel.h"
#include "core/reduce.h"

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

// Sequences of one piece: enough rows for an efficient product, and no piece so small that a thread is woken in
// vain.
std::int64_t sequences_per_piece(const Extents& e) {
  const std::int64_t cost = std::max<std::int64_t>(1, e.time * e.hidden * e.hidden * 4);
  return std::max<std::int64_t>(32, (std::int64_t{1} << 20) / cost);
}

// The state before the first step, for rows `begin` on: the one given or zeros.
template <class T>
struct Before {
  const T* data;
  std::int64_t stride;
};

template <class T>
Tensor packed_matrix(const Tensor& w) {
  const auto& loops = kernels::loops<T>();
  Tensor packed = Tensor::empty({loops.gemm_packed_size(w.extent(0), w.extent(1))}, w.dtype());
  loops.gemm_pack(w.extent(0), w.extent(1), {w.data<T>(), w.stride(0), w.stride(1)}, packed.fresh_data<T>());
  return packed;
}

const std::int32_t* lengths_of(const LstmInput& in) {
  return in.lengths.defined() ? in.lengths.data<std::int32_t>() : nullptr;
}

// The step of sequence b after which its state is final, -1 when it has no step.
std::int64_t last_step(const LstmInput& in, const Extents& e, std::int64_t b) {
  return (in.lengths.defined() ? in.lengths.data<std::int32_t>()[b] : e.time) - 1;
}

template <class T>
void run_forward(const LstmInput& in, const Extents& e, LstmResult& out) {
  const auto& loops = kernels::loops<T>();
  const std::int64_t B = e.batch, time = e.time, D = e.input, H = e.hidden;  // bindings cannot be captured
  const Tensor x = in.x.contiguous_copy_if_needed(), bias = in.bias.contiguous_copy_if_needed();
  const Tensor h0 = (in.h0.defined() ? in.h0 : Tensor::zeros({B, H}, x.dtype())).contiguous_copy_if_needed();
  const Tensor c0 = (in.c0.defined() ? in.c0 : Tensor::zeros({B, H}, x.dtype())).contiguous_copy_if_needed();
  // The input's part of all gates of all steps in one product.
  T* const gates = out.gates.fresh_data<T>();
  for (std::int64_t row = 0; row < B * time; ++row) std::copy_n(bias.data<T>(), 4 * H, gates + row * 4 * H);
  Tensor all_gates = out.gates.reshape({B * time, 4 * H});
  add_matmul(all_gates, x.reshape({B * time, D}), in.wx);

  const Tensor wh = packed_matrix<T>(in.wh);
  T *const hs = out.hs.fresh_data<T>(), *const cs = out.cs.fresh_data<T>(),
           *const tanh_cs = out.tanh_cs.fresh_data<T>();
  parallel_for(B, sequences_per_piece(e), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t rows = end - begin;
    for (std::int64_t t = 0; t < time; ++t) {
      const std::int64_t at = (begin * time + t) * H;
      const Before<T> h = t == 0 ? Before<T>{h0.data<T>() + begin * H, H} : Before<T>{hs + at - H, time * H};
      const Before<T> c = t == 0 ? Before<T>{c0.data<T>() + begin * H, H} : Before<T>{cs + at - H, time * H};
      if (t > 0 || in.h0.defined())
        loops.gemm_packed(rows, 4 * H, H, {h.data, h.stride, 1}, wh.data<T>(),
                          {gates + at * 4, time * 4 * H, 1}, true);
      loops.lstm_forward({.rows = rows,
                          .hidden = H,
                          .step = t,
                          .lengths = lengths_of(in) == nullptr ? nullptr : lengths_of(in) + begin,
                          .gates = gates + at * 4,
                          .gates_stride = time * 4 * H,
                          .c_before = c.data,
                          .c_before_stride = c.stride,
                          .c = cs + at,
                          .tanh_c = tanh_cs + at,
                          .h = hs + at,
                          .c_stride = time * H,
                          .tanh_c_stride = time * H,
                          .h_stride = time * H});
    }
  });
  for (std::int64_t b = 0; b < B; ++b) {
    const std::int64_t last = last_step(in, e, b);
    const T* const h = last < 0 ? h0.data<T>() + b * H : hs + (b * time + last) * H;
    const T* const c = last < 0 ? c0.data<T>() + b * H : cs + (b * time + last) * H;
    std::copy_n(h, H, out.h.fresh_data<T>() + b * H);
    std::copy_n(c, H, out.c.fresh_data<T>() + b * H);
  }
}

// The states before each step: h0, then hs but for its last step.
template <class T>
Tensor states_before(const LstmInput& in, const Extents& e, const Tensor& hs) {
  const auto [B, time, D, H] = e;
  Tensor before = Tensor::empty({B, time, H}, hs.dtype());
  const Tensor h0 = (in.h0.defined() ? in.h0 : Tensor::zeros({B, H}, hs.dtype())).contiguous_copy_if_needed();
  for (std::int64_t b = 0; b < B && time > 0; ++b) {
    std::copy_n(h0.data<T>() + b * H, H, before.fresh_data<T>() + b * time * H);
    std::copy_n(hs.data<T>() + b * time * H, (time - 1) * H, before.fresh_data<T>() + (b * time + 1) * H);
  }
  return before;
}

template <class T>
void run_backward(const LstmInput& in, const Extents& e, const LstmResult& kept, const Tensor& dhs_given,
                  const Tensor& dh_given, const Tensor& dc_given, Tensor& dgates, Tensor& dh0, Tensor& dc0) {
  const auto& loops = kernels::loops<T>();
  const std::int64_t B = e.batch, time = e.time, H = e.hidden;
  const auto add = loops.binary[static_cast<int>(kernels::Binary::add)];
  const auto or_zeros = [&](const Tensor& given, const Shape& shape) {
    return given.defined() ? given.contiguous_copy_if_needed() : Tensor::zeros(shape, in.x.dtype());
  };
  const Tensor dh_last = or_zeros(dh_given, {B, H}), c0 = or_zeros(in.c0, {B, H});
  const Tensor dhs = dhs_given.defined() ? dhs_given.contiguous_copy_if_needed() : Tensor();
  const Tensor whT = packed_matrix<T>(in.wh.transpose());  // [4H, H]
  // dh0 and dc0 hold the running gradients of h and c on the way back through time.
  dh0 = Tensor::zeros({B, H}, in.x.dtype());
  dc0 = dc_given.defined() ? dc_given.clone() : Tensor::zeros({B, H}, in.x.dtype());
  T *const dh = dh0.fresh_data<T>(), *const dc = dc0.fresh_data<T>(), *const dz = dgates.fresh_data<T>();
  parallel_for(B, sequences_per_piece(e), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t rows = end - begin;
    for (std::int64_t t = time - 1; t >= -1; --t) {
      // The gradient of h_t: from the next step (already in dh), from its use as an output, and as the final
      // state.
      for (std::int64_t b = begin; b < end; ++b) {
        if (t >= 0 && dhs.defined())
          add(H, dh + b * H, 1, dhs.data<T>() + (b * time + t) * H, 1, dh + b * H, 1);
        if (last_step(in, e, b) == t) add(H, dh + b * H, 1, dh_last.data<T>() + b * H, 1, dh + b * H, 1);
      }
      if (t < 0) break;
      const std::int64_t at = (begin * time + t) * H;
      const Before<T> c =
          t == 0 ? Before<T>{c0.data<T>() + begin * H, H} : Before<T>{kept.cs.data<T>() + at - H, time * H};
      loops.lstm_backward({.rows = rows,
                           .hidden = H,
                           .step = t,
                           .lengths = lengths_of(in) == nullptr ? nullptr : lengths_of(in) + begin,
                           .gates = kept.gates.data<T>() + at * 4,
                           .c_before = c.data,
                           .tanh_c = kept.tanh_cs.data<T>() + at,
                           .dh = dh + begin * H,
                           .dc = dc + begin * H,
                           .dgates = dz + at * 4,
                           .gates_stride = time * 4 * H,
                           .c_before_stride = c.stride,
                           .tanh_c_stride = time * H,
                           .dh_stride = H,
                           .dc_stride = H,
                           .dgates_stride = time * 4 * H});
      loops.gemm_packed(rows, H, 4 * H, {dz + at * 4, time * 4 * H, 1}, whT.data<T>(), {dh + begin * H, H, 1},
                        false);
    }
  });
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
  LstmResult result{Tensor::empty({B, time, H}, dtype), Tensor::empty({B, H}, dtype),
                    Tensor::empty({B, H}, dtype),       Tensor::empty({B, time, 4 * H}, dtype),
                    Tensor::empty({B, time, H}, dtype), Tensor::empty({B, time, H}, dtype)};
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
  LstmGradients gradients;
  Tensor dgates = Tensor::empty({B, time, 4 * H}, input.x.dtype());
  Tensor before;
  for_floating(input.x.dtype(), "lstm", [&](auto zero) {
    using T = decltype(zero);
    run_backward<T>(input, e, result, dhs, dh, dc, dgates, gradients.dh0, gradients.dc0);
    before = states_before<T>(input, e, result.hs);
  });
  const Tensor rows = dgates.reshape({B * time, 4 * H});
  gradients.dx = matmul(rows, input.wx.transpose()).reshape({B, time, D});
  gradients.dwx = matmul(input.x.contiguous_copy_if_needed().reshape({B * time, D}).transpose(), rows);
  gradients.dwh = matmul(before.reshape({B * time, H}).transpose(), rows);
  gradients.dbias = sum(rows, 0);
  return gradients;
}

}  // namespace heed
