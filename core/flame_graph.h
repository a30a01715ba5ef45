// A drawing of how a whole is made up of parts, and these of theirs.
#pragma once

#include <string>
#include <vector>

namespace heed {

/// A block as wide as its value, at least 0, with its parts below it.
struct FlameBlock {
  std::string name{};
  double value = 0;
  std::string title{};  ///< shown to who points at it
  int color = 0;        ///< of the lines of a chart, 1 … 6, or 0 for grey
  std::vector<FlameBlock> parts{};
};

struct FlameGraphOptions {
  std::string title{};      ///< what a screen reader says; not drawn
  int width = 1072;         ///< in pixels
  bool standalone = false;  ///< carries its own style sheet: for a file of its own
};

/// The whole as an `<svg>` element, from the top down: each level below the blocks that it is a part of, from
/// the left in the order of the parts; what is left of a block is nobody's. A name that does not fit in its
/// block is left out, and so are blocks of less than half a pixel. Blocks without parts are darker. Colours are
/// those of plot_style(). Throws ShapeError when the parts of a block are worth more than it is.
std::string svg_flame_graph(const FlameBlock& whole, const FlameGraphOptions& options = {});

}  // namespace heed
