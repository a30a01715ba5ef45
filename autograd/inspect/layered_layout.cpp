#include "autograd/inspect/layered_layout.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace heed::drawing {
namespace {

using Neighbours = std::vector<std::vector<std::size_t>>;

Neighbours neighbours(const LayeredGraph& graph, bool below) {
  Neighbours out(graph.nodes);
  for (const auto& [from, to] : graph.arrows) (below ? out[from] : out[to]).push_back(below ? to : from);
  return out;
}

// Nodes before all that they lead to; of those that may come next, the least number.
std::vector<std::size_t> sorted_nodes(const Neighbours& above, const Neighbours& below) {
  std::vector<std::size_t> waiting_for(above.size()), sorted;
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < above.size(); ++i) {
    waiting_for[i] = above[i].size();
    if (waiting_for[i] == 0) ready.insert(i);
  }
  while (!ready.empty()) {
    const std::size_t node = *ready.begin();
    ready.erase(ready.begin());
    sorted.push_back(node);
    for (const std::size_t next : below[node])
      if (--waiting_for[next] == 0) ready.insert(next);
  }
  return sorted;
}

// The row of each node.
std::vector<std::size_t> rows_of(const LayeredGraph& graph) {
  const Neighbours above = neighbours(graph, false), below = neighbours(graph, true);
  const std::vector<std::size_t> sorted = sorted_nodes(above, below);
  std::vector<std::size_t> row(graph.nodes, graph.top.empty() ? 0 : 1);
  std::vector<bool> fixed(graph.nodes);
  for (const std::size_t node : graph.top) row[node] = 0;
  for (const auto* const gates : {&graph.top, &graph.bottom})
    for (const std::size_t node : *gates) fixed[node] = true;
  std::size_t last = 0;
  for (const std::size_t node : sorted) {
    for (const std::size_t from : above[node]) row[node] = std::max(row[node], row[from] + 1);
    last = std::max(last, row[node] + (fixed[node] ? 0 : 1));
  }
  for (const std::size_t node : graph.bottom) row[node] = last;
  // What has more arrows out than in makes them shorter by going down.
  for (auto node = sorted.rbegin(); node != sorted.rend(); ++node) {
    if (fixed[*node] || below[*node].empty() || below[*node].size() <= above[*node].size()) continue;
    std::size_t nearest = std::numeric_limits<std::size_t>::max();
    for (const std::size_t to : below[*node]) nearest = std::min(nearest, row[to]);
    row[*node] = nearest - 1;
  }
  return row;
}

// Without empty rows.
void close_up(std::vector<std::size_t>& row) {
  std::vector<std::size_t> used(row);
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (std::size_t& r : row)
    r = static_cast<std::size_t>(std::lower_bound(used.begin(), used.end(), r) - used.begin());
}

// Bends in every row that an arrow passes; the arrows of a bundle share them.
Arrangement with_bends(const LayeredGraph& graph, std::vector<std::size_t> row) {
  Arrangement out;
  out.row_of = std::move(row);
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> bends;  // by bundle and row
  for (std::size_t i = 0; i < graph.arrows.size(); ++i) {
    const auto& [from, to] = graph.arrows[i];
    std::vector<std::size_t> way{from};
    for (std::size_t r = out.row_of[from] + 1; r < out.row_of[to]; ++r) {
      const auto [bend, is_new] = bends.try_emplace({graph.bundles[i], r}, out.row_of.size());
      if (is_new) out.row_of.push_back(r);
      way.push_back(bend->second);
    }
    way.push_back(to);
    out.ways.push_back(std::move(way));
  }
  for (std::size_t place = 0; place < out.row_of.size(); ++place) {
    if (out.row_of[place] >= out.rows.size()) out.rows.resize(out.row_of[place] + 1);
    out.rows[out.row_of[place]].push_back(place);
  }
  return out;
}

// ---- crossings

// The places that each place is joined to in the rows above and below.
struct Joints {
  Neighbours above, below;
};

