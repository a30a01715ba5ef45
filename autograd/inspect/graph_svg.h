// The elements of the picture of a graph, for its page and its file.
#pragma once

#include <string>
#include <vector>

#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_layout.h"

namespace heed::drawing {

/// Which groups are open when so many levels are.
Opening opened(const Scene& scene, int levels);

struct SvgOptions {
  std::string title{};
  bool standalone = false;  ///< carries its own style sheet
  /// For the script of the page: with what is inside closed groups, and what can be pressed.
  bool interactive = false;
  std::vector<std::string> links{};  ///< by item: an address that its box leads to; may be left out
};

/// The picture as an `<svg>` element. Items are `<g id="i…">`, arrows `<g id="a…">`, by their numbers.
std::string svg_of(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open,
                   const SvgOptions& options);

/// Colours and strokes of the picture.
std::string graph_style();

}  // namespace heed::drawing
