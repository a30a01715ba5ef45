#include "tests/bench/dates.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/tasks/dates.h"
#include "data/vocabulary.h"

namespace heed::bench {
namespace {

constexpr std::int64_t kMadeDates = 50'000;

using Rows = std::vector<std::vector<std::int32_t>>;

// The rows in the given order, filled up to the longest, behind `front`, as one tensor.
Tensor padded(const Rows& rows, const std::vector<std::int64_t>& order, const std::vector<std::int32_t>& front,
              std::int32_t space) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.size());
  width += front.size();
  std::vector<std::int32_t> ids;
  ids.reserve(width * rows.size());
  for (const std::int64_t i : order) {
    const std::vector<std::int32_t>& row = rows[static_cast<std::size_t>(i)];
    ids.insert(ids.end(), front.begin(), front.end());
    ids.insert(ids.end(), row.begin(), row.end());
    ids.insert(ids.end(), width - front.size() - row.size(), space);
  }
  return Tensor::of(ids, {std::ssize(rows), static_cast<std::int64_t>(width)});
}

}  // namespace

Dates::Dates(const Pairs& pairs, std::int64_t batch) : batch_(batch) {
  if (std::ssize(pairs) < batch)
    throw ConfigError({.what = text("a batch of ", batch, " needs as many rows, got ", pairs.size())});
  const Vocabulary spelled(pairs);
  const Vocabulary characters(spelled.characters() + " ");
  // One start in place of the four special ids, so that the model is as wide as the peer's.
  constexpr std::int32_t kShift = Vocabulary::kFirstCharacter - kStart - 1;
  vocabulary_ = characters.size() - kShift;
  Rows sources, targets;
  for (const Pair& pair : pairs) {
    sources.push_back(characters.encode(pair.source));
    targets.push_back(characters.encode(pair.target));
    for (std::vector<std::int32_t>* const row : {&sources.back(), &targets.back()})
      for (std::int32_t& id : *row) id -= kShift;
  }
  const std::int32_t space = characters.encode(" ").front() - kShift;
  Rng rng(1);
  const std::vector<std::int64_t> order = rng.permutation(std::ssize(pairs));
  sources_ = padded(sources, order, {}, space);
  targets_ = padded(targets, order, {kStart}, space);
}

DateBatch Dates::batch(std::int64_t i) const {
  const std::int64_t begin = i % (sources_.extent(0) / batch_) * batch_;
  const Tensor targets = targets_.slice(0, begin, begin + batch_);  // [B, 1 + T]
  return {{sources_.slice(0, begin, begin + batch_), {}},
          {targets.slice(1, 0, target_time()), {}},
          targets.slice(1, 1, target_time() + 1)};
}

Pairs date_pairs(const std::string& path) {
  if (!path.empty()) return read_pairs(path, {.keep_padding = true});
  Rng rng(1);
  return tasks::dates(kMadeDates, rng, tasks::book_dates());
}

}  // namespace heed::bench