Joints joints_of(const Arrangement& arrangement) {
  Joints joints{Neighbours(arrangement.row_of.size()), Neighbours(arrangement.row_of.size())};
  std::set<std::pair<std::size_t, std::size_t>> met;
  for (const std::vector<std::size_t>& way : arrangement.ways)
    for (std::size_t k = 1; k < way.size(); ++k)
      if (met.insert({way[k - 1], way[k]}).second) {
        joints.below[way[k - 1]].push_back(way[k]);
        joints.above[way[k]].push_back(way[k - 1]);
      }
  return joints;
}

std::vector<std::size_t> positions_of(const Arrangement& arrangement) {
  std::vector<std::size_t> position(arrangement.row_of.size());
  for (const std::vector<std::size_t>& row : arrangement.rows)
    for (std::size_t i = 0; i < row.size(); ++i) position[row[i]] = i;
  return position;
}

// Inversions of a sequence of numbers below `bound`, counted with a tree of sums (Fenwick 1994).
std::size_t inversions(const std::vector<std::size_t>& sequence, std::size_t bound) {
  std::vector<std::size_t> tree(bound + 1);
  std::size_t count = 0, seen = 0;
  for (const std::size_t value : sequence) {
    std::size_t not_above = 0;
    for (std::size_t i = value + 1; i > 0; i &= i - 1) not_above += tree[i];
    count += seen++ - not_above;
    for (std::size_t i = value + 1; i <= bound; i += i & (~i + 1)) ++tree[i];
  }
  return count;
}

std::size_t count_crossings(const Arrangement& arrangement, const Joints& joints) {
  const std::vector<std::size_t> position = positions_of(arrangement);
  std::size_t count = 0;
  for (std::size_t r = 0; r + 1 < arrangement.rows.size(); ++r) {
    std::vector<std::size_t> ends;
    for (const std::size_t place : arrangement.rows[r]) {
      const std::size_t begin = ends.size();
      for (const std::size_t to : joints.below[place]) ends.push_back(position[to]);
      std::sort(ends.begin() + static_cast<std::ptrdiff_t>(begin), ends.end());
    }
    count += inversions(ends, arrangement.rows[r + 1].size());
  }
  return count;
}

