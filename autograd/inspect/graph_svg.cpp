#include "autograd/inspect/graph_svg.h"

#include <string_view>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed::drawing {
namespace {

using plotting::px;

constexpr std::string_view kStyle = R"css(
:root{--box:#fff;--box-line:#9aa4ae;--view-line:#c9d0d6;--arrow:#8b959f;--accent:#1f5fae;
--module:#e9f1fb;--module-line:#6f9bd1;--loop:#fdf0e4;--loop-line:#d08a4e;--part:#f0f1f3;--part-line:#a3abb4;
--parameter:#e5f4ea;--parameter-line:#6fb488;--leaf:#f1f2f4;--leaf-line:#b3bac1;
--room:rgba(111,155,209,.07);--loop-room:rgba(208,138,78,.07)}
@media (prefers-color-scheme:dark){:root{--box:#1f242a;--box-line:#66717c;--view-line:#434b54;--arrow:#7d8893;
--accent:#7ab3f5;--module:#1d2c40;--module-line:#4d78ac;--loop:#38291b;--loop-line:#a26b39;--part:#262b31;
--part-line:#59626c;--parameter:#1a3324;--parameter-line:#43825b;--leaf:#272c32;--leaf-line:#515a63;
--room:rgba(111,155,209,.08);--loop-room:rgba(208,138,78,.08)}}
.graph .name{fill:var(--plot-ink);font-size:13px;font-weight:600;text-anchor:middle}
.graph .about{fill:var(--plot-muted);font-size:11px;text-anchor:middle}
.graph .box{fill:var(--box);stroke:var(--box-line)}
.graph .view>.box{stroke:var(--view-line)}.graph .view>.name{font-weight:400}
.graph .last>.box{stroke:var(--plot-ink);stroke-width:2}
.graph .leaf>.name{font-size:11px;font-weight:400}
.graph .parameter>.box{fill:var(--parameter);stroke:var(--parameter-line)}
.graph .constant>.box{fill:var(--leaf);stroke:var(--leaf-line)}
.graph .module>.door>.box{fill:var(--module);stroke:var(--module-line)}
.graph .loop>.door>.box{fill:var(--loop);stroke:var(--loop-line)}
.graph .part>.door>.box{fill:var(--part);stroke:var(--part-line)}
.graph .module>.room>.wall{fill:var(--room);stroke:var(--module-line)}
.graph .loop>.room>.wall{fill:var(--loop-room);stroke:var(--loop-line)}
.graph .part>.room>.wall{fill:none;stroke:var(--part-line);stroke-dasharray:4 3}
.graph .title>.name{text-anchor:start;paint-order:stroke;stroke:var(--plot-paper);stroke-width:4px;
stroke-linejoin:round}
.graph .title>rect{fill:transparent}
.graph .sign{fill:none;stroke:var(--plot-muted);stroke-width:1.5}
.graph .arrow>.line{fill:none;stroke:var(--arrow);stroke-width:1.4}
.graph .arrow>.head{fill:var(--arrow);stroke:none}
.graph .arrow>.reach{fill:none;stroke:transparent;stroke-width:12}
)css";

std::string text_at(std::string_view kind, double x, double y, std::string_view content) {
  return plotting::svg_text(kind, x, y, content);
}

std::string rect(std::string_view kind, double x, double y, double width, double height, double radius) {
  return text("<rect class=\"", kind, "\" x=\"", px(x), "\" y=\"", px(y), "\" width=\"", px(width),
              "\" height=\"", px(height), "\" rx=\"", px(radius), "\"/>\n");
}

// A plus, or a minus.
std::string sign(double x, double y, bool plus) {
  return text("<path class=\"sign\" d=\"M", px(x - 4), " ", px(y), "h8",
              plus ? text("M", px(x), " ", px(y - 4), "v8") : "", "\"/>\n");
}

class Writer {
 public:
  Writer(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open,
         const SvgOptions& options)
      : labelled_(labelled),
        layout_(layout),
        open_(layout.allowed(open)),
        options_(options),
        picture_(layout.picture(open)),
        sizes_(labelled.sizes()) {}

  std::string write() {
    const Box& all = picture_.boxes[0];
    // svg_open() gives the class of all drawings; this one has its own besides.
    out_ = plotting::svg_open(all.width, all.height, options_.title, "group", options_.standalone);
    out_.replace(out_.find("heed-plot"), 9, "heed-plot graph");
    if (options_.standalone) out_ += text("<style>", graph_style(), "</style>\n");
    contents(0, true);
    return std::move(out_) + "</svg>\n";
  }

 private:
  // What is in a group; `shown` tells whether it is to be seen.
  void contents(std::size_t group, bool shown) {
    const Item& item = labelled_.item(group);
    out_ += "<g>\n";
    for (const std::size_t arrow : item.arrows) draw_arrow(arrow, shown);
    out_ += "</g>\n";
    if (group != 0) draw_title(group, shown);
    for (const std::size_t part : item.parts) draw(part, shown);
  }

