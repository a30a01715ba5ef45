#include <algorithm>

#include "autograd/inspect/replay.h"
#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/value_text.h"

namespace heed {

using replaying::Step;
using replaying::Value;

namespace {

constexpr std::string_view kStyle = R"css(
main{padding-bottom:0}
#run{margin-top:28px}
.lead small{display:block;line-height:1.5;margin-top:6px}
.desk{display:grid;grid-template-columns:minmax(0,1fr) 300px;gap:20px 44px;align-items:start;min-height:560px}
.desk>*{min-width:0}
.head{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 14px;margin:0 0 14px}
.head h2{margin:0;font-size:1.5rem;overflow-wrap:anywhere}
.head small{font-variant-numeric:tabular-nums;font-size:.9rem}
.phase{font-size:.8125rem;font-weight:600;border-radius:99px;padding:2px 11px;border:1.5px solid;align-self:center}
.forward{color:var(--plot-line-1)}.backward{color:var(--plot-line-2)}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 18px;margin:0 0 18px;font-size:.95rem}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
.facts .text{font-size:.875rem}.held{color:var(--plot-line-4);font-weight:600}
.formula{background:var(--panel);border-radius:8px;padding:14px 18px;margin:0 0 24px;max-width:none;overflow-wrap:anywhere}
.formula small{display:block;margin-top:6px;white-space:pre-wrap}
.group{margin:0 0 28px}
.group>h3{font-size:.8125rem;font-weight:600;color:var(--muted);margin:0 0 10px;border-bottom:1px solid var(--rule);padding-bottom:6px}
.values{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,270px),1fr));gap:24px 28px}
.value{min-width:0}
.value h4{margin:0 0 8px;font-size:.95rem;font-weight:400;display:flex;flex-wrap:wrap;gap:0 10px;align-items:baseline}
.value h4 b{font:600 1rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.value h4 small,.value .about{font-variant-numeric:tabular-nums}
.value .about{font-size:.8125rem;color:var(--muted);margin-top:6px;overflow-wrap:anywhere}
.value .numbers{font-size:.875rem;margin:0;overflow-wrap:anywhere}
.value .one{font-size:1.4rem}
.value .from{font-size:.8125rem}
.value a,.value .from{overflow-wrap:anywhere}
a{color:var(--plot-line-1);text-decoration-thickness:1px;text-underline-offset:3px}
.map{display:block;max-width:100%;height:auto;background:var(--panel);border-radius:3px;cursor:crosshair;touch-action:pan-y}
.map .p{fill:var(--plot-line-1)}.map .n{fill:var(--plot-line-2)}.map .bad{fill:var(--bad)}
.key{display:flex;justify-content:space-between;font-size:.75rem;color:var(--muted);margin-top:4px;
font-variant-numeric:tabular-nums;position:relative;padding-top:7px}
.key::before{content:"";position:absolute;inset:0 0 auto;height:4px;border-radius:2px;
background:linear-gradient(90deg,var(--plot-line-2),var(--panel) 50%,var(--plot-line-1))}
.near{list-style:none;margin:0;padding:0;font-size:.875rem;line-height:1.35}
.near button{font:inherit;color:inherit;background:none;border:0;border-left:3px solid var(--rule);text-align:left;
padding:5px 10px;width:100%;cursor:pointer;display:flex;gap:10px;align-items:baseline}
.near button:hover{background:var(--panel)}
.near .number{color:var(--muted);min-width:2.6em;flex:none}.near .name{overflow-wrap:anywhere;min-width:0}
.near .name small{display:block;line-height:1.3}
.near [data-phase=forward]{border-left-color:var(--plot-line-1)}
.near [data-phase=backward]{border-left-color:var(--plot-line-2)}
.near [aria-current=true]{background:var(--panel);font-weight:650;border-radius:0 6px 6px 0}
.stepper{position:sticky;bottom:0;z-index:1;background:var(--paper);border-top:1px solid var(--rule);
padding:10px 0 12px;margin-top:8px}
.stepper .row{display:flex;align-items:center;gap:8px}
.stepper button{font:inherit;font-size:.9rem;color:inherit;background:var(--panel);border:1px solid var(--rule);
border-radius:6px;padding:6px 12px;cursor:pointer;flex:none}
.stepper button:disabled{opacity:.45;cursor:default}
.track{flex:1;min-width:0}.track input{display:block;width:100%;accent-color:var(--plot-ink);margin:0}
#strip{display:block;width:100%;height:18px;margin-bottom:4px;cursor:pointer}
#strip .f{fill:var(--plot-line-1)}#strip .b{fill:var(--plot-line-2)}#strip .s{fill:var(--plot-muted)}
#strip .h{fill:var(--plot-line-4)}#strip .at{fill:var(--plot-ink)}
#where{font-size:.875rem;min-width:7em;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:.8125rem;color:var(--muted);margin-top:14px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.tall{max-height:620px;overflow:auto;overscroll-behavior:contain}.tall thead th{position:sticky;top:0;background:var(--paper)}

#all{padding-bottom:72px}
[hidden]{display:none}
@media (max-width:900px){.desk{grid-template-columns:minmax(0,1fr)}}
@media (max-width:600px){.stepper .row{flex-wrap:wrap}.track{flex:1 1 100%;order:-1}#where{margin-left:auto}.stepper button{padding:8px 11px}#where{min-width:5.5em}.head h2{font-size:1.3rem}
.formula{padding:12px 14px;font-size:.8125rem}.facts{gap:2px 14px}.facts .text{font-size:.8125rem}}
)css";

