// The loader: all examples once an epoch, in batches, in an order drawn from a seed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "data/batch.h"

namespace heed {

struct LoaderOptions {
  std::int64_t batch = 128;  ///< examples a batch; the last one of an epoch may have fewer
  bool shuffle = true;
  bool drop_last = false;        ///< leave out a last batch that is not full
  std::int64_t sort_window = 0;  ///< sort each run of so many batches by source length, to pad less (0: do not)
};

/// One pass over the examples. The order is a function of the generator's state at the start, so that a pass
/// can be taken up again where it stood.
class Epoch {
 public:
  /// Where a pass stands; all that a checkpoint needs.
  struct State {
    Rng::State rng;         ///< of the generator before the order was drawn
    std::int64_t next = 0;  ///< the batch that comes next
  };

  std::int64_t batches() const { return static_cast<std::int64_t>(ends_.size()); }
  std::int64_t examples() const { return ends_.empty() ? 0 : ends_.back(); }
  State state() const { return state_; }

  /// The next batch; moves on. Throws IndexError after the last one.
  Batch next();
  bool done() const { return state_.next == batches(); }

  /// For `for (const Batch& batch : loader.epoch(rng))`: what has not been given out yet.
  class Iterator {
   public:
    explicit Iterator(Epoch* epoch) : epoch_(epoch) {}
    Batch operator*() const { return epoch_->next(); }
    Iterator& operator++() { return *this; }
    bool operator!=(std::nullptr_t) const { return !epoch_->done(); }

   private:
    Epoch* epoch_;
  };
  Iterator begin() { return Iterator(this); }
  std::nullptr_t end() const { return nullptr; }

 private:
  friend class Loader;
  const EncodedPairs* pairs_ = nullptr;
  State state_;
  std::vector<std::int64_t> order_, ends_;  // examples; where each batch ends in them
};

class Loader {
 public:
  /// One tokenizer, or one for the sources and one for the targets: `Loader(pairs, {words, characters})`. Keeps
  /// neither. Throws ConfigError unless there are pairs and the batch is at least 1, else as
  /// `Tokenizer::encode`.
  Loader(const Pairs& pairs, const Tokenizers& tokenizers, const LoaderOptions& options = {});

  std::int64_t examples() const { return pairs_.size(); }
  /// Batches an epoch.
  std::int64_t batches() const;
  /// A pass in an order drawn from the generator. The loader must outlive it.
  Epoch epoch(Rng& rng) const;
  /// A pass taken up again.
  Epoch epoch(const Epoch::State& state) const;

 private:
  EncodedPairs pairs_;
  LoaderOptions options_;
};

}  // namespace heed
