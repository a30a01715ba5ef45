#include "layers/inspect/attention_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "autograd/ops/softmax.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "layers/inspect/attention_page_data.h"

namespace heed {
namespace {

using attention_view::darkest;
using attention_view::Group;
using attention_view::Head;
using attention_view::Layer;

constexpr std::size_t kThumbCells = 48;  // a side at most; greater maps show the greatest weight of some cells

constexpr std::string_view kStyle = R"css(
h3{font-size:1rem;font-weight:650;margin:0 0 6px}
h3+.note{margin:0 0 16px}
h4{font-size:.8125rem;font-weight:600;margin:0 0 10px;color:var(--muted)}
h4 small{font-weight:400;margin-left:8px}
.groups{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:44px 36px}
body:not(.live) .example+.example{margin-top:64px}
.live h3.name{display:none}h3.name{margin-bottom:20px}
.layer{margin-top:20px}
.thumbs{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:12px}
.thumb{font:inherit;color:inherit;text-align:left;background:var(--panel);border:1px solid var(--rule);
border-radius:8px;padding:8px;margin:0;display:block;min-width:0}
.live .thumb{cursor:pointer}.live .thumb:hover{border-color:var(--muted)}
.thumb[aria-pressed=true]{border-color:var(--plot-line-1);box-shadow:0 0 0 1px var(--plot-line-1)}
.thumb svg{display:block;width:100%;background:var(--paper);border-radius:3px}
.thumb span{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 6px;font-size:.8125rem;
margin-top:6px;line-height:1.35}
.thumb b{font-weight:400;white-space:nowrap}
.thumb small{font-size:.75rem;font-variant-numeric:tabular-nums;white-space:nowrap}
.picks{display:flex;flex-wrap:wrap;gap:8px;margin:28px 0 0}
.pick,.stepper button,select{font:inherit;font-size:.9rem;color:inherit;background:var(--panel);
border:1px solid var(--rule);border-radius:6px;padding:6px 12px;cursor:pointer;max-width:100%;overflow-wrap:anywhere}
.pick{text-align:left}.pick[aria-pressed=true]{border-color:var(--plot-line-1);box-shadow:0 0 0 1px var(--plot-line-1)}
body:not(.live) .picks{display:none}
#one{scroll-margin-top:8px}
#about{margin:16px 0 20px}#about b{display:block}
.stage{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,440px);gap:36px}
#map,#links{overflow:auto;max-height:620px;max-width:100%}
#map svg,#links svg{display:block}#links svg{max-width:100%;height:auto}
#map svg{cursor:crosshair}.above{position:sticky;top:0;background:var(--paper);width:max-content}
.above svg{display:block}
#cell{font-weight:400;color:var(--muted);margin:12px 0 0;font-variant-numeric:tabular-nums}
.heed-plot .frame{fill:none;stroke:var(--plot-ink);stroke-width:1.5}
.heed-plot .now{font-weight:700}.heed-plot .past{fill:var(--plot-muted)}
.heed-plot .here{stroke:var(--plot-line-2);stroke-width:2}
.heed-plot .link{fill:none;stroke:var(--plot-line-1)}
.heed-plot .bar{fill:var(--plot-line-1)}.heed-plot .hit{fill:transparent}.choose{cursor:pointer}
.stepper{position:sticky;bottom:0;z-index:1;display:flex;align-items:center;gap:12px;background:var(--paper);
border:1px solid var(--rule);border-width:1px 0;padding:10px 0;margin:24px 0}
.stepper input{flex:1;min-width:60px;accent-color:var(--plot-line-1)}
#where{font-size:.9rem;min-width:8em;text-align:right;font-variant-numeric:tabular-nums}
#texts,#every{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px 36px}
#texts>div{min-width:0}
.chips{display:flex;flex-wrap:wrap;gap:3px;max-width:none;margin:0 0 16px}
.chip{font:.875rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;padding:6px 7px;border-radius:4px;
background:var(--panel);white-space:pre}
.chip[data-is=now]{box-shadow:inset 0 0 0 2px var(--plot-line-1);font-weight:700}
.chip[data-is=later]{background:none;color:var(--muted)}
.candidates{display:grid;grid-template-columns:max-content minmax(0,320px) max-content;gap:4px 12px;
align-items:center;font-size:.875rem;margin-bottom:16px}
.track{background:var(--panel);border-radius:3px;height:12px}
.track i{display:block;height:12px;border-radius:3px;background:var(--plot-line-1)}
#every{gap:28px 36px;margin-top:12px}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:40px 36px}
.curves svg{display:block;width:100%;max-width:560px;height:auto}
[hidden]{display:none}
@media (max-width:900px){.stage{grid-template-columns:minmax(0,1fr);gap:24px}#map,#links{max-height:460px}}
@media (max-width:600px){.thumbs{grid-template-columns:repeat(auto-fill,minmax(80px,1fr));gap:8px}.thumb b{white-space:normal}
.thumb{padding:6px}}
)css";

// A map without labels: a path for all cells of a colour, neighbours joined.
std::string thumbnail(const Head& head, std::size_t rows, std::size_t columns) {
  const std::size_t block = (std::max(rows, columns) + kThumbCells - 1) / kThumbCells;
  const std::size_t high = (rows + block - 1) / block, wide = (columns + block - 1) / block;
  std::vector<double> cells(high * wide, 0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      double& cell = cells[i / block * wide + j / block];
      cell = std::max(cell, head.weights[i * columns + j]);
    }
  const double most = darkest(head.weights, columns);
  std::array<std::string, plotting::kRampSteps + 1> paths;
  const auto level = [&](std::size_t cell) {
    return static_cast<std::size_t>(std::lround(plotting::kRampSteps * std::min(1.0, cells[cell] / most)));
  };
  for (std::size_t i = 0; i < high; ++i)
    for (std::size_t j = 0, end = 0; j < wide; j = end) {
      for (end = j + 1; end < wide && level(i * wide + end) == level(i * wide + j);) ++end;
      append(paths[level(i * wide + j)], text("M", j, " ", i, "h", end - j, "v1h-", end - j, "z"));
    }
  const double shape = std::clamp(static_cast<double>(wide) / static_cast<double>(high), 0.75, 1.8);
  std::string out = text("<svg class=\"heed-plot\" viewBox=\"0 0 ", wide, " ", high,
                         "\" preserveAspectRatio=\"none\" ", "style=\"aspect-ratio:", short_number(shape),
                         "\" shape-rendering=\"crispEdges\" aria-hidden=\"true\">");
  for (std::size_t step = 1; step < paths.size(); ++step)  // the palest is the background
    if (!paths[step].empty()) append(out, text("<path class=\"r", step, "\" d=\"", paths[step], "\"/>"));
  return out + "</svg>";
}

std::string bits(double nats) { return plotting::fixed_number(nats / std::log(2.0), 2); }

std::string maps_of(const std::vector<Group>& groups, std::size_t example) {
  std::string out = "<div class=\"groups\">\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Group& group = groups[g];
    out += text("<div class=\"group\">\n<h3>", escape_markup(group.title), "</h3>\n<p class=\"note\">",
                group.note, "</p>\n");
    for (std::size_t l = 0; l < group.layers.size(); ++l) {
      const Layer& layer = group.layers[l];
      out += text("<div class=\"layer\">\n",
                  layer.path.empty() ? std::string()
                                     : text("<h4>", escape_markup(layer.name), "<small>",
                                            escape_markup(layer.path), "</small></h4>\n"),
                  "<div class=\"thumbs\">\n");
      for (std::size_t h = 0; h < layer.heads.size(); ++h)
        out += text("<button type=\"button\" class=\"thumb\" data-map=\"", example, " ", g, " ", l, " ", h,
                    "\">", thumbnail(layer.heads[h], group.rows.size(), group.columns.size()), "<span><b>",
                    layer.heads[h].name, "</b> <small>", bits(layer.heads[h].statistics.entropy),
                    " bits</small></span></button>\n");
      out += "</div>\n</div>\n";
    }
    out += "</div>\n";
  }
  return out + "</div>\n";
}

