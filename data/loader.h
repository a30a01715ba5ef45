// The loader: all examples once an epoch, in batches, in an order drawn from a seed.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "data/batch.h"
#include "data/pass.h"

namespace heed {

struct LoaderOptions {
  std::int64_t batch = 128;  ///< examples a batch; the last one of an epoch may have fewer
  bool shuffle = true;
  bool drop_last = false;        ///< leave out a last batch that is not full
  std::int64_t sort_window = 0;  ///< sort each run of so many batches by source length, to pad less (0: do not)
};

using Epoch = Pass<EncodedPairs>;

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
  Epoch epoch(Rng& rng) const { return epoch(new_pass(rng)); }
  /// A pass taken up again.
  Epoch epoch(const Epoch::State& state) const;

 private:
  EncodedPairs pairs_;
  LoaderOptions options_;
};

}  // namespace heed
