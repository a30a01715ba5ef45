#include "autograd/ops/recurrent.h"

#include "core/mask.h"
#include "core/recurrent.h"

namespace heed {

Var reverse_sequences(const Var& x, const Tensor& lengths, SourceLocation at) {
  return record({"reverse_sequences", at}, reverse_sequences(x.value(), lengths),
                wrt(x, [lengths](const Var& dy) {
                  return reverse_sequences(dy, lengths.defined() ? unchanged(lengths) : lengths);
                }));
}

namespace definition {

Var without_padding(const Var& x, const Tensor& lengths) {
  if (!lengths.defined()) return x;
  const Tensor real = Mask::padding(lengths, x.extent(1)).attends().transpose();  // [B, T, 1]
  return where(real, x, Var(Tensor::scalar(0, x.dtype())));
}

}  // namespace definition

}  // namespace heed
