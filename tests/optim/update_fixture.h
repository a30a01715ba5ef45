// Update rules against numbers of PyTorch 1.13.1: the same four gradients for every rule.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "optim/optimizer.h"

namespace heed::tests {

using Triple = std::array<double, 3>;

// import torch
// torch.set_default_dtype(torch.float64)
// gradients = [[0.1, -2.0, 3.0], [-0.4, 0.5, 0.0], [0.7, -0.1, -1.5], [0.2, 0.3, 1e-4]]
// def run(optimizer, **settings):
//     p = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
//     o = optimizer([p], **settings)
//     for g in gradients:
//         p.grad = torch.tensor(g)
//         o.step()
//         print("{" + ", ".join(repr(x) for x in p.tolist()) + "},")
inline const Triple kStart = {1.0, -2.0, 0.5};
inline const std::array<Triple, 4> kGradients = {
    {{0.1, -2.0, 3.0}, {-0.4, 0.5, 0.0}, {0.7, -0.1, -1.5}, {0.2, 0.3, 1e-4}}};

inline Tensor triple(const Triple& values, DType dtype) { return Tensor::of(values, {3}, dtype); }

/// The largest difference, over four steps, between the parameter and what PyTorch made of it.
template <class Make>
double difference_from_pytorch(Make make_optimizer, const std::array<Triple, 4>& expected, DType dtype) {
  Var p = Var::parameter(triple(kStart, dtype));
  auto optimizer = make_optimizer(std::vector<Var>{p});
  double largest = 0;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    p.set_grad(Var(triple(kGradients[t], dtype)));
    optimizer.step();
    largest = std::max(largest, largest_difference(p.value().to(DType::f64), triple(expected[t], DType::f64)));
  }
  return largest;
}

}  // namespace heed::tests
