// The computation graph drawn: as a page that opens by a click, as SVG, and for Graphviz.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "autograd/inspect/trace.h"

namespace heed {

struct GraphOptions {
  std::string title = "Computation graph";
  int open = 0;  ///< levels of modules, loops and parts that are open at first
  /// Boxes and arrows that the page has room for: modules and loops beyond stay closed, repetitions first.
  std::size_t drawn = 8000;
  /// Operations and leaves whose values and gradients the page shows when they are chosen: all that are outside
  /// of repetitions, then their first steps, and so on. The page says how many are left out.
  std::size_t details = 1500;
  std::int64_t numbers = 8;  ///< elements of a tensor shown at most
};

/// A page of the forward operations of a trace, with what backward passes added to them:
///
///   Trace trace;
///   const Var loss = cross_entropy(model(source, target_in), target_out);
///   loss.backward();
///   write_file("graph.html", graph_page(trace, {.title = "AttentionSeq2seq"}));
///
/// Boxes are operations, pills leaves; modules are boxes that a click or the Enter key opens in place, and so
/// are loops: the same lines run at least four times in a row. What is chosen is described beside the drawing:
/// formula, line, shapes, values, gradients, bytes and times, operands and users. Arrows can show how large
/// the gradients are that went back along them, boxes the time or the memory that they took. Without a script
/// the page shows the picture as it is at first.
///
/// Throws GraphError when there are no operations in the trace.
std::string graph_page(const Trace& trace, const GraphOptions& options = {});

/// The picture alone, as an `<svg>` element with its own style: for a file, or a page of one's own. Only
/// `title` and `open` count. Throws as graph_page().
std::string graph_svg(const Trace& trace, const GraphOptions& options = {});

/// The same for Graphviz, in its language DOT: modules that are open are clusters. Only `title` and `open`
/// count. Throws as graph_page().
std::string graph_dot(const Trace& trace, const GraphOptions& options = {.open = 3});

}  // namespace heed
