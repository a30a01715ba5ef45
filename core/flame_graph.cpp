#include "core/flame_graph.h"

#include <algorithm>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

using plotting::px;

constexpr double kRow = 24, kGap = 1, kPadding = 6, kLeast = 0.5;

int depth_of(const FlameBlock& block) {
  int deepest = 0;
  for (const FlameBlock& part : block.parts) deepest = std::max(deepest, depth_of(part));
  return deepest + 1;
}

void draw(const FlameBlock& block, double left, double width, int level, std::string& out) {
  if (width < kLeast) return;
  const double top = kRow * level, shown = std::max(kLeast, width - kGap);
  out += text("<rect role=\"img\" class=\"block", block.parts.empty() ? " whole" : "",
              block.color > 0 ? text(" b", block.color) : "", "\" x=\"", px(left), "\" y=\"", px(top),
              "\" width=\"", px(shown), "\" height=\"", px(kRow - kGap), "\" rx=\"2\"><title>",
              escape_markup(block.title.empty() ? block.name : block.title), "</title></rect>\n");
  if (plotting::text_width(block.name) + 2 * kPadding <= shown)
    out += plotting::svg_text("label", left + kPadding, top + 16, block.name);
  double sum = 0;
  for (const FlameBlock& part : block.parts) sum += part.value;
  if (sum > block.value * (1 + 1e-9))
    throw ShapeError({.what = text("svg_flame_graph: the parts of \"", block.name, "\" are worth ", sum),
                      .expected = text("no more than the block itself, ", block.value)});
  for (const FlameBlock& part : block.parts) {
    const double its_width = block.value > 0 ? width * part.value / block.value : 0;
    draw(part, left, its_width, level + 1, out);
    left += its_width;
  }
}

}  // namespace

std::string svg_flame_graph(const FlameBlock& whole, const FlameGraphOptions& options) {
  std::string out =
      plotting::svg_open(options.width, kRow * depth_of(whole),
                         options.title.empty() ? "flame graph" : options.title, "group", options.standalone);
  draw(whole, 0, options.width, 0, out);
  return out + "</svg>\n";
}

}  // namespace heed