std::string entropies_of(const std::vector<Group>& groups) {
  std::string out = "<div class=\"curves\">\n";
  for (const Group& group : groups) {
    if (group.is_rollout || group.rows.size() < 2) continue;
    for (const Layer& layer : group.layers) {
      std::vector<Series> lines;
      std::vector<double> steps(group.rows.size());
      std::iota(steps.begin(), steps.end(), 1.0);
      for (const Head& head : layer.heads) lines.push_back({head.name, steps, head.entropies});
      const std::string title = text(group.title, ": ", layer.name);
      out += text(
          "<figure>\n<figcaption>", escape_markup(title), "</figcaption>\n",
          svg_line_chart(lines,
                         {.title = title,
                          .x_label = group.of_steps ? "step" : "place",
                          .y_label = "bits",
                          .y_low = 0.0,
                          .y_high = std::log2(std::max<double>(2, static_cast<double>(group.columns.size())))}),
          "</figure>\n");
    }
  }
  return out + "</div>\n";
}

std::string numbers_of(const std::vector<Group>& groups) {
  std::string out =
      "<table>\n<caption><span>On average over the rows. Places: of an even look with that entropy. "
      "Distance: in steps, of what looks at itself. Alike: what the rows of the layer’s heads have in common, "
      "1 less the Jensen-Shannon divergence.</span></caption>\n<thead><tr><th scope=\"col\">Attention</th>"
      "<th scope=\"col\">Head</th><th scope=\"col\">Looks at</th>";
  for (const char* const name : {"Entropy, bits", "Places", "Greatest", "First", "Distance", "Alike"})
    append(out, text("<th scope=\"col\" class=\"number\">", name, "</th>"));
  out += "</tr></thead>\n<tbody>\n";
  for (const Group& group : groups) {
    if (group.is_rollout) continue;
    for (const Layer& layer : group.layers)
      for (const Head& head : layer.heads) {
        const HeadStatistics& mean = head.statistics;
        out += text("<tr><th scope=\"row\" class=\"text\">",
                    escape_markup(layer.path.empty() ? layer.name : layer.path), "</th><td>", head.name,
                    "</td><td>", where_it_looks(mean), "</td>");
        const bool of_itself = group.rows.size() == group.columns.size();
        for (const double number : {mean.entropy / std::log(2.0), mean.places, mean.largest, mean.first,
                                    of_itself ? mean.distance : NAN, head.agreement})
          append(out, text("<td class=\"number\">",
                           std::isfinite(number) ? plotting::fixed_number(number, 2) : "–", "</td>"));
        out += "</tr>\n";
      }
  }
  return out + "</tbody>\n</table>\n";
}

