#include "autograd/inspect/graph_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace heed::drawing {

Opening openable_groups(const Scene& scene, std::size_t most) {
  // Repetitions around it, groups around it, and the group itself: the least comes first.
  using Waiting = std::tuple<std::size_t, std::size_t, std::size_t>;
  std::set<Waiting> waiting{{0, 0, 0}};
  Opening openable(scene.items.size());
  while (!waiting.empty()) {
    const auto [repetitions, depth, group] = *waiting.begin();
    waiting.erase(waiting.begin());
    const Item& item = scene.items[group];
    const std::size_t its = item.parts.size() + item.arrows.size();
    if (group != 0 && its > most) continue;
    most -= std::min(most, its);
    openable[group] = true;
    for (const std::size_t part : item.parts)
      if (scene.items[part].is_group())
        waiting.emplace(repetitions + (scene.items[part].kind == Item::Kind::steps ? 1 : 0), depth + 1, part);
  }
  return openable;
}

GraphLayout::GraphLayout(const Scene& scene, std::vector<Size> closed, Opening openable,
                         const Distances& distances)
    : scene_(scene),
      closed_(std::move(closed)),
      openable_(std::move(openable)),
      distances_(distances),
      groups_(scene.items.size()) {
  if (openable_.empty()) openable_.assign(scene.items.size(), true);
  // Groups come before what is in them, so that their gates can be in the order of what lies around.
  for (std::size_t i = 0; i < scene.items.size(); ++i)
    if (scene.items[i].is_group() && openable_[i]) groups_[i] = arranged(i);
}