  void draw_arrow(std::size_t number, bool shown) {
    const Arrow& arrow = labelled_.scene().arrows[number];
    const bool ends = labelled_.item(arrow.to).is_gate() || open_[arrow.to];
    std::string line, head;
    if (shown) {
      line = path_of(picture_.lines[number]);
      const Point& end = picture_.lines[number].back();
      if (!ends) head = text("M", px(end.x - 3.5), " ", px(end.y - 7), "l3.5 7l3.5 -7z");
    }
    const double norm = labelled_.gradient_norm(arrow);
    out_ +=
        text("<g id=\"a", number, "\" class=\"arrow\"><title>", escape_markup(labelled_.carried(arrow)),
             norm < 0 ? "" : text(" · gradient ", short_number(norm)), "</title><path class=\"reach\" d=\"",
             line, "\"/><path class=\"line\" d=\"", line, "\"/><path class=\"head\" d=\"", head, "\"/></g>\n");
  }

  static std::string path_of(const std::vector<Point>& line) {
    std::string path = text("M", px(line[0].x), " ", px(line[0].y));
    for (std::size_t i = 1; i < line.size(); ++i) {
      const Point &from = line[i - 1], &to = line[i];
      if (from.x == to.x) {
        path += text("V", px(to.y));
        continue;
      }
      const double middle = (from.y + to.y) / 2;
      path +=
          text("C", px(from.x), " ", px(middle), " ", px(to.x), " ", px(middle), " ", px(to.x), " ", px(to.y));
    }
    return path;
  }

  void draw(std::size_t i, bool shown) {
    const Item& item = labelled_.item(i);
    const bool leads = i < options_.links.size() && !options_.links[i].empty();
    if (leads) out_ += text("<a href=\"", escape_markup(options_.links[i]), "\">\n");
    out_ += text("<g id=\"i", i, "\" class=\"item ", labelled_.kind(i), "\"");
    if (shown)
      out_ += text(" transform=\"translate(", px(picture_.boxes[i].x), " ", px(picture_.boxes[i].y), ")\"");
    if (item.is_group())
      draw_group(i, shown);
    else
      draw_box(i);
    out_ += leads ? "</g>\n</a>\n" : "</g>\n";
  }

  // What makes a group of elements one that can be pressed.
  std::string pressed(const std::string& label, std::string_view more = "") const {
    if (!options_.interactive) return {};
    return text(" tabindex=\"0\" role=\"button\" aria-label=\"", escape_markup(label), "\"", more);
  }

  void draw_box(std::size_t i) {
    const bool is_leaf = labelled_.item(i).kind == Item::Kind::leaf;
    const auto [width, height] = sizes_[i];
    const std::string name = labelled_.name(i), about = labelled_.about(i);
    out_ +=
        text(pressed(text(name, " ", about)), ">\n", rect("box", 0, 0, width, height, is_leaf ? height / 2 : 6),
             text_at("name", width / 2, is_leaf ? 15 : 17, name),
             is_leaf ? "" : text_at("about", width / 2, 32, about));
  }

  // As it is when closed, and when it is open; a script needs both, for a group that may be open.
  void draw_group(std::size_t i, bool shown) {
    const bool opens = options_.interactive && !layout_.groups()[i].items.empty();
    out_ += ">\n";
    if (opens || !open_[i]) draw_door(i, opens);
    if (!opens && !open_[i]) return;
    const bool is_seen = shown && open_[i];
    out_ += text(
        "<g class=\"room\"", open_[i] ? "" : " display=\"none\"", ">\n",
        rect("wall", 0, 0, is_seen ? picture_.boxes[i].width : 0, is_seen ? picture_.boxes[i].height : 0, 10));
    contents(i, is_seen);
    out_ += "</g>\n";
  }

  void draw_door(std::size_t i, bool opens) {
    const auto [width, height] = sizes_[i];
    const double middle = (opens ? width - 22 : width - 4) / 2;
    const std::string name = labelled_.name(i), about = labelled_.about(i);
    out_ += text("<g class=\"door\"", open_[i] ? " display=\"none\"" : "",
                 pressed(text(name, ", ", about), opens ? " aria-expanded=\"false\"" : ""), ">\n",
                 rect("box", 4, 4, width - 4, height - 4, 8), rect("box", 0, 0, width - 4, height - 4, 8),
                 text_at("name", middle, 18, name), text_at("about", middle, 33, about),
                 opens ? sign(width - 19, (height - 4) / 2, true) : "", "</g>\n");
  }

  void draw_title(std::size_t i, bool shown) {
    const std::string name = labelled_.name(i);
    out_ += text("<g class=\"title\"", pressed(name, " aria-expanded=\"true\""), ">\n",
                 rect("", 0, 0, shown ? sizes_[i].width : 0, 30, 10),
                 options_.interactive ? sign(18, 16.5, false) : "",
                 text_at("name", options_.interactive ? 30 : 14, 21, name), "</g>\n");
  }

  const LabelledScene& labelled_;
  const GraphLayout& layout_;
  Opening open_;
  const SvgOptions& options_;
  Picture picture_;
  std::vector<Size> sizes_;
  std::string out_;
};

}  // namespace

Opening opened(const Scene& scene, int levels) {
  Opening open(scene.items.size());
  for (std::size_t i = 0; i < open.size(); ++i)
    open[i] = scene.items[i].is_group() && static_cast<int>(scene.items[i].depth) <= levels;
  return open;
}

std::string svg_of(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open,
                   const SvgOptions& options) {
  return Writer(labelled, layout, open, options).write();
}

std::string graph_style() { return std::string(kStyle); }

}  // namespace heed::drawing
