// What the script of the page of a graph knows of it.
#pragma once

#include <string>

#include "autograd/inspect/graph_drawing.h"
#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_layout.h"

namespace heed::drawing {

struct GraphData {
  std::string script{};         ///< JavaScript that declares the constant `graph`
  std::size_t hidden = 0;       ///< operations in groups that the page cannot open
  std::size_t undescribed = 0;  ///< operations and leaves on the page of which no values are kept
};

/// Of everything that can be seen when groups are opened: kinds, sizes, arrangement, costs, gradients, and what
/// is said of items when they are chosen, of as many as the options allow.
GraphData data_of(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open,
                  const GraphOptions& options);

}  // namespace heed::drawing