// The gates of a group in the order in which arrows come to it from above, or leave it below.
std::vector<std::size_t> GraphLayout::sorted_gates(std::size_t group, bool entries) const {
  const Item& item = scene_.items[group];
  if (item.around == kNone) return {};
  const GroupRows& around = groups_[item.around];
  std::vector<std::pair<std::size_t, std::size_t>> gates;  // position of the next place, gate
  for (std::size_t k = 0; k < around.arrows.size(); ++k) {
    const Arrow& arrow = scene_.arrows[around.arrows[k]];
    if ((entries ? arrow.to : arrow.from) != group) continue;
    const std::vector<std::size_t>& way = around.arrangement.ways[k];
    const std::size_t next = entries ? way[way.size() - 2] : way[1];
    const std::vector<std::size_t>& row = around.arrangement.rows[around.arrangement.row_of[next]];
    gates.emplace_back(std::find(row.begin(), row.end(), next) - row.begin(),
                       entries ? arrow.into : arrow.out_of);
  }
  std::stable_sort(gates.begin(), gates.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::size_t> sorted;
  for (const auto& [position, gate] : gates) sorted.push_back(gate);
  return sorted;
}

GroupRows GraphLayout::arranged(std::size_t group) const {
  const Item& item = scene_.items[group];
  GroupRows rows;
  LayeredGraph graph;
  std::map<std::size_t, std::size_t> node_of;
  const auto add = [&](std::size_t its) {
    node_of[its] = rows.items.size();
    rows.items.push_back(its);
    return rows.items.size() - 1;
  };
  for (const std::size_t gate : sorted_gates(group, true)) graph.top.push_back(add(gate));
  for (const std::size_t part : item.parts) add(part);
  for (const std::size_t gate : sorted_gates(group, false)) graph.bottom.push_back(add(gate));
  graph.nodes = rows.items.size();
  rows.arrows = item.arrows;
  for (const std::size_t number : rows.arrows) {
    const Arrow& arrow = scene_.arrows[number];
    graph.arrows.emplace_back(node_of.at(arrow.from), node_of.at(arrow.to));
    // From a group each arrow has a gate of its own.
    graph.bundles.push_back(scene_.items[arrow.from].is_group() ? graph.nodes + graph.bundles.size()
                                                                : node_of.at(arrow.from));
  }
  rows.arrangement = arrange(graph);
  return rows;
}

// Where on an open group an arrow meets it, from its middle.
double GraphLayout::offset(std::size_t item, std::size_t gate, const Opening& open,
                           const Picture& picture) const {
  return gate != kNone && open[item] ? picture.boxes[gate].x - picture.boxes[item].width / 2 : 0;
}

std::vector<Link> GraphLayout::links(const GroupRows& rows, const Opening& open, const Picture& picture) const {
  constexpr double kOfLeaf = 0.002, kToBend = 2, kBetweenBends = 8;
  std::vector<Link> links;
  std::set<std::pair<std::size_t, std::size_t>> met;  // ways of a bundle begin alike
  for (std::size_t k = 0; k < rows.arrows.size(); ++k) {
    const Arrow& arrow = scene_.arrows[rows.arrows[k]];
    const std::vector<std::size_t>& way = rows.arrangement.ways[k];
    for (std::size_t i = 1; i < way.size(); ++i) {
      if (!met.insert({way[i - 1], way[i]}).second) continue;
      const bool first = i == 1, last = i + 1 == way.size();
      const double weight = first && scene_.items[arrow.from].kind == Item::Kind::leaf ? kOfLeaf
                            : first && last                                            ? 1
                            : first || last                                            ? kToBend
                                                                                       : kBetweenBends;
      links.push_back({way[i - 1], way[i], first ? offset(arrow.from, arrow.out_of, open, picture) : 0,
                       last ? offset(arrow.to, arrow.into, open, picture) : 0, weight});
    }
  }
  return links;
}

// The top and the height of each row.
struct GraphLayout::Bands {
  std::vector<double> top, height;
  double bottom(std::size_t row) const { return top[row] + height[row]; }
};

GraphLayout::Bands GraphLayout::bands(std::size_t group, const std::vector<double>& x,
                                      const std::vector<Link>& links, const Picture& picture) const {
  const Arrangement& arrangement = groups_[group].arrangement;
  const bool has_entries = !scene_.items[group].entries.empty();
  std::vector<double> aside(arrangement.rows.size());  // how far arrows go to the side above each row
  for (const Link& link : links) {
    double& its = aside[arrangement.row_of[link.lower]];
    its = std::max(its, std::abs(x[link.upper] + link.from - x[link.lower] - link.to));
  }
  Bands bands;
  for (std::size_t r = 0; r < arrangement.rows.size(); ++r) {
    double height = has_entries && r == 0 ? distances_.entry : 0;
    for (const std::size_t place : arrangement.rows[r])
      if (place < groups_[group].items.size())
        height = std::max(height, picture.boxes[groups_[group].items[place]].height);
    const double first = has_entries ? 0 : group == 0 ? distances_.no_title : distances_.title;
    const double least = has_entries && r == 1 ? distances_.below_entry : distances_.rows;
    const double gap = std::min(least + distances_.rows_slope * aside[r], distances_.rows_at_most);
    bands.top.push_back(r == 0 ? first : bands.bottom(r - 1) + gap);
    bands.height.push_back(height);
  }
  return bands;
}

// Gives the group a size, and its parts and arrows their places in it.
void GraphLayout::lay_out(std::size_t group, const Opening& open, Picture& picture) const {
  const GroupRows& rows = groups_[group];
  const Item& item = scene_.items[group];
  std::vector<double> widths(rows.arrangement.row_of.size(), distances_.gate);
  for (std::size_t i = 0; i < rows.items.size(); ++i) {
    const std::size_t part = rows.items[i];
    if (scene_.items[part].is_gate()) continue;
    if (scene_.items[part].is_group() && open[part])
      lay_out(part, open, picture);
    else
      picture.boxes[part] = {0, 0, closed_[part].width, closed_[part].height};
    widths[i] = picture.boxes[part].width;
  }
  const std::vector<Link> its_links = links(rows, open, picture);
  std::vector<double> x = align(rows.arrangement.rows, widths, its_links, distances_.between);
  const Bands its_bands = bands(group, x, its_links, picture);
  double right = 0;
  for (std::size_t place = 0; place < x.size(); ++place) right = std::max(right, x[place] + widths[place] / 2);
  Box& box = picture.boxes[group];
  box.width = std::max(right + 2 * distances_.inside, closed_[group].width);
  box.height = its_bands.bottom(its_bands.top.size() - 1) + (item.exits.empty() ? distances_.inside : 0);
  for (double& centre : x) centre += (box.width - right) / 2;

  for (std::size_t i = 0; i < rows.items.size(); ++i) {
    Box& its = picture.boxes[rows.items[i]];
    const std::size_t row = rows.arrangement.row_of[i];
    const bool low = scene_.items[rows.items[i]].kind == Item::Kind::leaf;  // near what it leads to
    its.x = x[i] - its.width / 2;
    its.y = low ? its_bands.bottom(row) - its.height : its_bands.top[row];
  }
  draw_lines(rows, x, its_bands, open, picture);
}

void GraphLayout::draw_lines(const GroupRows& rows, const std::vector<double>& x, const Bands& bands,
                             const Opening& open, Picture& picture) const {
  for (std::size_t k = 0; k < rows.arrows.size(); ++k) {
    const Arrow& arrow = scene_.arrows[rows.arrows[k]];
    const std::vector<std::size_t>& way = rows.arrangement.ways[k];
    const Box& start = picture.boxes[arrow.from];
    std::vector<Point>& line = picture.lines[rows.arrows[k]];
    line.push_back({x[way[0]] + offset(arrow.from, arrow.out_of, open, picture), start.y + start.height});
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
      const double bottom = bands.bottom(rows.arrangement.row_of[way[i]]);
      if (line.back().y < bottom) line.push_back({line.back().x, bottom});
      const double aside = i + 2 == way.size() ? offset(arrow.to, arrow.into, open, picture) : 0;
      line.push_back({x[way[i + 1]] + aside, bands.top[rows.arrangement.row_of[way[i + 1]]]});
    }
  }
}

Opening GraphLayout::allowed(Opening open) const {
  for (std::size_t i = 0; i < open.size(); ++i) open[i] = i == 0 || (open[i] && openable_[i]);
  return open;
}

Picture GraphLayout::picture(const Opening& open) const {
  Picture picture{std::vector<Box>(scene_.items.size()), std::vector<std::vector<Point>>(scene_.arrows.size())};
  lay_out(0, allowed(open), picture);
  return picture;
}

}  // namespace heed::drawing
