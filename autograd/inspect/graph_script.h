// The script and the style of the page of a graph.
#pragma once

#include <string_view>

namespace heed::drawing {

/// JavaScript that expects the constant `graph` (graph_page.cpp) and the picture with everything in it
/// (graph_svg.h): opens and closes groups, which it lays out as GraphLayout does, shows what is chosen, and
/// what arrows and boxes are measured by.
extern const std::string_view kGraphScript;
/// CSS besides that of the picture.
extern const std::string_view kGraphPageStyle;

}  // namespace heed::drawing
