#include "layers/attention.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "layers/attention_maps.h"

namespace heed {

Var WeightSum::operator()(const Var& hs, const Var& a) const {
  const ErrorFrame frame = enter();
  return note("context", sum(hs * unsqueeze(a, -1), 1));  // [B, S, H] * [B, S, 1] -> [B, H]
}

Var AttentionWeight::operator()(const Var& hs, const Var& h, const Mask& mask) const {
  const ErrorFrame frame = enter();
  const Var scores = note("scores", sum(hs * unsqueeze(h, 1), -1));  // [B, S, H] * [B, 1, H] -> [B, S]
  return note("weights", softmax(scores, mask));
}

Attention::Attention() : Module("Attention") {
  register_module("attention_weight", attention_weight_);
  register_module("weight_sum", weight_sum_);
}

Attended Attention::operator()(const Var& hs, const Var& h, const Mask& mask) const {
  const ErrorFrame frame = enter();
  const Var weights = note("weights", attention_weight_(hs, h, mask));
  if (AttentionMaps::wanted(*this))
    AttentionMaps::keep(*this, weights.value().unsqueeze(1).unsqueeze(1));  // [B, 1, 1, S]
  return {note("context", weight_sum_(hs, weights)), weights};
}

Attended TimeAttention::operator()(const Var& hs_enc, const Var& hs_dec, const Mask& mask) const {
  const ErrorFrame frame = enter();
  const auto fits = [&] {
    return hs_enc.rank() == 3 && hs_dec.rank() == 3 && hs_enc.extent(0) == hs_dec.extent(0) &&
           hs_enc.extent(2) == hs_dec.extent(2);
  };
  if (!fits())  // the product alone would repeat a batch of 1
    throw ShapeError(
        {.what = text("attention: hs_enc is ", hs_enc.shape(), ", hs_dec is ", hs_dec.shape()),
         .expected = "hs_enc [B, S, H] and hs_dec [B, T, H]",
         .operands = text("hs_enc: ", hs_enc.value().origin(), "    hs_dec: ", hs_dec.value().origin())});
  const Var scores = note("scores", matmul_transposed(hs_dec, hs_enc));  // [B, T, H], [B, S, H] -> [B, T, S]
  const Var weights = note("weights", softmax(scores, mask));
  if (AttentionMaps::wanted(*this)) AttentionMaps::keep(*this, weights.value().unsqueeze(1));  // [B, 1, T, S]
  return {note("context", matmul(weights, hs_enc)), weights};  // [B, T, S] x [B, S, H] -> [B, T, H]
}

}  // namespace heed
