#include "data/loader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed {

Loader::Loader(const Pairs& pairs, const Tokenizers& tokenizers, const LoaderOptions& options)
    : pairs_(pairs, tokenizers), options_(options) {
  if (pairs.empty()) throw ConfigError({.what = "Loader: there are no pairs"});
  if (options.batch < 1 || options.sort_window < 0)
    throw ConfigError({.what = text("Loader: batch ", options.batch, ", sort_window ", options.sort_window),
                       .expected = "batch >= 1 and sort_window >= 0"});
}

std::int64_t Loader::batches() const {
  const std::int64_t n = pairs_.size();
  return options_.drop_last ? n / options_.batch : (n + options_.batch - 1) / options_.batch;
}

Epoch Loader::epoch(const Epoch::State& state) const {
  Rng source(state.rng);
  Rng rng = source.split();
  const std::int64_t n = pairs_.size(), size = options_.batch;
  std::vector<std::int64_t> drawn = numbers_to(n, options_.shuffle, rng), starts;
  for (std::int64_t b = 0; b < batches(); ++b) starts.push_back(b * size);
  if (options_.sort_window > 0) {
    const std::int64_t window = options_.sort_window * size;
    for (std::int64_t begin = 0; begin < n; begin += window)
      std::stable_sort(
          drawn.begin() + begin, drawn.begin() + std::min(n, begin + window),
          [&](std::int64_t a, std::int64_t b) { return pairs_.source_length(a) < pairs_.source_length(b); });
    // Sorted batches come in random order, or the model would see lengths rise and fall.
    if (options_.shuffle) rng.shuffle(std::span(starts));
  }
  std::vector<std::int64_t> order, ends;
  for (const std::int64_t start : starts) {
    order.insert(order.end(), drawn.begin() + start, drawn.begin() + std::min(n, start + size));
    ends.push_back(static_cast<std::int64_t>(order.size()));
  }
  return Epoch(pairs_, state, std::move(order), std::move(ends));
}

}  // namespace heed
