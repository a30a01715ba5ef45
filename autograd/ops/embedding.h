// Rows chosen by ids.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "core/index.h"

namespace heed {

/// table's rows added up by id: rows [..., E], ids [...] -> [V, E]: the gradient of embedding.   drows = its
/// rows by id
Var scatter_rows(const Var& rows, const Tensor& ids, std::int64_t table_rows);

/// Rows of a table.
///
///   table [V, E]   ids [...] (i32)   ->   y [..., E]
///   dtable = dy added up by id
///
/// Throws IndexError naming the first id outside [0, V).
inline Var embedding(const Var& table, const Tensor& ids, SourceLocation at = {}) {
  return record({"embedding", at}, take_rows(table.value(), ids),
                wrt(table, [ids, rows = table.extent(0)](const Var& dy) {
                  return scatter_rows(dy, unchanged(ids), rows);
                }));
}

struct EmbeddingOptions {
  std::int32_t padding;  ///< the id whose row stays as it is: it gets no gradient
};

/// The same, where one id stands for padding: `embedding(table, ids, {.padding = 0})`.
///   dtable = dy added up by id, 0 in the row of the padding
inline Var embedding(const Var& table, const Tensor& ids, const EmbeddingOptions& options,
                     SourceLocation at = {}) {
  return record({"embedding", at}, take_rows(table.value(), ids),
                wrt(table, [ids, padding = options.padding, rows = table.extent(0)](const Var& dy) {
                  const Tensor is_padding = equal(unchanged(ids), Tensor::scalar(padding, DType::i32));
                  const Var zero(Tensor::scalar(0, dy.dtype()));
                  return scatter_rows(where(is_padding.unsqueeze(-1), zero, dy), ids, rows);
                }));
}

inline Var scatter_rows(const Var& rows, const Tensor& ids, std::int64_t table_rows) {
  Tensor table = Tensor::zeros({table_rows, rows.extent(-1)}, rows.dtype());
  add_rows(table, ids, rows.value());
  return record("scatter_rows", std::move(table),
                wrt(rows, [ids](const Var& dtable) { return embedding(dtable, unchanged(ids)); }));
}

/// Positions of the first axis chosen by ids: x [N, ...], ids [K] (i32) -> [K, ...].
///   dx = dy added up by id
/// Throws as embedding.
inline Var select_rows(const Var& x, const Tensor& ids, SourceLocation at = {}) {
  const Shape shape = x.shape().with(0, ids.count());
  const Var rows = reshape(x, {x.extent(0), x.shape().without(0).count()}, at);
  return reshape(embedding(rows, ids, at), std::span(shape.begin(), shape.end()), at);
}

}  // namespace heed