// A section with a part for each example, of which the script shows one.
template <class Draw>
std::string section(std::string_view title, std::string_view note,
                    const std::vector<AttentionExample>& examples, Draw draw) {
  std::string out = text("<section>\n<h2>", title, "</h2>\n",
                         note.empty() ? std::string() : text("<p class=\"note\">", note, "</p>\n"));
  for (std::size_t i = 0; i < examples.size(); ++i) {
    out += text("<div class=\"example\" data-example=\"", i, "\">\n");
    if (examples.size() > 1) out += text("<h3 class=\"name\">", escape_markup(examples[i].title), "</h3>\n");
    out += draw(i) + "</div>\n";
  }
  return out + "</section>\n";
}

constexpr std::string_view kOneHead = R"html(<section id="one" hidden="hidden">
<h2>One head, step by step</h2>
<select id="which" aria-label="layer and head"></select>
<p id="about"></p>
<div class="stage">
<figure><div id="map" class="scroll" tabindex="0" role="region" aria-label="map of the head"></div>
<figcaption id="cell"></figcaption></figure>
<figure><div id="links" class="scroll" tabindex="0" role="region" aria-label="where the row looks"></div></figure>
</div>
<div class="stepper"><button id="back" type="button" aria-label="one step back">◀</button>
<input id="step" type="range" min="0" max="0" value="0" aria-label="step"/>
<button id="forth" type="button" aria-label="one step on">▶</button><span id="where"></span></div>
<div id="texts"></div>
<h3>Every head here</h3>
<div id="every"></div>
</section>
)html";

