#include "autograd/inspect/layered_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "core/random.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using drawing::align;
using drawing::arrange;
using drawing::Arrangement;
using drawing::LayeredGraph;
using drawing::Link;

std::size_t below(Rng& rng, std::size_t bound) {
  return static_cast<std::size_t>(rng.uniform() * static_cast<double>(bound));
}

// A graph without circles: arrows lead to greater numbers only. Those of one node share their way.
LayeredGraph random_graph(Rng& rng, std::size_t nodes, std::size_t arrows) {
  LayeredGraph graph{.nodes = nodes};
  for (std::size_t k = 0; k < arrows; ++k) {
    const std::size_t to = 1 + below(rng, nodes - 1), from = below(rng, to);
    graph.arrows.emplace_back(from, to);
    graph.bundles.push_back(from);
  }
  return graph;
}

TEST_CASE("layered layout: every place is in one row, and every arrow goes down one row at a time") {
  Rng rng(1);
  for (std::size_t nodes = 2; nodes < 40; ++nodes) {
    const LayeredGraph graph = random_graph(rng, nodes, 2 * nodes);
    const Arrangement arrangement = arrange(graph);
    std::map<std::size_t, std::size_t> row_of;
    for (std::size_t r = 0; r < arrangement.rows.size(); ++r) {
      CHECK_FALSE(arrangement.rows[r].empty());
      for (const std::size_t place : arrangement.rows[r]) CHECK(row_of.emplace(place, r).second);
    }
    CHECK(row_of.size() == arrangement.row_of.size());
    for (const auto& [place, row] : row_of) CHECK(arrangement.row_of[place] == row);
    REQUIRE(arrangement.ways.size() == graph.arrows.size());
    for (std::size_t k = 0; k < graph.arrows.size(); ++k) {
      const std::vector<std::size_t>& way = arrangement.ways[k];
      CHECK(way.front() == graph.arrows[k].first);
      CHECK(way.back() == graph.arrows[k].second);
      for (std::size_t i = 1; i < way.size(); ++i) CHECK(row_of[way[i]] == row_of[way[i - 1]] + 1);
      for (std::size_t i = 1; i + 1 < way.size(); ++i) CHECK(way[i] >= graph.nodes);
    }
  }
}

TEST_CASE("layered layout: the same graph is arranged in the same way") {
  Rng rng(2);
  const LayeredGraph graph = random_graph(rng, 40, 80);
  CHECK(arrange(graph).rows == arrange(graph).rows);
}

TEST_CASE("layered layout: gates are the first and the last row, in their order") {
  // 0 and 1 lead to 2 and 3, which lead to 4 and 5; the order of the gates is the other way round.
  const LayeredGraph graph{.nodes = 6,
                           .arrows = {{0, 2}, {1, 3}, {2, 4}, {3, 5}, {0, 3}},
                           .bundles = {0, 1, 2, 3, 0},
                           .top = {1, 0},
                           .bottom = {5, 4}};
  const Arrangement arrangement = arrange(graph);
  CHECK(arrangement.rows == std::vector<std::vector<std::size_t>>{{1, 0}, {3, 2}, {5, 4}});
}

TEST_CASE("layered layout: the arrows of a bundle share their bends, others do not") {
  LayeredGraph graph{
      .nodes = 5, .arrows = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 4}, {0, 3}}, .bundles = {0, 1, 2, 3, 0, 0}};
  const Arrangement together = arrange(graph);
  CHECK(together.row_of.size() == 5 + 3);
  CHECK(std::vector<std::size_t>(together.ways[4].begin(), together.ways[4].begin() + 3) ==
        std::vector<std::size_t>(together.ways[5].begin(), together.ways[5].begin() + 3));
  graph.bundles = {0, 1, 2, 3, 4, 5};
  CHECK(arrange(graph).row_of.size() == 5 + 3 + 2);
}

TEST_CASE("layered layout: a node with more arrows out than in goes down to what it leads to") {
  // 0 1 2 3 are a chain; 4 leads to 3.
  const Arrangement arrangement =
      arrange({.nodes = 5, .arrows = {{0, 1}, {1, 2}, {2, 3}, {4, 3}}, .bundles = {0, 1, 2, 4}});
  CHECK(arrangement.row_of == std::vector<std::size_t>{0, 1, 2, 3, 2});
}

