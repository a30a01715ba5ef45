// One pass over examples, batch by batch, in an order that was drawn before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"

namespace heed {

/// Where each batch ends when n examples are cut into batches of one size, the last one smaller.
inline std::vector<std::int64_t> batch_ends(std::int64_t n, std::int64_t batch) {
  std::vector<std::int64_t> ends;
  for (std::int64_t begin = 0; begin < n; begin += batch) ends.push_back(std::min(n, begin + batch));
  return ends;
}

/// 0 ... n-1, in random order when asked for.
inline std::vector<std::int64_t> numbers_to(std::int64_t n, bool shuffle, Rng& rng) {
  if (shuffle) return rng.permutation(n);
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

/// Where a pass stands; all that a checkpoint needs.
struct PassState {
  Rng::State rng;         ///< of the generator before the order was drawn
  std::int64_t next = 0;  ///< the batch that comes next
};

/// The beginning of a pass. The generator moves on, by the same amount for every size of data.
inline PassState new_pass(Rng& rng) {
  const PassState state{rng.state(), 0};
  rng.split();
  return state;
}

/// A pass over `Examples`, which make a batch of some of them: `examples.batch(numbers)`. The order is a
/// function of the generator's state at the start, so that a pass can be taken up again where it stood.
template <class Examples>
class Pass {
 public:
  using State = PassState;
  using Batch = decltype(std::declval<const Examples&>().batch(std::span<const std::int64_t>()));

  /// The examples in their order, and where in it each batch ends. The examples must outlive the pass. Throws
  /// ConfigError unless 0 <= state.next <= ends.size().
  Pass(const Examples& examples, const State& state, std::vector<std::int64_t> order,
       std::vector<std::int64_t> ends)
      : examples_(&examples), state_(state), order_(std::move(order)), ends_(std::move(ends)) {
    if (state.next < 0 || state.next > batches())
      throw ConfigError(
          {.what = text("epoch: a pass of ", batches(), " batches cannot go on at batch ", state.next)});
  }

  std::int64_t batches() const { return static_cast<std::int64_t>(ends_.size()); }
  std::int64_t examples() const { return ends_.empty() ? 0 : ends_.back(); }
  State state() const { return state_; }

  /// The next batch; moves on. Throws IndexError after the last one.
  Batch next() {
    if (done()) throw IndexError({.what = text("epoch: all ", batches(), " batches have been given out")});
    const auto i = static_cast<std::size_t>(state_.next++);
    const auto begin = static_cast<std::size_t>(i == 0 ? 0 : ends_[i - 1]);
    return examples_->batch(std::span(order_).subspan(begin, static_cast<std::size_t>(ends_[i]) - begin));
  }
  bool done() const { return state_.next == batches(); }

  /// For `for (const auto& batch : loader.epoch(rng))`: what has not been given out yet.
  class Iterator {
   public:
    explicit Iterator(Pass* pass) : pass_(pass) {}
    Batch operator*() const { return pass_->next(); }
    Iterator& operator++() { return *this; }
    bool operator!=(std::nullptr_t) const { return !pass_->done(); }

   private:
    Pass* pass_;
  };
  Iterator begin() { return Iterator(this); }
  std::nullptr_t end() const { return nullptr; }

 private:
  const Examples* examples_;
  State state_;
  std::vector<std::int64_t> order_, ends_;
};

}  // namespace heed
