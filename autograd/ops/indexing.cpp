#include "autograd/ops/indexing.h"

#include "autograd/backward.h"
#include "autograd/ops/arithmetic.h"

namespace heed {

Var Var::operator[](const Indices& where) const { return part(*this, where.parts(), where.at()); }

Var scatter(const Var& x, int axis, const Tensor& positions, const Var& source, SourceLocation at) {
  return record({"scatter", at}, scatter(x.value(), axis, positions, source.value()),
                wrt(x,
                    [axis, positions](const Var& dy) {
                      const Var zeros(Tensor::zeros(positions.shape(), dy.dtype()));
                      return scatter(dy, axis, unchanged(positions), zeros);
                    }),
                wrt(source, [axis, positions](const Var& dy) {
                  const Tensor stays = scatter_stays(dy.shape(), axis, unchanged(positions));
                  return gather(dy, axis, positions) * Var(stays.to(dy.dtype()));
                }));
}

Var take_along_axis(const Var& x, int axis, const Tensor& positions, SourceLocation at) {
  const auto [from, where] = aligned_along(x.value(), axis, positions);
  return gather(from.shape() == x.shape() ? x : expand(x, from.shape(), at), axis, where, at);
}

}  // namespace heed
