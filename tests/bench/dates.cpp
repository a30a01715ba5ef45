#include "tests/bench/dates.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/tasks/dates.h"
#include "data/vocabulary.h"

namespace heed::bench {
namespace {

constexpr std::int64_t kMadeDates = 50'000;

}  // namespace

// Row i is row order[i] of what is given, behind the start if there is one, filled up to the longest.
template <class IdsOfRow>
Dates::Rows Dates::padded(const std::vector<std::int64_t>& order, bool with_start, std::int32_t space,
                          IdsOfRow ids_of_row) {
  std::size_t longest = 0;
  for (const std::int64_t i : order) longest = std::max(longest, ids_of_row(i).size());
  const std::size_t width = longest + (with_start ? 1 : 0);
  Rows rows{std::ssize(order), static_cast<std::int64_t>(width), {}};
  rows.ids.reserve(order.size() * width);
  for (const std::int64_t i : order) {
    if (with_start) rows.ids.push_back(kStart);
    for (const std::int32_t id : ids_of_row(i)) rows.ids.push_back(static_cast<std::uint16_t>(id));
    rows.ids.resize((rows.ids.size() + width - 1) / width * width, static_cast<std::uint16_t>(space));
  }
  return rows;
}

Tensor Dates::Rows::slice(std::int64_t begin, std::int64_t end) const {
  Tensor part = Tensor::empty({end - begin, width}, DType::i32);
  std::copy(ids.begin() + begin * width, ids.begin() + end * width, part.fresh_data<std::int32_t>());
  return part;
}

Dates::Dates(const Pairs& pairs, std::int64_t batch) : batch_(batch) {
  if (std::ssize(pairs) < batch)
    throw ConfigError({.what = text("a batch of ", batch, " needs as many rows, got ", pairs.size())});
  const Vocabulary spelled(pairs);
  const Vocabulary characters(spelled.characters() + " ");
  // One start in place of the four special ids, so that the model is as wide as the peer's.
  constexpr std::int32_t kShift = Vocabulary::kFirstToken - kStart - 1;
  vocabulary_ = characters.size() - kShift;
  if (vocabulary_ > std::numeric_limits<std::uint16_t>::max())
    throw ConfigError(
        {.what = text("the rows have ", vocabulary_, " characters"), .expected = "at most 65535"});
  const auto ids_of = [&](const std::string& text) {
    std::vector<std::int32_t> ids = characters.encode(text);
    for (std::int32_t& id : ids) id -= kShift;
    return ids;
  };
  const std::int32_t space = ids_of(" ").front();
  Rng rng(1);
  const std::vector<std::int64_t> order = rng.permutation(std::ssize(pairs));
  const auto pair = [&](std::int64_t i) -> const Pair& { return pairs[static_cast<std::size_t>(i)]; };
  sources_ = padded(order, false, space, [&](std::int64_t i) { return ids_of(pair(i).source); });
  targets_ = padded(order, true, space, [&](std::int64_t i) { return ids_of(pair(i).target); });
}

DateBatch Dates::batch(std::int64_t i) const {
  const std::int64_t begin = i % (sources_.count / batch_) * batch_;
  const Tensor targets = targets_.slice(begin, begin + batch_);  // [B, 1 + T]
  return {{sources_.slice(begin, begin + batch_), {}},
          {targets.slice(1, 0, target_time()), {}},
          targets.slice(1, 1, target_time() + 1)};
}

Pairs date_pairs(const std::string& path) {
  if (!path.empty()) return read_pairs(path, {.keep_padding = true});
  Rng rng(1);
  return tasks::dates(kMadeDates, rng, tasks::book_dates());
}

}  // namespace heed::bench