// Sorts a row by the mean position of what its places are joined to, equal ones in their order or, to get on
// where that leads nowhere, in the opposite one; those joined to nothing stay where they are.
void sort_row(std::vector<std::size_t>& row, const Neighbours& joined, bool reverse_equal,
              std::vector<std::size_t>& position) {
  std::vector<std::pair<double, std::size_t>> sorted;
  for (const std::size_t place : row) {
    if (joined[place].empty()) continue;
    double sum = 0;
    for (const std::size_t other : joined[place]) sum += static_cast<double>(position[other]);
    sorted.emplace_back(sum / static_cast<double>(joined[place].size()), place);
  }
  if (reverse_equal) std::reverse(sorted.begin(), sorted.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t next = 0;
  for (std::size_t& place : row)
    if (!joined[place].empty()) place = sorted[next++].second;
  for (std::size_t i = 0; i < row.size(); ++i) position[row[i]] = i;
}

// How many crossings two neighbours of a row have with one on the left of the other.
std::size_t pair_crossings(const std::vector<std::size_t>& left, const std::vector<std::size_t>& right,
                           const std::vector<std::size_t>& position) {
  std::size_t count = 0;
  for (const std::size_t a : left)
    for (const std::size_t b : right) count += position[a] > position[b] ? 1 : 0;
  return count;
}

// Exchanges neighbours as long as that saves crossings.
bool exchange_neighbours(std::vector<std::size_t>& row, const Joints& joints,
                         std::vector<std::size_t>& position) {
  bool any = false;
  for (std::size_t i = 0; i + 1 < row.size(); ++i) {
    const std::size_t a = row[i], b = row[i + 1];
    const auto both = [&](std::size_t left, std::size_t right) {
      return pair_crossings(joints.above[left], joints.above[right], position) +
             pair_crossings(joints.below[left], joints.below[right], position);
    };
    if (both(a, b) <= both(b, a)) continue;
    std::swap(row[i], row[i + 1]);
    std::swap(position[a], position[b]);
    any = true;
  }
  return any;
}

// Of neighbours in a row that lead to one place and nowhere else, those that nothing leads to go to both sides
// of the others: what flows is in the middle, and no crossing is added.
void put_sources_aside(std::vector<std::size_t>& row, const Joints& joints) {
  for (std::size_t begin = 0, end = 0; begin < row.size(); begin = end) {
    const std::vector<std::size_t>& to = joints.below[row[begin]];
    for (end = begin + 1; end < row.size() && to.size() == 1 && joints.below[row[end]] == to;) ++end;
    std::vector<std::size_t> sources, others;
    for (std::size_t i = begin; i < end; ++i)
      (joints.above[row[i]].empty() ? sources : others).push_back(row[i]);
    std::size_t next = begin;
    for (std::size_t i = 0; i < sources.size() / 2; ++i) row[next++] = sources[i];
    for (const std::size_t place : others) row[next++] = place;
    for (std::size_t i = sources.size() / 2; i < sources.size(); ++i) row[next++] = sources[i];
  }
}

using Rows = std::vector<std::vector<std::size_t>>;

// The rows in the order in which a walk from one end of the graph to the other meets their places.
Rows in_order_of_walk(const Rows& rows, const Neighbours& onward, bool from_below) {
  std::vector<std::size_t> met_as(onward.size()), waiting;
  std::size_t met = 0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::vector<std::size_t>& row = rows[from_below ? rows.size() - 1 - k : k];
    waiting.insert(waiting.end(), row.rbegin(), row.rend());
    while (!waiting.empty()) {
      const std::size_t place = waiting.back();
      waiting.pop_back();
      if (met_as[place] != 0) continue;
      met_as[place] = ++met;
      waiting.insert(waiting.end(), onward[place].rbegin(), onward[place].rend());
    }
  }
  Rows sorted = rows;
  for (std::vector<std::size_t>& row : sorted)
    std::sort(row.begin(), row.end(), [&](std::size_t a, std::size_t b) { return met_as[a] < met_as[b]; });
  return sorted;
}

void reduce_crossings(Arrangement& arrangement, bool top_is_fixed, bool bottom_is_fixed) {
  constexpr int kSweeps = 16;
  const Joints joints = joints_of(arrangement);
  Rows& rows = arrangement.rows;
  const std::size_t first = top_is_fixed ? 1 : 0, end = rows.size() - (bottom_is_fixed ? 1 : 0);
  Rows best = rows;
  std::size_t fewest = count_crossings(arrangement, joints);
  for (Rows start :
       {rows, in_order_of_walk(rows, joints.below, false), in_order_of_walk(rows, joints.above, true)}) {
    if (top_is_fixed) start.front() = best.front();
    if (bottom_is_fixed) start.back() = best.back();
    rows = std::move(start);
    std::vector<std::size_t> position = positions_of(arrangement);
    for (int sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
      for (std::size_t k = first; k < end; ++k) {
        const std::size_t r = sweep % 2 == 0 ? k : end - 1 - (k - first);
        sort_row(rows[r], sweep % 2 == 0 ? joints.above : joints.below, sweep % 4 >= 2, position);
      }
      for (bool again = true; again;) {
        again = false;
        for (std::size_t r = first; r < end; ++r)
          again = exchange_neighbours(rows[r], joints, position) || again;
      }
      const std::size_t count = count_crossings(arrangement, joints);
      if (count >= fewest) continue;
      fewest = count;
      best = rows;
    }
  }
  rows = std::move(best);
  for (std::size_t r = first; r < end; ++r) put_sources_aside(rows[r], joints);
}

// ---- positions

// A link as one of its ends sees it: it would be at the other's position, and so far aside.
struct Pull {
  std::size_t other;
  double aside, weight;
  bool is_below;
};