constexpr std::string_view kRun = R"html(<section id="run" hidden="hidden">
<div class="desk">
<div id="now" aria-live="polite"></div>
<div><ol class="near" id="near"></ol>
<p class="legend"><span><i style="background:var(--plot-line-1)"></i>forward</span>
<span><i style="background:var(--plot-line-2)"></i>backward</span>
<span><i style="background:var(--plot-muted)"></i>stopped</span>
<span><i style="background:var(--plot-line-4)"></i>at a breakpoint</span></p></div>
</div>
<div class="stepper">
<div class="row"><button id="stop-back" type="button" aria-label="to the stop before" title="Shift and arrow left">|◀</button>
<button id="back" type="button" aria-label="one step back" title="Arrow left">◀</button>
<div class="track"><svg id="strip" class="heed-plot" preserveAspectRatio="none" aria-hidden="true"></svg>
<input id="step" type="range" min="1" max="1" value="1" aria-label="step"/></div>
<button id="forth" type="button" aria-label="one step on" title="Arrow right">▶</button>
<button id="stop-forth" type="button" aria-label="to the next stop" title="Shift and arrow right">▶|</button>
<span id="where"></span></div>
</div>
</section>
)html";

}  // namespace

std::string Replay::page() const {
  const auto count = [&](auto condition) {
    return static_cast<std::size_t>(std::count_if(steps_.begin(), steps_.end(), condition));
  };
  const std::vector<Value> values = replaying::fitting(values_, options_.most_bytes);
  std::string notes = text(
      written_count(steps_.size(), "step"), ": ",
      written_count(count([](const Step& step) { return step.at.is_forward(); }), "operation"), " forward, ",
      written_count(count([](const Step& step) { return step.at.kind == DebugKind::backward; }), "operation"),
      " backward, ",
      written_count(count([](const Step& step) { return step.at.kind == DebugKind::leaf; }),
                    "complete gradient"),
      ". The debugger stopped at ",
      grouped(static_cast<std::int64_t>(count([](const Step& step) { return step.at.stops; }))), " of them.");
  if (!options_.lead.empty()) notes = text(escape_markup(options_.lead), " ", notes);
  std::string left_out;
  if (left_out_ > 0)
    left_out += text(written_count(left_out_, "more step"), " followed that this page has no room for. ");
  const std::size_t thinned_out = static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [](const Value& value) { return value.grid.is_thinned(); }));
  if (thinned_out > 0)
    left_out +=
        text(written_count(thinned_out, "map"), " of ", values.size(),
             " stand for larger tensors: a cell is a block of elements and shows the one farthest from 0.");
  return html_page(
      {.title = options_.title,
       .lead = text("<p class=\"lead\">", notes, "</p>\n",
                    left_out.empty() ? "" : text("<p class=\"lead\"><small>", left_out, "</small></p>\n")),
       .body = text(kRun, "<section id=\"all\">\n<h2>All steps</h2>\n", replaying::table_of(steps_, values),
                    "</section>\n"),
       .style = std::string(kStyle),
       .script = text(replaying::script_data(steps_, values), replaying::script())});
}

}  // namespace heed
