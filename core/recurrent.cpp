#include "core/recurrent.h"

#include <cstring>
#include <string>

#include "core/error.h"
#include "core/index.h"

namespace heed {
namespace {

void require_lengths(const char* operation, const Tensor& lengths, std::int64_t batch, std::int64_t time) {
  if (!lengths.defined()) return;
  if (lengths.shape() != Shape{batch} || lengths.dtype() != DType::i32)
    throw ShapeError({.what = text(operation, ": lengths are ", lengths.dtype(), " ", lengths.shape()),
                      .expected = text("i32 [", batch, "]")});
  for (std::int64_t b = 0; b < batch; ++b)
    if (const std::int32_t length = lengths.data<std::int32_t>()[b * lengths.stride(0)];
        length < 0 || length > time)
      throw IndexError({.what = text(operation, ": length ", length, " of sequence ", b, " is outside the ",
                                     time, " steps")});
}

}  // namespace

Tensor reverse_sequences(const Tensor& x, const Tensor& lengths) {
  if (x.rank() < 2)
    throw ShapeError({.what = text("reverse_sequences: x is ", x.shape()),
                      .expected = "x [B, T, ...]",
                      .operands = text("x: ", x.origin())});
  const std::int64_t batch = x.extent(0), time = x.extent(1);
  require_lengths("reverse_sequences", lengths, batch, time);
  const Tensor from = x.contiguous_copy_if_needed();
  Tensor reversed = Tensor::empty(x.shape(), x.dtype());
  if (x.count() == 0) return reversed;
  const std::int64_t step = x.count() / (batch * time) * static_cast<std::int64_t>(size_of(x.dtype()));
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = lengths.defined() ? lengths.data<std::int32_t>()[b * lengths.stride(0)] : time;
    for (std::int64_t t = 0; t < time; ++t)
      std::memcpy(reversed.fresh_bytes() + (b * time + (t < length ? length - 1 - t : t)) * step,
                  from.bytes() + (b * time + t) * step, static_cast<std::size_t>(step));
  }
  return reversed;
}

namespace recurrent {

Extents checked_extents(const char* cell, const Operands& in, std::int64_t gates) {
  const std::string columns = gates == 1 ? "H" : text(gates, "H");
  const auto fail = [&](const std::string& expected) {
    throw ShapeError(
        {.what = text(cell, ": x is ", in.x.shape(), ", Wx is ", in.wx.shape(), ", Wh is ", in.wh.shape(),
                      ", bias is ", in.bias.shape()),
         .expected = expected,
         .operands = text("x: ", in.x.origin(), "    Wx: ", in.wx.origin(), "    Wh: ", in.wh.origin())});
  };
  if (in.x.rank() != 3) fail("x [B, T, D]");
  if (in.wh.rank() != 2 || in.wh.extent(1) != gates * in.wh.extent(0)) fail(text("Wh [H, ", columns, "]"));
  const Extents e{in.x.extent(0), in.x.extent(1), in.x.extent(2), in.wh.extent(0)};
  if (in.wx.shape() != Shape{e.input, gates * e.hidden})
    fail(text("Wx [D, ", columns, "] with D == x.shape[-1]"));
  if (in.bias.shape() != Shape{gates * e.hidden}) fail(text("bias [", columns, "]"));
  for (const Tensor* const other : {&in.wx, &in.wh, &in.bias})
    if (other->dtype() != in.x.dtype()) throw_dtypes_differ(in.x, *other, cell);
  require_state(cell, in.h0, in, e);
  require_state(cell, in.h_factors, in, e, "h_factors");
  require_lengths(cell, in.lengths, e.batch, e.time);
  return e;
}

void require_state(const char* cell, const Tensor& state, const Operands& in, const Extents& e,
                   const char* name) {
  if (!state.defined()) return;
  if (state.shape() != Shape{e.batch, e.hidden})
    throw ShapeError({.what = text(cell, ": ", name, " is ", state.shape()),
                      .expected = text("[", e.batch, ", ", e.hidden, "]")});
  if (state.dtype() != in.x.dtype()) throw_dtypes_differ(in.x, state, cell);
}

void require_cotangents(const char* cell, const Extents& e, const Tensor& hs, const Tensor& dhs,
                        const Tensor& dh, const Tensor& dc) {
  const auto require = [&](const Tensor& x, const Shape& shape, const char* name) {
    if (x.defined() && x.shape() != shape)
      throw ShapeError({.what = text(cell, "_backward: ", name, " is ", x.shape()), .expected = text(shape)});
  };
  require(hs, {e.batch, e.time, e.hidden}, "hs");
  require(dhs, {e.batch, e.time, e.hidden}, "dhs");
  require(dh, {e.batch, e.hidden}, "dh");
  require(dc, {e.batch, e.hidden}, "dc");
}

Tensor adjacent(const Tensor& x) { return x.defined() ? x.contiguous_copy_if_needed() : x; }

Operands with_adjacent_rows(Operands in) {
  in.x = adjacent(in.x);
  in.h0 = adjacent(in.h0);
  in.lengths = adjacent(in.lengths);
  in.h_factors = adjacent(in.h_factors);
  return in;
}

Tensor state_or_zeros(const Tensor& state, const Operands& in, const Extents& e) {
  return state.defined() ? adjacent(state) : Tensor::zeros({e.batch, e.hidden}, in.x.dtype());
}

Tensor last_states(const Operands& in, const Extents& e, const Tensor& states, const Tensor& initial) {
  Tensor last = state_or_zeros(initial, in, e).clone();
  const auto size = static_cast<std::int64_t>(size_of(states.dtype()));
  for (std::int64_t b = 0; b < e.batch; ++b)
    if (const std::int64_t t = last_step(in, e, b); t >= 0)
      std::memcpy(last.fresh_bytes() + b * e.hidden * size,
                  states.bytes() + (b * states.stride(0) + t * states.stride(1)) * size,
                  static_cast<std::size_t>(e.hidden * size));
  return last;
}

std::int64_t sequences_per_piece(const Operands& in, const Extents& e) {
  constexpr std::int64_t kSecondCache = 1 << 19;
  const std::int64_t weights = (e.input + e.hidden + 1) * in.bias.extent(0);
  const bool large = weights * static_cast<std::int64_t>(size_of(in.x.dtype())) > kSecondCache;
  const std::int64_t worth_waking = (std::int64_t{1} << 20) / std::max<std::int64_t>(1, e.time * weights);
  const std::int64_t most = std::max<std::int64_t>(large ? 64 : 32, worth_waking);
  const std::int64_t pieces = (e.batch + most - 1) / most;
  return pieces <= 1 ? std::max<std::int64_t>(1, e.batch) : (e.batch + pieces - 1) / pieces;
}

Tensor stacked_weights(const RowLayout& layout, const Tensor& wx, const Tensor& wh, const Tensor& bias) {
  const bool one_first = layout.one < layout.h;
  std::vector<Tensor> parts;
  if (wx.defined()) parts.push_back(wx);
  if (one_first) parts.push_back(bias.unsqueeze(0));
  if (wh.defined()) parts.push_back(wh);
  if (!one_first) parts.push_back(bias.unsqueeze(0));
  return concat(parts, 0);
}

}  // namespace recurrent

}  // namespace heed
