#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/metrics.h"

namespace heed {
namespace {

std::int64_t size_of(const Pairs& pairs) { return static_cast<std::int64_t>(pairs.size()); }

std::int64_t unseen_count(const Pairs& pairs, double share, const char* operation) {
  if (!(share > 0 && share < 1))
    throw ConfigError({.what = text(operation, ": the share of unseen examples is ", share),
                       .expected = text("0 < share < 1, got ", share)});
  const std::int64_t count = std::llround(share * static_cast<double>(pairs.size()));
  if (count < 1 || count >= size_of(pairs))
    throw ConfigError({.what = text(operation, ": a share of ", share, " of ", pairs.size(),
                                    " examples leaves one side without any")});
  return count;
}

Split part(Pairs pairs, const std::vector<bool>& is_unseen) {
  Split split;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    (is_unseen[i] ? split.unseen : split.train).push_back(std::move(pairs[i]));
  return split;
}

// Which group each example belongs to: numbers from 0 in the order in which the groups first appear.
class Groups {
 public:
  explicit Groups(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  void join(std::size_t a, std::size_t b) {
    const std::size_t x = root(a), y = root(b);
    parent_[std::max(x, y)] = std::min(x, y);
  }

  std::vector<std::vector<std::size_t>> members() {
    std::vector<std::vector<std::size_t>> groups;
    std::vector<std::size_t> number(parent_.size());
    for (std::size_t i = 0; i < parent_.size(); ++i) {
      const std::size_t first = root(i);
      if (first == i) {
        number[i] = groups.size();
        groups.emplace_back();
      }
      groups[number[first]].push_back(i);
    }
    return groups;
  }

 private:
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  std::vector<std::size_t> parent_;  // the root of a group is its first example
};

std::vector<std::vector<std::size_t>> groups_of(const Pairs& pairs, Apart apart) {
  Groups groups(pairs.size());
  const auto join_equal = [&](std::string Pair::*side) {
    std::unordered_map<std::string_view, std::size_t> first;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      groups.join(i, first.emplace(pairs[i].*side, i).first->second);
  };
  join_equal(&Pair::source);
  if (apart == Apart::kSourcesAndTargets) join_equal(&Pair::target);
  return groups.members();
}

}  // namespace

Split split_random(Pairs pairs, double share, Rng& rng) {
  const std::int64_t wanted = unseen_count(pairs, share, "split_random");
  const std::vector<std::int64_t> order = rng.permutation(size_of(pairs));
  std::vector<bool> is_unseen(pairs.size());
  for (std::size_t i = 0; i < static_cast<std::size_t>(wanted); ++i)
    is_unseen[static_cast<std::size_t>(order[i])] = true;
  return part(std::move(pairs), is_unseen);
}

Split split_leak_free(Pairs pairs, double share, Rng& rng, Apart apart) {
  const std::size_t wanted = static_cast<std::size_t>(unseen_count(pairs, share, "split_leak_free"));
  auto groups = groups_of(pairs, apart);
  rng.shuffle(std::span(groups));
  std::vector<bool> is_unseen(pairs.size());
  std::size_t taken = 0;
  for (const auto& group : groups) {
    if (group.size() > wanted - taken) continue;
    for (const std::size_t i : group) is_unseen[i] = true;
    taken += group.size();
  }
  if (taken == 0)
    throw ConfigError({.what = text("split_leak_free: each of the ", groups.size(),
                                    " groups of examples that must stay together is larger than the ", wanted,
                                    " unseen examples asked for")});
  return part(std::move(pairs), is_unseen);
}

LeakReport leak_report(const Pairs& train, const Pairs& unseen) {
  using Targets = std::unordered_set<std::string_view>;
  const auto count_side = [](const Pairs& pairs, std::unordered_map<std::string_view, Targets>& targets_of,
                             std::int64_t& sources, std::int64_t& duplicates) {
    for (const Pair& pair : pairs) duplicates += targets_of[pair.source].insert(pair.target).second ? 0 : 1;
    sources = static_cast<std::int64_t>(targets_of.size());
  };
  LeakReport report{.train = size_of(train), .unseen = size_of(unseen)};
  std::unordered_map<std::string_view, Targets> in_train, in_unseen;
  count_side(train, in_train, report.train_sources, report.train_duplicates);
  count_side(unseen, in_unseen, report.unseen_sources, report.unseen_duplicates);

  Targets train_targets;
  for (const Pair& pair : train) train_targets.insert(pair.target);
  for (const Pair& pair : unseen) {
    report.target_in_train += train_targets.contains(pair.target) ? 1 : 0;
    const auto found = in_train.find(pair.source);
    if (found == in_train.end()) continue;
    ++report.source_in_train;
    const bool only_this = found->second.size() == 1 && found->second.contains(pair.target);
    report.contradicted += only_this ? 0 : 1;
  }
  return report;
}

std::string to_string(const LeakReport& report) {
  const auto side = [](const char* name, std::int64_t examples, std::int64_t sources, std::int64_t duplicates) {
    return text(name, examples, " examples, ", sources, " distinct sources, ", duplicates, " duplicates\n");
  };
  const auto leak = [&](const char* name, std::int64_t count) {
    return text(name, count, " of ", report.unseen, " unseen examples (", percent(count, report.unseen), ")\n");
  };
  return side("train:  ", report.train, report.train_sources, report.train_duplicates) +
         side("unseen: ", report.unseen, report.unseen_sources, report.unseen_duplicates) +
         leak("source stands in train: ", report.source_in_train) +
         leak("target stands in train: ", report.target_in_train) +
         leak("source stands in train with another target: ", report.contradicted);
}

}  // namespace heed
