#include "autograd/inspect/graph_data.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/inspect/graph_details.h"
#include "core/error.h"
#include "core/page.h"
#include "core/value_text.h"

namespace heed::drawing {
namespace {

std::string json(std::string_view content) { return script_string(one_line(content)); }

std::string json(double number) {
  if (!std::isfinite(number)) return "-1";
  std::array<char, 32> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::general, 5);
  return {digits.data(), end.ptr};
}

std::string json(std::size_t place) { return place == kNone ? "-1" : std::to_string(place); }

template <class Items, class Write>
std::string json_array(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ",";
    out += write(item);
  }
  return out + "]";
}

std::string json_numbers(const std::vector<std::size_t>& numbers) {
  return json_array(numbers, [](std::size_t number) { return json(number); });
}

std::string json_item(const Item& item, const Size& size) {
  if (item.is_gate()) return text("[3,", item.around, ",", item.place, "]");
  const int kind = item.is_group() ? 2 : item.kind == Item::Kind::leaf ? 1 : 0;
  return text("[", kind, ",", json(item.around), ",", json(size.width), ",", json(size.height), "]");
}

std::string json_cost(const Cost& cost) {
  const std::chrono::nanoseconds time = cost.forward + cost.backward;
  return text("[", std::int64_t{time.count()}, ",", json(written_time(time)), ",", cost.bytes, ",",
              json(written_bytes(cost.bytes)), "]");
}

std::string json_group(const Item& item, const GroupRows& rows) {
  std::string ways;
  for (std::size_t k = 0; k < rows.arrows.size(); ++k) {
    std::vector<std::size_t> way{rows.arrows[k]};
    way.insert(way.end(), rows.arrangement.ways[k].begin(), rows.arrangement.ways[k].end());
    ways += text(k == 0 ? "" : ",", json_numbers(way));
  }
  return text("{items:", json_numbers(rows.items), ",rows:", json_array(rows.arrangement.rows, json_numbers),
              ",ways:[", ways, "],entries:", item.entries.size(), ",exits:", item.exits.size(), "}");
}

std::string json_distances(const Distances& d) {
  return text("{between:", json(d.between), ",inside:", json(d.inside), ",title:", json(d.title),
              ",no_title:", json(d.no_title), ",entry:", json(d.entry), ",rows:", json(d.rows),
              ",rows_slope:", json(d.rows_slope), ",rows_at_most:", json(d.rows_at_most),
              ",below_entry:", json(d.below_entry), ",gate:", json(d.gate), "}");
}

class Data {
 public:
  Data(const LabelledScene& labelled, const GraphLayout& layout)
      : labelled_(labelled), scene_(labelled.scene()), layout_(layout) {}

  GraphData write(const Opening& open, const GraphOptions& options) {
    const std::vector<Size> sizes = labelled_.sizes();
    const ItemDetails details_of(labelled_, options);
    GraphData data;
    const std::vector<bool> described = choose(options.details, data);
    std::string items, groups, costs, details, opening, arrows, norms;
    for (std::size_t i = 0; i < scene_.items.size(); ++i) {
      const Item& item = scene_.items[i];
      const bool here = is_here(i);
      if (item.is_group() && here && !opens(i)) data.hidden += item.operations;
      items += here ? json_item(item, sizes[i]) + "," : "0,";
      costs += here && !item.is_gate() ? json_cost(labelled_.cost(i)) + "," : "0,";
      if (opens(i)) groups += text(i, ":", json_group(item, layout_.groups()[i]), ",");
      if (described[i]) details += text(i, ":", json_details(details_of(i)), ",\n");
      if (i > 0 && here && opens(i) && open[i]) opening += text(i, ",");
    }
    for (const Arrow& arrow : scene_.arrows) {
      const bool here = opens(arrow.group);
      arrows += here ? json_numbers({arrow.from, arrow.to, arrow.out_of, arrow.into}) + "," : "0,";
      norms += here ? json(labelled_.gradient_norm(arrow)) + "," : "0,";
    }
    data.script =
        text("const graph = {\nitems:[", items, "],\narrows:[", arrows, "],\ngroups:{", groups, "},\ncosts:[",
             costs, "],\nnorms:[", norms, "],\nopen:[", opening,
             "],\ndistances:", json_distances(layout_.distances()), ",\ndetails:{\n", details, "}};\n");
    return data;
  }

 private:
  bool opens(std::size_t item) const { return !layout_.groups()[item].items.empty(); }
  // Whether it can come to be seen.
  bool is_here(std::size_t item) const {
    return scene_.items[item].around == kNone || opens(scene_.items[item].around);
  }

  // The item itself, or the group that hides it.
  std::size_t seen(std::size_t item) const {
    while (!is_here(item)) item = scene_.items[item].around;
    return item;
  }

  std::string json_details(const Details& details) const {
    const auto row = [&](const DetailRow& its) {
      return text("[", json(its.label), ",", json(its.text), its.item == kNone ? "" : text(",", seen(its.item)),
                  "]");
    };
    const auto section = [&](const DetailSection& its) {
      return text("[", json(its.heading), ",", json_array(its.rows, row), "]");
    };
    return text("[", json(details.title), ",", json_array(details.sections, section), "]");
  }

  // The items that are described: all groups, and so many of the others, first those not deep in repetitions.
  std::vector<bool> choose(std::size_t most, GraphData& data) const {
    std::vector<std::size_t> repetitions(scene_.items.size()), others;
    std::vector<bool> chosen(scene_.items.size());
    for (std::size_t i = 0; i < scene_.items.size(); ++i) {
      const Item& item = scene_.items[i];
      if (item.around != kNone)
        repetitions[i] =
            repetitions[item.around] + (scene_.items[item.around].kind == Item::Kind::steps ? 1 : 0);
      if (!is_here(i) || item.is_gate()) continue;
      if (item.is_group())
        chosen[i] = true;
      else
        others.push_back(i);
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](std::size_t a, std::size_t b) { return repetitions[a] < repetitions[b]; });
    data.undescribed = others.size() - std::min(others.size(), most);
    for (std::size_t k = 0; k < others.size() - data.undescribed; ++k) chosen[others[k]] = true;
    return chosen;
  }

  const LabelledScene& labelled_;
  const Scene& scene_;
  const GraphLayout& layout_;
};

}  // namespace

GraphData data_of(const LabelledScene& labelled, const GraphLayout& layout, const Opening& open,
                  const GraphOptions& options) {
  return Data(labelled, layout).write(open, options);
}

}  // namespace heed::drawing
