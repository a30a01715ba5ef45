#include "layers/copying.h"

#include "autograd/ops/embedding.h"
#include "autograd/ops/logistic.h"
#include "autograd/ops/softmax.h"

namespace heed {
namespace {

// Far below any logarithm, and no infinity, of which differences would have no value.
constexpr double kLogOfNothing = -1e30;

// ids [B, S] as rows of a table that has V for each sequence.
Tensor rows_of_sequences(const Tensor& ids, std::int64_t vocabulary) {
  Tensor rows = Tensor::empty(ids.shape(), DType::i32);
  const std::int64_t batch = ids.extent(0), sources = ids.extent(1);
  const auto* const id = ids.data<std::int32_t>();
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t s = 0; s < sources; ++s) {
      const std::int32_t v = id[b * ids.stride(0) + s * ids.stride(1)];
      if (v < 0 || v >= vocabulary)
        throw IndexError({.what = text("attention_by_id: id ", std::int64_t{v}, " at [", b, ", ", s,
                                       "] of ids ", ids.shape(), " is outside a vocabulary of ", vocabulary),
                          .expected = text("0 <= id < ", vocabulary)});
      rows.fresh_data<std::int32_t>()[b * sources + s] = static_cast<std::int32_t>(b * vocabulary + v);
    }
  return rows;
}

}  // namespace

Var attention_by_id(const Var& weights, const Tensor& ids, std::int64_t vocabulary) {
  if (weights.rank() != 3 || ids.shape() != Shape{weights.extent(0), weights.extent(2)})
    throw ShapeError({.what = text("attention_by_id: weights are ", weights.shape(), ", ids are ", ids.shape()),
                      .expected = "weights [B, T, S] and ids [B, S]",
                      .operands = text("weights: ", weights.value().origin())});
  const std::int64_t batch = weights.extent(0), steps = weights.extent(1);
  const Var by_source = transpose(weights);  // [B, S, T]
  const Var by_id = scatter_rows(by_source, rows_of_sequences(ids, vocabulary), batch * vocabulary);
  return transpose(reshape(by_id, {batch, vocabulary, steps}));  // [B V, T] -> [B, T, V]
}

Var copying_scores(const Var& scores, const Var& gate, const Var& weights, const Tensor& ids) {
  const Var copied = attention_by_id(weights, ids, scores.extent(2));
  const auto number = [&](double value) { return Var(Tensor::scalar(value, scores.dtype())); };
  const Tensor can_be_copied = greater(copied.value(), number(0).value());
  const Var log_copied = log(where(can_be_copied, copied, number(1)));  // no logarithm of 0, nor its gradient
  const Var chosen = log_softmax(scores) - softplus(-gate);             // log(g softmax(scores))
  const Var taken = where(can_be_copied, log_copied - softplus(gate), number(kLogOfNothing));
  return chosen + softplus(taken - chosen);
}

}  // namespace heed
