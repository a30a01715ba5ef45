#include "autograd/inspect/graph_layout.h"

#include <algorithm>
#include <cmath>

#include "autograd/inspect/graph_labels.h"
#include "autograd/inspect/graph_svg.h"
#include "tests/autograd/inspect/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using drawing::Arrow;
using drawing::Box;
using drawing::GraphLayout;
using drawing::Item;
using drawing::LabelledScene;
using drawing::Opening;
using drawing::Picture;
using drawing::Point;
using drawing::Scene;

constexpr double kRounding = 1e-6;

// The groups that are to be seen: all those around them are open, and so are they.
std::vector<std::size_t> open_groups(const Scene& scene, const Opening& open) {
  std::vector<std::size_t> groups;
  for (std::size_t i = 0; i < scene.items.size(); ++i) {
    bool seen = scene.items[i].is_group();
    for (std::size_t at = i; seen && at != 0; at = scene.items[at].around) seen = open[at];
    if (seen) groups.push_back(i);
  }
  return groups;
}

bool overlap(const Box& a, const Box& b) {
  return a.x < b.x + b.width - kRounding && b.x < a.x + a.width - kRounding &&
         a.y < b.y + b.height - kRounding && b.y < a.y + a.height - kRounding;
}

void check_boxes(const Scene& scene, const Picture& picture, std::size_t group) {
  const std::vector<std::size_t>& parts = scene.items[group].parts;
  const Box& around = picture.boxes[group];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Box& box = picture.boxes[parts[i]];
    CHECK(box.width > 0);
    CHECK(box.x >= -kRounding);
    CHECK(box.y >= -kRounding);
    CHECK(box.x + box.width <= around.width + kRounding);
    CHECK(box.y + box.height <= around.height + kRounding);
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(overlap(box, picture.boxes[parts[j]]));
  }
  for (const auto* const gates : {&scene.items[group].entries, &scene.items[group].exits})
    for (const std::size_t gate : *gates) {
      CHECK(picture.boxes[gate].x > 0);
      CHECK(picture.boxes[gate].x < around.width);
      CHECK(std::abs(picture.boxes[gate].y - (gates == &scene.items[group].entries ? 0 : around.height)) <
            kRounding);
    }
}

// Where an item is met by a line: a group at a gate, the others in the middle.
double meeting_point(const Scene& scene, const Picture& picture, const Opening& open, std::size_t item,
                     std::size_t gate) {
  const Box& box = picture.boxes[item];
  return scene.items[item].is_group() && open[item] ? box.x + picture.boxes[gate].x : box.x + box.width / 2;
}

void check_line(const Scene& scene, const Picture& picture, const Opening& open, std::size_t number) {
  const Arrow& arrow = scene.arrows[number];
  const std::vector<Point>& line = picture.lines[number];
  REQUIRE(line.size() >= 2);
  const Box &from = picture.boxes[arrow.from], &to = picture.boxes[arrow.to];
  CHECK(std::abs(line.front().y - from.y - from.height) < kRounding);
  CHECK(std::abs(line.back().y - to.y) < kRounding);
  CHECK(std::abs(line.front().x - meeting_point(scene, picture, open, arrow.from, arrow.out_of)) < kRounding);
  CHECK(std::abs(line.back().x - meeting_point(scene, picture, open, arrow.to, arrow.into)) < kRounding);
  for (std::size_t k = 1; k < line.size(); ++k) {
    CHECK(line[k].y > line[k - 1].y);
    // A curve stays between the points that it joins: nothing stands there.
    const auto [left, right] = std::minmax(line[k].x, line[k - 1].x);
    const Box taken{left, line[k - 1].y, right - left, line[k].y - line[k - 1].y};
    for (const std::size_t part : scene.items[arrow.group].parts)
      CHECK_FALSE(overlap({taken.x - 1, taken.y, taken.width + 2, taken.height}, picture.boxes[part]));
  }
}

void check_picture(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open) {
  const Scene& scene = labelled.scene();
  const Picture picture = layout.picture(open);
  for (const std::size_t group : open_groups(scene, open)) {
    check_boxes(scene, picture, group);
    for (const std::size_t arrow : scene.items[group].arrows) check_line(scene, picture, open, arrow);
  }
}

TEST_CASE("graph layout: no boxes overlap, groups hold their parts, lines go down and through nothing") {
  Rng rng(5);
  for (const auto& trace : {traced_seq2seq(), traced_transformer(), traced_loop(30)}) {
    const LabelledScene labelled(*trace);
    const GraphLayout layout(labelled.scene(), labelled.sizes());
    for (int levels = 0; levels < 5; ++levels)
      check_picture(labelled, layout, drawing::opened(labelled.scene(), levels));
    for (int k = 0; k < 6; ++k) {
      Opening open(labelled.scene().items.size());
      for (std::size_t i = 0; i < open.size(); ++i)
        open[i] = labelled.item(i).is_group() && rng.uniform() < 0.7;
      check_picture(labelled, layout, open);
    }
  }
}

TEST_CASE("graph layout: opening a group moves what is around it and changes no order") {
  const auto trace = traced_transformer();
  const LabelledScene labelled(*trace);
  const GraphLayout layout(labelled.scene(), labelled.sizes());
  const Scene& scene = labelled.scene();
  Opening open(scene.items.size());
  const Picture closed = layout.picture(open);
  const std::size_t decoder = scene.items[0].parts[3];
  REQUIRE(scene.items[decoder].name == "decoder");
  open[decoder] = true;
  const Picture opened = layout.picture(open);
  CHECK(opened.boxes[decoder].height > closed.boxes[decoder].height);
  for (const std::size_t a : scene.items[0].parts)
    for (const std::size_t b : scene.items[0].parts)
      if (closed.boxes[a].y + closed.boxes[a].height <= closed.boxes[b].y)
        CHECK(opened.boxes[a].y + opened.boxes[a].height <= opened.boxes[b].y);
}

TEST_CASE("graph layout: the same trace gives the same picture") {
  std::vector<double> first;
  for (int run = 0; run < 2; ++run) {
    const auto trace = traced_transformer();
    const LabelledScene labelled(*trace);
    const Picture picture =
        GraphLayout(labelled.scene(), labelled.sizes()).picture(drawing::opened(labelled.scene(), 9));
    std::vector<double> positions;
    for (const Box& box : picture.boxes)
      positions.insert(positions.end(), {box.x, box.y, box.width, box.height});
    if (run == 0) first = positions;
    CHECK(positions == first);
  }
}

}  // namespace
}  // namespace heed::tests