// Places of one row that stand as close as they may and move together.
struct Pool {
  double mean, weight;
  std::size_t end;
};

// The positions nearest to the wanted ones with those distances at least between neighbours.
void fit_row(const std::vector<std::size_t>& row, const std::vector<double>& distance,
             const std::vector<double>& wanted, const std::vector<double>& weight, std::vector<double>& x) {
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < row.size(); ++i) {
    pools.push_back({wanted[i] - distance[i], weight[i], i + 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean >= pools.back().mean) {
      const Pool right = pools.back();
      pools.pop_back();
      Pool& left = pools.back();
      left.mean = (left.mean * left.weight + right.mean * right.weight) / (left.weight + right.weight);
      left.weight += right.weight;
      left.end = right.end;
    }
  }
  std::size_t i = 0;
  for (const Pool& pool : pools)
    for (; i < pool.end; ++i) x[row[i]] = pool.mean + distance[i];
}

}  // namespace

Arrangement arrange(const LayeredGraph& graph) {
  std::vector<std::size_t> row = rows_of(graph);
  close_up(row);
  Arrangement arrangement = with_bends(graph, std::move(row));
  const auto order_gates = [&](const std::vector<std::size_t>& gates) {
    if (!gates.empty()) arrangement.rows[arrangement.row_of[gates.front()]] = gates;
  };
  order_gates(graph.top);
  order_gates(graph.bottom);
  if (!arrangement.rows.empty()) reduce_crossings(arrangement, !graph.top.empty(), !graph.bottom.empty());
  return arrangement;
}

std::size_t crossings(const Arrangement& arrangement) {
  return count_crossings(arrangement, joints_of(arrangement));
}

std::vector<double> align(const std::vector<std::vector<std::size_t>>& rows, const std::vector<double>& widths,
                          const std::vector<Link>& links, double gap) {
  constexpr int kSweeps = 25;
  // The weight of a place's own position, and of links against the direction of a sweep: little, so that what
  // is straight on one side stays so, and nothing in the last one.
  constexpr double kStay = 1e-4, kBack = 0.1;
  std::vector<double> x(widths.size());
  std::vector<std::vector<double>> distance;  // of each place of a row from its first
  for (const std::vector<std::size_t>& row : rows) {
    std::vector<double> from_first(row.size());
    for (std::size_t i = 1; i < row.size(); ++i)
      from_first[i] = from_first[i - 1] + (widths[row[i - 1]] + widths[row[i]]) / 2 + gap;
    const double half = row.empty() ? 0 : from_first.back() / 2;
    for (std::size_t i = 0; i < row.size(); ++i) x[row[i]] = from_first[i] - half;
    distance.push_back(std::move(from_first));
  }
  std::vector<std::vector<Pull>> joined(widths.size());
  for (const Link& link : links) {
    joined[link.upper].push_back({link.lower, link.to - link.from, link.weight, true});
    joined[link.lower].push_back({link.upper, link.from - link.to, link.weight, false});
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const std::size_t r = sweep % 2 == 0 ? k : rows.size() - 1 - k;
      std::vector<double> wanted(rows[r].size()), weight(rows[r].size(), kStay);
      for (std::size_t i = 0; i < rows[r].size(); ++i) {
        wanted[i] = kStay * x[rows[r][i]];
        for (const Pull& pull : joined[rows[r][i]]) {
          const bool back = pull.is_below == (sweep % 2 == 0);
          const double its = pull.weight * (!back ? 1 : sweep + 1 == kSweeps ? 0 : kBack);
          wanted[i] += its * (x[pull.other] + pull.aside);
          weight[i] += its;
        }
        wanted[i] /= weight[i];
      }
      fit_row(rows[r], distance[r], wanted, weight, x);
    }
  double left = std::numeric_limits<double>::max();
  for (std::size_t place = 0; place < x.size(); ++place) left = std::min(left, x[place] - widths[place] / 2);
  for (double& centre : x) centre -= left;
  return x;
}

}  // namespace heed::drawing
