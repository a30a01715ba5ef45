// Traces of models and loops, for the tests of what is drawn of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autograd/inspect/trace.h"
#include "autograd/ops.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"

namespace heed::tests {

inline Tensor drawn_ids(const Shape& shape, std::int64_t vocabulary, Rng& rng) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < shape.count(); ++i)
    ids.push_back(static_cast<std::int32_t>(3 + rng.uniform() * static_cast<double>(vocabulary - 3)));
  return Tensor::of(ids, shape);
}

/// A training step of a model with source and target, traced.
template <class Model>
std::unique_ptr<Trace> traced_step(const Model& model, Rng& rng) {
  const Tensor source = drawn_ids({2, 6}, 12, rng), in = drawn_ids({2, 5}, 12, rng),
               out = drawn_ids({2, 5}, 12, rng);
  auto trace = std::make_unique<Trace>();
  cross_entropy(model({source, {}}, {in, {}}), out).backward();
  trace->stop();
  return trace;
}

inline std::unique_ptr<Trace> traced_seq2seq() {
  Rng rng(1);
  return traced_step(AttentionSeq2seq({.vocabulary = 12, .embedding = 4, .hidden = 8}, rng), rng);
}

inline std::unique_ptr<Trace> traced_transformer() {
  Rng rng(1);
  return traced_step(Transformer({.vocabulary = 12, .layers = 2, .layer = {.width = 8, .heads = 2}}, rng), rng);
}

/// A recurrence written out, step after step.
inline std::unique_ptr<Trace> traced_loop(std::int64_t steps) {
  Rng rng(1);
  const Var wx = Var::parameter(Tensor::normal({3, 4}, 0, 1, rng), "wx"),
            wh = Var::parameter(Tensor::normal({4, 4}, 0, 0.3, rng), "wh");
  const Var x(Tensor::normal({2, steps, 3}, 0, 1, rng));
  auto trace = std::make_unique<Trace>();
  Var h(Tensor::zeros({2, 4}));
  for (std::int64_t t = 0; t < steps; ++t) {
    const Var from_x = matmul(select(x, 1, t), wx), from_h = matmul(h, wh);
    h = tanh(from_x + from_h);
  }
  sum(square(h)).backward();
  trace->stop();
  return trace;
}

}  // namespace heed::tests