std::string picks(const std::vector<AttentionExample>& examples) {
  if (examples.size() < 2) return {};
  std::string out = "<div class=\"picks\">\n";
  for (const AttentionExample& example : examples)
    out += text("<button type=\"button\" class=\"pick\">", escape_markup(example.title), "</button>\n");
  return out + "</div>\n";
}

void require_candidates_fit(const AttentionExample& example, const std::vector<Group>& groups) {
  for (const Group& group : groups)
    if (group.of_steps && !example.candidates.empty() && example.candidates.size() != group.rows.size())
      throw ShapeError({.what = text("attention page: candidates of ", example.candidates.size(), " steps, ",
                                     group.rows.size(), " steps are shown"),
                        .expected = "candidates of every step, or none"});
}

}  // namespace

std::vector<std::vector<Candidate>> candidates_of(const Tensor& scores,
                                                  const std::function<std::string(std::int32_t)>& name,
                                                  std::int64_t most) {
  const bool batched = scores.rank() == 3 && scores.extent(0) == 1;
  if (scores.rank() != 2 && !batched)
    throw ShapeError(
        {.what = text("candidates_of: scores are ", scores.shape()), .expected = "[T, V] or [1, T, V]"});
  const Tensor probabilities = softmax(Var(batched ? scores.select(0, 0) : scores)).value();  // [T, V]
  const auto V = static_cast<std::size_t>(probabilities.extent(1));
  const std::size_t count = std::min(V, static_cast<std::size_t>(std::max<std::int64_t>(0, most)));
  std::vector<std::vector<Candidate>> steps;
  for (std::int64_t t = 0; t < probabilities.extent(0); ++t) {
    const std::vector<double> row = probabilities.select(0, t).to_vector();
    std::vector<std::size_t> ids(V);
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    std::stable_sort(ids.begin(), ids.end(), [&](std::size_t a, std::size_t b) { return row[a] > row[b]; });
    ids.resize(count);
    auto& step = steps.emplace_back();
    for (const std::size_t id : ids) step.push_back({name(static_cast<std::int32_t>(id)), row[id]});
  }
  return steps;
}

std::string attention_page(const std::vector<AttentionExample>& examples, const AttentionPageOptions& options) {
  std::vector<std::vector<Group>> groups;
  for (const AttentionExample& example : examples) {
    groups.push_back(attention_view::groups_of(example));
    require_candidates_fit(example, groups.back());
  }
  const bool any = std::any_of(groups.begin(), groups.end(), [](const auto& all) { return !all.empty(); });
  if (!any) return html_page({.title = options.title, .lead = "<p class=\"lead\">No attention has run.</p>\n"});
  return html_page(
      {.title = options.title,
       .lead =
           text(options.lead.empty() ? "" : text("<p class=\"lead\">", escape_markup(options.lead), "</p>\n"),
                picks(examples)),
       .body = text(
           section("All heads",
                   "Each small map is a head: rows look at columns. The strongest colour is the map’s greatest "
                   "weight, an even look is faint. Below it the entropy of its rows, on average.",
                   examples, [&](std::size_t i) { return maps_of(groups[i], i); }),
           kOneHead,
           section("Entropy",
                   "How widely each head looks: 0 bits is one place, the top of an axis is an even look "
                   "at all of them.",
                   examples, [&](std::size_t i) { return entropies_of(groups[i]); }),
           section("Heads in numbers", "", examples,
                   [&](std::size_t i) { return scrolling_box("Heads in numbers", numbers_of(groups[i])); })),
       .style = std::string(kStyle),
       .script = text("const DATA = ", attention_view::script_data(examples, groups), ";",
                      attention_view::script())});
}

}  // namespace heed
