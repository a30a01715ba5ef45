#include "data/masking.h"

#include "core/error.h"

namespace heed {
namespace {

void check(const MaskingOptions& options) {
  const auto [share, masked, random] = options;
  if (!(share >= 0 && share <= 1 && masked >= 0 && random >= 0 && masked + random <= 1))
    throw ConfigError({.what = text("mask_tokens: share ", share, ", masked ", masked, ", random ", random),
                       .expected = "0 <= share <= 1, masked >= 0, random >= 0 and masked + random <= 1"});
}

}  // namespace

MaskedBatch mask_tokens(const Tokens& tokens, const Tokenizer& tokenizer, Rng& rng,
                        const MaskingOptions& options) {
  check(options);
  const std::int32_t mask = tokenizer.mask();
  MaskedBatch batch{{tokens.ids.clone(), tokens.lengths}, Tensor::full(tokens.ids.shape(), -1, DType::i32)};
  for (std::int64_t b = 0; b < tokens.batch(); ++b) {
    const std::vector<std::int32_t> sequence = tokens.sequence(b);
    std::int32_t* const input = batch.input.ids.fresh_data<std::int32_t>() + b * tokens.time();
    std::int32_t* const target = batch.target.fresh_data<std::int32_t>() + b * tokens.time();
    for (std::size_t t = 0; t < sequence.size(); ++t) {
      if (sequence[t] < 0 || sequence[t] >= tokenizer.size())
        throw IndexError({.what = text("mask_tokens: id ", sequence[t], " at [", b, ", ", t,
                                       "] is outside the vocabulary of ", tokenizer.size(), " ids")});
      if (!tokenizer.is_token(sequence[t]) || !rng.chance(options.share)) continue;
      target[t] = sequence[t];
      const double fate = rng.uniform();
      if (fate < options.masked) {
        input[t] = mask;
      } else if (fate < options.masked + options.random) {
        input[t] = static_cast<std::int32_t>(Tokenizer::kFirstToken + rng.below(tokenizer.tokens()));
      }
    }
  }
  return batch;
}

}  // namespace heed
