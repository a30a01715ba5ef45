#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace heed {

Batch Epoch::next() {
  if (done()) throw IndexError({.what = text("Epoch::next: all ", batches(), " batches have been given out")});
  const auto i = static_cast<std::size_t>(state_.next++);
  const std::int64_t begin = i == 0 ? 0 : ends_[i - 1];
  return pairs_->batch(
      std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(ends_[i] - begin)));
}

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

Epoch Loader::epoch(Rng& rng) const {
  Epoch epoch = this->epoch(Epoch::State{rng.state(), 0});
  rng.split();  // the caller's generator moves on, by the same amount for every size of data
  return epoch;
}

Epoch Loader::epoch(const Epoch::State& state) const {
  Epoch epoch;
  epoch.pairs_ = &pairs_;
  epoch.state_ = state;
  Rng source(state.rng);
  Rng rng = source.split();
  const std::int64_t n = pairs_.size(), size = options_.batch;
  if (options_.shuffle) {
    epoch.order_ = rng.permutation(n);
  } else {
    epoch.order_.resize(static_cast<std::size_t>(n));
    std::iota(epoch.order_.begin(), epoch.order_.end(), std::int64_t{0});
  }
  std::vector<std::int64_t> starts;
  for (std::int64_t b = 0; b < batches(); ++b) starts.push_back(b * size);
  if (options_.sort_window > 0) {
    const std::int64_t window = options_.sort_window * size;
    for (std::int64_t begin = 0; begin < n; begin += window)
      std::stable_sort(
          epoch.order_.begin() + begin, epoch.order_.begin() + std::min(n, begin + window),
          [&](std::int64_t a, std::int64_t b) { return pairs_.source_length(a) < pairs_.source_length(b); });
    // Sorted batches come in random order, or the model would see lengths rise and fall.
    if (options_.shuffle) rng.shuffle(std::span(starts));
  }
  std::vector<std::int64_t> order;
  for (const std::int64_t start : starts) {
    order.insert(order.end(), epoch.order_.begin() + start, epoch.order_.begin() + std::min(n, start + size));
    epoch.ends_.push_back(static_cast<std::int64_t>(order.size()));
  }
  epoch.order_ = std::move(order);
  if (state.next < 0 || state.next > epoch.batches())
    throw ConfigError({.what = text("Loader::epoch: a pass of ", epoch.batches(),
                                    " batches cannot go on at batch ", state.next)});
  return epoch;
}

}  // namespace heed
