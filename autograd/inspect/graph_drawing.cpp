#include "autograd/inspect/graph_drawing.h"

#include <map>
#include <utility>

#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_layout.h"
#include "autograd/inspect/graph_svg.h"
#include "core/error.h"
#include "core/value_text.h"

namespace heed {
namespace {

using namespace drawing;

// A text for a string of DOT, where only quotes and backslashes mean something.
std::string escaped(const std::string& content) {
  std::string out;
  for (const char c : one_line(content)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string quoted(const std::string& content) { return text("\"", escaped(content), "\""); }

class DotWriter {
 public:
  DotWriter(const LabelledScene& labelled, const GraphOptions& options)
      : labelled_(labelled), options_(options), open_(opened(labelled.scene(), options.open)) {}

  std::string write() {
    out_ = text("digraph {\n  graph [label=", quoted(options_.title),
                ", labelloc=t, fontname=\"Helvetica\"];\n"
                "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\"];\n"
                "  edge [fontname=\"Helvetica\", fontsize=10, color=\"#5b636c\"];\n");
    contents(0, "  ");
    for (const auto& [ends, arrow] : arrows()) {
      const auto& [from, to] = ends;
      out_ += text("  i", from, " -> i", to, " [label=", quoted(labelled_.carried(arrow)), "];\n");
    }
    return std::move(out_) + "}\n";
  }

 private:
  void contents(std::size_t group, const std::string& indent) {
    for (const std::size_t part : labelled_.item(group).parts) {
      const Item& item = labelled_.item(part);
      if (!item.is_group() || !open_[part]) {
        const std::string name = labelled_.name(part), about = labelled_.about(part);
        const std::string label = about.empty() ? escaped(name) : text(escaped(name), "\\n", escaped(about));
        out_ += text(indent, "i", part, " [label=\"", label, "\"", style(part), "];\n");
        continue;
      }
      out_ += text(indent, "subgraph cluster_", part, " {\n", indent, "  label=", quoted(labelled_.name(part)),
                   "; style=rounded; color=\"#6f9bd1\";\n");
      contents(part, indent + "  ");
      out_ += indent + "}\n";
    }
  }

  std::string style(std::size_t i) const {
    const Item& item = labelled_.item(i);
    if (item.is_group()) return ", fillcolor=\"#e9f1fb\"";
    if (item.kind != Item::Kind::leaf) return "";
    return labelled_.value(item).requires_grad ? ", shape=ellipse, fillcolor=\"#e5f4ea\""
                                               : ", shape=ellipse, fillcolor=\"#f1f2f4\"";
  }

  // What stands for an item: the outermost group around it that is closed, or itself.
  std::size_t seen(std::size_t item) const {
    std::size_t outermost = item;
    for (std::size_t i = item; i != kNone; i = labelled_.item(i).around)
      if (labelled_.item(i).is_group() && !open_[i]) outermost = i;
    return outermost;
  }

  std::map<std::pair<std::size_t, std::size_t>, Arrow> arrows() const {
    std::map<std::pair<std::size_t, std::size_t>, Arrow> between;
    // Of the arrows of a use one leads through no gate: in the innermost group around both of its ends.
    for (const Arrow& arrow : labelled_.scene().arrows) {
      if (labelled_.item(arrow.from).is_gate() || labelled_.item(arrow.to).is_gate()) continue;
      for (const Use& use : arrow.uses) {
        const std::size_t from = seen(labelled_.item_of(labelled_.value_of(use))),
                          to = seen(labelled_.scene().of_operation[use.operation]);
        if (from != to) between[{from, to}].uses.push_back(use);
      }
    }
    return between;
  }

  const LabelledScene& labelled_;
  const GraphOptions& options_;
  Opening open_;
  std::string out_;
};

}  // namespace

std::string graph_svg(const Trace& trace, const GraphOptions& options) {
  const LabelledScene labelled(trace);
  const Opening open = opened(labelled.scene(), options.open);
  const GraphLayout layout(labelled.scene(), labelled.sizes(), open);
  return svg_of(labelled, layout, open, {.title = options.title, .standalone = true});
}

std::string graph_dot(const Trace& trace, const GraphOptions& options) {
  return DotWriter(LabelledScene(trace), options).write();
}

}  // namespace heed
