// Drawing examples of which no two are the same, up to the very last one that exists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/random.h"

namespace heed::tasks {

/// `count` different items.
///
/// `propose(rejected)` draws one at random; `rejected` counts how many in a row stood there already. When
/// proposals find hardly anything new any more, the rest is taken at random from `every()`, the list of all
/// items that can be proposed (repeats allowed), and the result is shuffled. There must be at least `count` of
/// them.
template <class Item, class Hash = std::hash<Item>, class Propose, class Every>
std::vector<Item> draw_distinct(std::int64_t count, Rng& rng, Propose propose, Every every) {
  constexpr std::int64_t kPatience = 1000;
  const std::size_t wanted = static_cast<std::size_t>(count);
  std::unordered_set<Item, Hash> seen;
  std::vector<Item> items;
  items.reserve(wanted);
  for (std::int64_t rejected = 0; items.size() < wanted && rejected < kPatience;) {
    Item item = propose(rejected);
    const bool is_new = seen.insert(item).second;
    rejected = is_new ? 0 : rejected + 1;
    if (is_new) items.push_back(std::move(item));
  }
  if (items.size() == wanted) return items;

  std::vector<Item> rest = every();
  rng.shuffle(std::span(rest));
  for (std::size_t i = 0; i < rest.size() && items.size() < wanted; ++i)
    if (seen.insert(rest[i]).second) items.push_back(std::move(rest[i]));
  rng.shuffle(std::span(items));
  return items;
}

}  // namespace heed::tasks
