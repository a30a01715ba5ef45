// The layout of a graph without circles in rows, all arrows downwards.
//
// Source: Sugiyama, Tagawa and Toda 1981, "Methods for visual understanding of hierarchical system structures";
// positions within a row are the least-squares ones, by pooling adjacent violators.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace heed::drawing {

/// What is to be arranged: nodes by number, arrows between them.
struct LayeredGraph {
  std::size_t nodes = 0;
  std::vector<std::pair<std::size_t, std::size_t>> arrows{};  ///< from, to; no circles
  /// Of each arrow the number of its bundle: arrows of one bundle start at one node and share their way.
  std::vector<std::size_t> bundles{};
  /// These are the first and the last row, in this order; nothing else is in them.
  std::vector<std::size_t> top{}, bottom{};
};

/// Where things are: places are the nodes, and from number `nodes` on the bends of long arrows.
struct Arrangement {
  std::vector<std::vector<std::size_t>> rows{};  ///< of places, from left to right
  std::vector<std::size_t> row_of{};             ///< of each place
  /// Of each arrow the places that it goes through, one a row, its ends among them.
  std::vector<std::vector<std::size_t>> ways{};
};

/// Rows by longest paths, nodes as near to what they lead to as makes arrows short, and few crossings. The same
/// graph is arranged in the same way each time.
Arrangement arrange(const LayeredGraph& graph);

/// Crossings of arrows, counted between neighbouring rows.
std::size_t crossings(const Arrangement& arrangement);

/// `upper` + `from` and `lower` + `to` should be one above the other: places of neighbouring rows, and where on
/// them, from their centres.
struct Link {
  std::size_t upper, lower;
  double from = 0, to = 0;
  double weight = 1;
};

/// The centre of each place on the x axis, the least one with its left side at 0: rows keep their order, places
/// of one row are at least `gap` apart, and links are upright or nearly so.
std::vector<double> align(const std::vector<std::vector<std::size_t>>& rows, const std::vector<double>& widths,
                          const std::vector<Link>& links, double gap);

}  // namespace heed::drawing
