#include "core/tokens.h"

#include <algorithm>

#include "core/error.h"

namespace heed {
namespace {

std::int64_t length_of(const Tokens& tokens, std::int64_t b) {
  if (!tokens.lengths.defined()) return tokens.time();
  const std::int64_t length = tokens.lengths.data<std::int32_t>()[b * tokens.lengths.stride(0)];
  if (length < 0 || length > tokens.time())
    throw IndexError({.what = text("tokens: length ", length, " of sequence ", b, " is outside the ids ",
                                   tokens.ids.shape())});
  return length;
}

void require_form(const Tokens& tokens) {
  const bool lengths_fit = !tokens.lengths.defined() || (tokens.lengths.dtype() == DType::i32 &&
                                                         tokens.lengths.shape() == Shape{tokens.batch()});
  if (tokens.ids.rank() != 2 || tokens.ids.dtype() != DType::i32 || !lengths_fit)
    throw ShapeError({.what = text("tokens: ids are ", tokens.ids.dtype(), " ", tokens.ids.shape(),
                                   ", lengths are ", tokens.lengths.dtype(), " ", tokens.lengths.shape()),
                      .expected = "ids i32 [B, T], lengths i32 [B] or undefined"});
}

}  // namespace

std::vector<std::int32_t> Tokens::sequence(std::int64_t b) const {
  require_form(*this);
  if (b < 0 || b >= batch())
    throw IndexError({.what = text("tokens: sequence ", b, " is outside the ids ", ids.shape())});
  const Tensor row = ids.select(0, b).contiguous_copy_if_needed();
  const auto* const begin = row.data<std::int32_t>();
  return {begin, begin + length_of(*this, b)};
}

Tokens batch_of(std::span<const std::vector<std::int32_t>> sequences, std::int32_t filler) {
  const std::int64_t batch = static_cast<std::int64_t>(sequences.size());
  std::size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  Tokens tokens{Tensor::full({batch, static_cast<std::int64_t>(longest)}, filler, DType::i32),
                Tensor::empty({batch}, DType::i32)};
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    std::copy(sequences[b].begin(), sequences[b].end(), tokens.ids.fresh_data<std::int32_t>() + b * longest);
    tokens.lengths.fresh_data<std::int32_t>()[b] = static_cast<std::int32_t>(sequences[b].size());
  }
  const auto full = [&](const auto& sequence) { return sequence.size() == longest; };
  if (std::all_of(sequences.begin(), sequences.end(), full)) tokens.lengths = Tensor();
  return tokens;
}

Mask padding_mask(const Tokens& tokens) {
  require_form(tokens);
  bool full = true;
  for (std::int64_t b = 0; b < tokens.batch(); ++b) full = length_of(tokens, b) == tokens.time() && full;
  return full ? Mask() : Mask::padding(tokens.lengths, tokens.time());
}

Tokens reversed(const Tokens& tokens) {
  require_form(tokens);
  Tokens result{tokens.ids.clone(), tokens.lengths};
  auto* const ids = result.ids.fresh_data<std::int32_t>();
  for (std::int64_t b = 0; b < tokens.batch(); ++b)
    std::reverse(ids + b * tokens.time(), ids + b * tokens.time() + length_of(tokens, b));
  return result;
}

std::int64_t count_targets(const Tensor& targets, std::int32_t ignored) {
  const Tensor ids = targets.contiguous_copy_if_needed();
  const std::int32_t* const id = ids.data<std::int32_t>();
  return ids.count() - std::count(id, id + ids.count(), ignored);
}

Tensor columns_reversed(const Tensor& weights, const Tokens& source) {
  if (weights.rank() != 3 || weights.extent(0) != source.batch() || weights.extent(2) != source.time())
    throw ShapeError(
        {.what = text("columns_reversed: weights are ", weights.shape(), ", sources are ", source.ids.shape()),
         .expected = "weights [B, T, S] over sources [B, S]"});
  require_form(source);
  Tensor result = weights.clone();
  for_floating(weights.dtype(), "columns_reversed", [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t target = weights.extent(1), columns = weights.extent(2);
    for (std::int64_t row = 0; row < weights.extent(0) * target; ++row) {
      T* const from = result.fresh_data<T>() + row * columns;
      std::reverse(from, from + length_of(source, row / target));
    }
  });
  return result;
}

}  // namespace heed
