#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "autograd/inspect/graph_data.h"
#include "autograd/inspect/graph_drawing.h"
#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_layout.h"
#include "autograd/inspect/graph_script.h"
#include "autograd/inspect/graph_svg.h"
#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "core/value_text.h"

namespace heed {
namespace {

using namespace drawing;

// ---- the page

constexpr std::string_view kTools = R"html(<div class="tools" hidden="">
<div class="choice" role="radiogroup" aria-label="What is shown">
<label><input type="radio" name="mode" value="shape" checked=""/>Shapes</label>
<label><input type="radio" name="mode" value="gradient"/>Gradients</label>
<label><input type="radio" name="mode" value="time"/>Time</label>
<label><input type="radio" name="mode" value="memory"/>Memory</label>
</div>
<div class="buttons">
<button type="button" data-act="more">Open more</button>
<button type="button" data-act="less">Close all</button>
</div>
<div class="buttons">
<button type="button" data-act="out" aria-label="Smaller">−</button>
<button type="button" data-act="in" aria-label="Larger">+</button>
<button type="button" data-act="fit">Fit</button>
</div>
</div>
)html";

std::string lead(const LabelledScene& labelled) {
  std::size_t parameters = 0;
  std::int64_t elements = 0;
  for (const Item& item : labelled.scene().items) {
    if (item.kind != Item::Kind::leaf || !labelled.value(item).requires_grad) continue;
    ++parameters;
    elements += labelled.value(item).value.count();
  }
  const Cost& cost = labelled.cost(0);
  std::string out = text("<p class=\"lead\">", written_count(labelled.item(0).operations, "operation"));
  if (parameters > 0)
    out += text(" on ", written_count(parameters, "parameter"), " with ", grouped(elements), " elements");
  if (cost.forward.count() > 0) out += text("; forward ", written_time(cost.forward));
  if (cost.backward.count() > 0) out += text(", backward ", written_time(cost.backward));
  return text(out, ", ", written_bytes(cost.bytes), " of results.</p>\n");
}

struct OperationRow {
  std::size_t count = 0;
  Cost cost{};
};

// What all operations of one name cost together, the most expensive first.
std::string table(const LabelledScene& labelled) {
  std::map<std::string, OperationRow> rows;
  for (std::size_t i = 0; i < labelled.scene().items.size(); ++i) {
    if (labelled.item(i).kind != Item::Kind::operation) continue;
    OperationRow& row = rows[labelled.item(i).name];
    ++row.count;
    row.cost += labelled.cost(i);
  }
  std::vector<std::pair<std::string, OperationRow>> sorted(rows.begin(), rows.end());
  const auto time = [](const OperationRow& row) { return row.cost.forward + row.cost.backward; };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto& a, const auto& b) { return time(a.second) > time(b.second); });
  const double all = static_cast<double>(
      std::max<std::int64_t>(1, labelled.cost(0).forward.count() + labelled.cost(0).backward.count()));
  std::string out =
      "<table>\n<thead><tr><th scope=\"col\">Operation</th><th scope=\"col\" class=\"number\">Count</th>"
      "<th scope=\"col\" class=\"number\">Forward</th><th scope=\"col\" class=\"number\">Backward</th>"
      "<th scope=\"col\" class=\"number\">Results</th><th scope=\"col\">Share of the "
      "time</th></tr></thead>\n<tbody>\n";
  for (const auto& [name, row] : sorted) {
    const double share = static_cast<double>(time(row).count()) / all;
    out += text(
        "<tr><th scope=\"row\">", escape_markup(name), "</th><td class=\"number\">",
        grouped(static_cast<std::int64_t>(row.count)), "</td><td class=\"number\">",
        written_time(row.cost.forward), "</td><td class=\"number\">", written_time(row.cost.backward),
        "</td><td class=\"number\">", written_bytes(row.cost.bytes),
        "</td><td><span class=\"share\" style=\"width:", plotting::px(std::max(1.0, std::round(120 * share))),
        "px\"></span> <small>", plotting::px(std::round(100 * share)), " %</small></td></tr>\n");
  }
  return out + "</tbody>\n</table>\n";
}

}  // namespace

std::string graph_page(const Trace& trace, const GraphOptions& options) {
  const LabelledScene labelled(trace);
  const GraphLayout layout(labelled.scene(), labelled.sizes(),
                           openable_groups(labelled.scene(), options.drawn));
  const Opening open = layout.allowed(opened(labelled.scene(), options.open));
  const GraphData data = data_of(labelled, layout, open, options);
  std::string left_out;
  if (data.hidden > 0)
    left_out = text(grouped(static_cast<std::int64_t>(data.hidden)),
                    " operations are in boxes without a plus, for which the page has no room. ");
  if (data.undescribed > 0)
    left_out += text("Values and gradients of ", grouped(static_cast<std::int64_t>(data.undescribed)),
                     " operations and leaves are left out, most of them in repetitions.");
  std::string body = text(
      kTools,
      "<div class=\"desk\">\n<div class=\"stage\" tabindex=\"0\" role=\"region\" aria-label=\"The graph\">\n",
      svg_of(labelled, layout, open, {.title = options.title, .interactive = true}),
      "</div>\n<div class=\"panel\" aria-live=\"polite\">\n<h2>Look inside</h2>\n",
      "<p>A click, or Enter, opens a box with a plus and closes it again; any other box, pill or arrow is "
      "described here. Arrows go forward; gradients come back along them.</p>\n"
      "<noscript><p>That takes the page's script, which does not run here.</p></noscript>\n",
      left_out.empty() ? "" : text("<p>", left_out, "</p>\n"),
      "</div>\n</div>\n<section>\n<h2>By operation</h2>\n", scrolling_box("By operation", table(labelled)),
      "</section>\n");
  return html_page({.title = options.title,
                    .lead = lead(labelled),
                    .body = std::move(body),
                    .style = text(graph_style(), kGraphPageStyle),
                    .script = text(data.script, kGraphScript)});
}

}  // namespace heed
