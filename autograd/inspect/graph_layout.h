// Where the items of a scene stand, with any of its groups open.
#pragma once

#include <vector>

#include "autograd/inspect/graph_scene.h"
#include "autograd/inspect/layered_layout.h"

namespace heed::drawing {

/// In pixels.
struct Size {
  double width, height;
};
struct Point {
  double x, y;
};
struct Box {
  double x = 0, y = 0, width = 0, height = 0;  ///< left, top; from the corner of the group around
};

/// Distances, which the script of the page uses too.
struct Distances {
  double between = 22;   ///< items of a row
  double inside = 16;    ///< left, right and bottom of an open group
  double title = 36;     ///< from the top of an open group to its first row
  double no_title = 12;  ///< the same for the group around all
  double entry = 24;     ///< from the top of an open group on, arrows go straight down
  double rows = 26;      ///< between rows, and more where arrows go far to the side:
  double rows_slope = 0.06, rows_at_most = 60;
  double below_entry = 14;  ///< in place of `rows` above the first row of a group with entries
  double gate = 10;         ///< width kept free for an arrow on the border of a group, and for a bend
};

/// One group: its items in rows.
struct GroupRows {
  std::vector<std::size_t>
      items{};  ///< entries, parts, exits: of the places of the arrangement those that are items
  Arrangement arrangement{};
  std::vector<std::size_t> arrows{};  ///< of the scene, in the order of the arrangement's ways
};

/// A scene laid out.
struct Picture {
  std::vector<Box> boxes{};  ///< by item; of items within a closed group nothing; gates have no size
  /// By arrow, in the coordinates of its group: where the line goes, downwards. Points one above the other are
  /// joined straight, others by a curve that leaves and arrives upright.
  std::vector<std::vector<Point>> lines{};
};

/// By item whether it is open, if it is a group.
using Opening = std::vector<bool>;

/// Groups that may be open in a drawing of at most so many boxes and arrows: the outer ones, and those outside
/// of repetitions, first. The first item always is among them.
Opening openable_groups(const Scene& scene, std::size_t most);

/// The layout of a scene. Each group is arranged by itself, once, so that opening one changes no order.
class GraphLayout {
 public:
  /// `closed`: of each item the size that it has when closed. `openable`: which groups may be open at all; all
  /// when it is empty.
  GraphLayout(const Scene& scene, std::vector<Size> closed, Opening openable = {},
              const Distances& distances = {});

  /// Those of these groups that may be open; the first item is open in any case.
  Opening allowed(Opening open) const;
  /// With the allowed ones of these groups open.
  Picture picture(const Opening& open) const;
  /// By item; empty for what is no group that may be open.
  const std::vector<GroupRows>& groups() const { return groups_; }
  const Distances& distances() const { return distances_; }

 private:
  struct Bands;

  GroupRows arranged(std::size_t group) const;
  std::vector<std::size_t> sorted_gates(std::size_t group, bool entries) const;
  double offset(std::size_t item, std::size_t gate, const Opening& open, const Picture& picture) const;
  std::vector<Link> links(const GroupRows& rows, const Opening& open, const Picture& picture) const;
  Bands bands(std::size_t group, const std::vector<double>& x, const std::vector<Link>& links,
              const Picture& picture) const;
  void lay_out(std::size_t group, const Opening& open, Picture& picture) const;
  void draw_lines(const GroupRows& rows, const std::vector<double>& x, const Bands& bands, const Opening& open,
                  Picture& picture) const;

  const Scene& scene_;
  std::vector<Size> closed_;
  Opening openable_;
  Distances distances_;
  std::vector<GroupRows> groups_;
};

}  // namespace heed::drawing