// The fewest crossings that any order of two rows has.
std::size_t fewest_crossings(const std::vector<std::pair<std::size_t, std::size_t>>& arrows, std::size_t upper,
                             std::size_t lower) {
  std::vector<std::size_t> a(upper), b(lower);
  std::iota(a.begin(), a.end(), 0);
  std::size_t fewest = arrows.size() * arrows.size();
  do {
    std::iota(b.begin(), b.end(), 0);
    do {
      std::size_t count = 0;
      for (const auto& [f, t] : arrows)
        for (const auto& [g, u] : arrows) count += a[f] < a[g] && b[t - upper] > b[u - upper] ? 1 : 0;
      fewest = std::min(fewest, count);
    } while (std::next_permutation(b.begin(), b.end()));
  } while (std::next_permutation(a.begin(), a.end()));
  return fewest;
}

TEST_CASE("layered layout: two rows of four have the fewest crossings that there can be, in nearly all cases") {
  Rng rng(3);
  std::size_t best = 0;
  constexpr std::size_t kGraphs = 60;
  for (std::size_t k = 0; k < kGraphs; ++k) {
    LayeredGraph graph{.nodes = 8};
    for (std::size_t from = 0; from < 4; ++from)
      for (std::size_t to = 4; to < 8; ++to)
        if (to == from + 4 || rng.uniform() < 0.4) {
          graph.arrows.emplace_back(from, to);
          graph.bundles.push_back(from);
        }
    const Arrangement arrangement = arrange(graph);
    const std::size_t found = crossings(arrangement), fewest = fewest_crossings(graph.arrows, 4, 4);
    if (arrangement.rows.size() != 2) continue;
    CHECK(found >= fewest);
    CHECK(found <= fewest + 2);
    best += found == fewest ? 1 : 0;
  }
  CHECK(best >= kGraphs * 9 / 10);
}

TEST_CASE("layered layout: a tree is drawn without a crossing, whatever the numbers of its nodes") {
  Rng rng(4);
  for (int k = 0; k < 20; ++k) {
    const std::vector<std::int64_t> number = rng.permutation(31);
    LayeredGraph graph{.nodes = 31};
    for (std::size_t i = 1; i < 31; ++i) {  // from the leaves to the root, as an expression
      graph.arrows.emplace_back(static_cast<std::size_t>(number[i]),
                                static_cast<std::size_t>(number[(i - 1) / 2]));
      graph.bundles.push_back(static_cast<std::size_t>(number[i]));
    }
    CHECK(crossings(arrange(graph)) == 0);
  }
}

TEST_CASE("layered layout: what flows is between what nothing leads to") {
  // The chain 0 1 2; 3, 4 and 5 lead to 2, too.
  const Arrangement arrangement =
      arrange({.nodes = 6, .arrows = {{0, 1}, {1, 2}, {3, 2}, {4, 2}, {5, 2}}, .bundles = {0, 1, 3, 4, 5}});
  const std::vector<std::size_t>& row = arrangement.rows[1];
  REQUIRE(row.size() == 4);
  CHECK(row[1] == 1);
}

TEST_CASE("layered layout: places of a row keep their order and their distance, and the first begins at 0") {
  Rng rng(5);
  for (int k = 0; k < 20; ++k) {
    const Arrangement arrangement = arrange(random_graph(rng, 25, 50));
    std::vector<double> widths;
    for (std::size_t i = 0; i < arrangement.row_of.size(); ++i) widths.push_back(10 + 90 * rng.uniform());
    std::vector<Link> links;
    for (const std::vector<std::size_t>& way : arrangement.ways)
      for (std::size_t i = 1; i < way.size(); ++i)
        links.push_back(
            {way[i - 1], way[i], 20 * rng.uniform() - 10, 20 * rng.uniform() - 10, 1 + rng.uniform()});
    const std::vector<double> x = align(arrangement.rows, widths, links, 20);
    double left = x[0];
    for (std::size_t i = 0; i < x.size(); ++i) left = std::min(left, x[i] - widths[i] / 2);
    CHECK(std::abs(left) < 1e-9);
    for (const std::vector<std::size_t>& row : arrangement.rows)
      for (std::size_t i = 1; i < row.size(); ++i)
        CHECK(x[row[i]] - widths[row[i]] / 2 >= x[row[i - 1]] + widths[row[i - 1]] / 2 + 20 - 1e-6);
  }
}

TEST_CASE("layered layout: a chain stands upright, whatever its widths and whatever is beside it") {
  const std::vector<std::vector<std::size_t>> rows{{0}, {1, 4}, {2}, {3}};
  const std::vector<Link> links{{0, 1}, {1, 2, 5, -5}, {2, 3}, {4, 2, 0, 0, 0.002}};
  const std::vector<double> x = align(rows, {40, 200, 80, 10, 60}, links, 22);
  CHECK(std::abs(x[0] - x[1]) < 0.5);
  CHECK(std::abs(x[1] + 5 - (x[2] - 5)) < 0.5);
  CHECK(std::abs(x[2] - x[3]) < 0.5);
}

}  // namespace
}  // namespace heed::tests
