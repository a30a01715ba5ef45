#include "core/rnn.h"

#include "core/recurrent.h"

namespace heed {
namespace {

using namespace recurrent;

Operands operands_of(const RnnInput& in) {
  return {in.x, in.h0, in.wx, in.wh, in.bias, in.lengths, in.h_factors};
}

// The states are all that the way back needs: the derivative of tanh and of max(0, .) is a function of its
// value.
template <class T>
struct RnnBack {
  const Tensor& hs;
  kernels::Binary gradient;
  StackedProductBack<T> product;
  std::int64_t width;
  Shape weight_gradients;

  RnnBack(const Operands& in, const Extents& e, const Tensor& states, RnnActivation activation)
      : hs(states),
        gradient(activation == RnnActivation::tanh ? kernels::Binary::tanh_gradient
                                                   : kernels::Binary::relu_gradient),
        product(in, e),
        width(e.hidden),
        weight_gradients(product.weight_gradients()) {}

  void step(const StepBack<T>& s) const {
    const Piece<T>& piece = s.piece;
    const std::int64_t D = piece.e.input, H = piece.e.hidden;
    const auto differentiate = kernels::loops<T>().binary[static_cast<int>(gradient)];
    for (std::int64_t r = 0; r < piece.rows(); ++r) {
      T* const dgates = s.dgates + r * H;
      if (last_step(piece.in, piece.e, piece.begin + r) < s.t)
        std::fill_n(dgates, H, T(0));
      else
        differentiate(H, s.dxh + r * piece.layout.stride + D, 1,
                      hs.data<T>() + ((piece.begin + r) * piece.e.time + s.t) * H, 1, dgates, 1);
    }
    product.step(s);
  }
  void add_weight_gradients(const Piece<T>& piece, std::int64_t, std::int64_t steps, T* rows, const T* dgates,
                            Tensor& dw) const {
    product.add_weight_gradients(piece, steps, rows, dgates, dw);
  }
};

template <class T>
void run_forward(const RnnInput& given, const Operands& in, const Extents& e, T* hs) {
  const std::int64_t H = e.hidden;
  const RowLayout layout = RowLayout::x_h_1(e);
  const StepProduct<T> product(e, layout, in.wx, in.wh, in.bias);
  const auto activate = kernels::loops<T>().unary[static_cast<int>(
      given.activation == RnnActivation::tanh ? kernels::Unary::tanh : kernels::Unary::relu)];
  walk<T>(in, e, layout, hs, [&](const Piece<T>& piece, std::int64_t t, const T* rows) {
    T* const to = hs + (piece.begin * e.time + t) * H;
    product(piece, t, rows, {to, e.time * H, 1});
    for (std::int64_t r = 0; r < piece.rows(); ++r) {
      T* const h = to + r * e.time * H;
      if (last_step(in, e, piece.begin + r) < t)
        std::fill_n(h, H, T(0));
      else
        activate(H, h, 1, h, 1);
    }
  });
}

}  // namespace

RnnResult rnn_forward(const RnnInput& given) {
  const Extents e = checked_extents("rnn", operands_of(given), 1);
  const Operands in = with_adjacent_rows(operands_of(given));
  RnnResult result{.hs = Tensor::empty({e.batch, e.time, e.hidden}, in.x.dtype()), .h = {}};
  for_floating(in.x.dtype(), "rnn",
               [&](auto zero) { run_forward(given, in, e, result.hs.fresh_data<decltype(zero)>()); });
  result.h = last_states(in, e, result.hs, in.h0);
  return result;
}

RnnGradients rnn_backward(const RnnInput& given, const RnnResult& result, const Tensor& dhs, const Tensor& dh) {
  const Extents e = checked_extents("rnn", operands_of(given), 1);
  const Operands in = with_adjacent_rows(operands_of(given));
  require_cotangents("rnn", e, result.hs, dhs, dh);
  const Gradients shared = for_floating(in.x.dtype(), "rnn", [&](auto zero) {
    using T = decltype(zero);
    const RnnBack<T> cell(in, e, result.hs, given.activation);
    return WayBack<T, RnnBack<T>>(in, e, RowLayout::x_h_1(e), result.hs, dhs, dh, cell).run();
  });
  const std::int64_t D = e.input, H = e.hidden;
  return {shared.dx, shared.dh0, shared.dw.slice(0, 0, D), shared.dw.slice(0, D, D + H),
          shared.dw.select(0, D + H)};
}

}  // namespace heed
