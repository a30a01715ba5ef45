#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "autograd/profile/profile.h"
#include "autograd/profile/profile_text.h"
#include "core/error.h"
#include "core/flame_graph.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/value_text.h"

namespace heed {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kStyle = R"css(
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,max-content));gap:24px 56px;
margin:36px 0 0}
.figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.figures dt{color:var(--muted);font-size:.875rem}
.figures dd{margin:0;font-size:1.9rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.narrow{display:none}
main{max-width:1240px}
th,td{padding-right:16px}th{white-space:nowrap}td.number,td.text{font-size:.8125rem}
tbody tr:nth-last-child(2) td{border-top:2px solid var(--rule)}
tbody tr:last-child td{font-weight:600}
@media (max-width:600px){.figures{grid-template-columns:1fr 1fr;gap:20px 24px}.figures dd{font-size:1.5rem}
th,td{padding-right:18px}td.text{white-space:normal;overflow-wrap:anywhere;min-width:150px}
.wide{display:none}.narrow{display:block}}
)css";

// What is drawn of a row, and what is said of it.
struct Measure {
  std::function<double(const ProfileRow&)> value;
  std::function<std::string(const std::string& name, const ProfileRow&)> title;
  int color;
};

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('.') + 1); }

// The module at a place in modules() with its parts and its operations; `next` becomes the place behind them.
FlameBlock block_of(const Profile& profile, const std::vector<ProfileModule>& modules, std::size_t& next,
                    const Measure& measure) {
  const ProfileModule& module = modules[next++];
  FlameBlock block{.name = std::string(last_part(module.path)), .color = measure.color};
  while (next < modules.size() && modules[next].depth > module.depth)
    block.parts.push_back(block_of(profile, modules, next, measure));
  std::map<std::string, ProfileRow> operations;
  for (const ProfileEntry& entry : profile.entries())
    if (entry.module == module.path) operations[entry.name] += entry;
  for (const auto& [name, row] : operations) {
    const std::string whole_name = module.path.empty() ? name : text(module.path, ": ", name);
    block.parts.push_back({.name = name,
                           .value = std::max(0.0, measure.value(row)),
                           .title = measure.title(whole_name, row),
                           .color = measure.color});
  }
  std::erase_if(block.parts, [](const FlameBlock& part) { return part.value <= 0; });
  for (const FlameBlock& part : block.parts) block.value += part.value;
  block.title = measure.title(module.path, module.inclusive);
  return block;
}

FlameBlock block_of(const Profile& profile, std::string name, const Measure& measure) {
  std::size_t first = 0;
  FlameBlock block = block_of(profile, profile.modules(), first, measure);
  block.name = std::move(name);
  return block;
}

// "1.2 ms, 12 % of the time"
std::string time_text(const Profile& profile, nanoseconds time) {
  return text(written_time(time / profile.steps()), ", ", written_share(share_of_time(profile, time)),
              " of the time");
}

FlameBlock phase(const Profile& profile, const std::string& name, int color, ProfileCost ProfileRow::*cost_of) {
  const auto title = [&profile, name, cost_of](const std::string& of, const ProfileRow& row) {
    const ProfileCost& cost = row.*cost_of;
    std::string out = text(name, of.empty() ? "" : " of ", of, ": ", time_text(profile, cost.time), ", ",
                           cost.flops == 0 ? "no " : written_flops(cost, profile.steps()), "FLOP");
    if (cost.flops > 0) out += text(", ", written_speed(cost), " GFLOP/s");
    return text(out, ", ", written_bytes(cost.bytes / profile.steps()), " new");
  };
  FlameBlock block =
      block_of(profile, name,
               {[cost_of](const ProfileRow& row) { return static_cast<double>((row.*cost_of).time.count()); },
                title, color});
  if (block.value > 0)
    block.name = text(name, " ", written_share(share_of_time(profile, (profile.inside().*cost_of).time)));
  return block;
}

FlameBlock time_of(const Profile& profile) {
  const nanoseconds whole = whole_time(profile), outside = profile.outside().forward.time;
  FlameBlock block{.name = text(profile.steps() > 1 ? "a step, " : "", written_time(whole / profile.steps())),
                   .value = static_cast<double>(whole.count())};
  block.parts = {phase(profile, "forward", 1, &ProfileRow::forward),
                 phase(profile, "backward", 2, &ProfileRow::backward),
                 {.name = text("outside ", written_share(share_of_time(profile, outside))),
                  .value = static_cast<double>(outside.count()),
                  .title = text("outside: ", time_text(profile, outside))}};
  return block;
}

FlameBlock memory_of(const Profile& profile) {
  const double peak = static_cast<double>(std::max<std::int64_t>(1, profile.peak_bytes()));
  const auto said = [peak](const std::string& name, std::int64_t bytes) {
    return text(name, ": ", written_bytes(bytes), ", ", written_share(static_cast<double>(bytes) / peak),
                " of the peak");
  };
  const std::int64_t outside = std::max<std::int64_t>(0, profile.outside().held);
  FlameBlock held = block_of(profile, "operations",
                             {[](const ProfileRow& row) { return static_cast<double>(row.held); },
                              [&](const std::string& name, const ProfileRow& row) {
                                return said(name.empty() ? "operations" : name, row.held);
                              },
                              3});
  FlameBlock block{.name = written_bytes(profile.peak_bytes()),
                   .value = held.value + static_cast<double>(outside)};
  block.parts = {std::move(held),
                 {.name = "outside", .value = static_cast<double>(outside), .title = said("outside", outside)}};
  return block;
}

// One for a wide window and one for a narrow one, of which the page shows what fits.
std::string drawings(const std::string& title, const FlameBlock& whole) {
  const auto drawn = [&](const char* kind, int width) {
    return text("<div class=\"", kind, "\">\n", svg_flame_graph(whole, {.title = title, .width = width}),
                "</div>\n");
  };
  return scrolling_box(title, drawn("wide", 1192) + drawn("narrow", 358));
}

std::string section(std::string_view title, std::string_view note, const std::string& content) {
  return text("<section>\n<h2>", title, "</h2>\n<p class=\"note\">", escape_markup(note), "</p>\n", content,
              "</section>\n");
}

std::string section(std::string_view title, std::string caption, Table table) {
  table.caption = std::move(caption);
  return text("<section>\n<h2>", title, "</h2>\n", to_html(table), "</section>\n");
}

std::string figure(std::string_view name, const std::string& value) {
  if (value.empty()) return {};
  return text("<div><dt>", name, "</dt><dd>", escape_markup(value), "</dd></div>\n");
}

std::string peak_text(const Profile& profile) {
  const ProfileEntry* const entry = profile.peak_entry();
  if (entry == nullptr) return "outside of all operations";
  return text(profile.peak_phase() == ProfilePhase::backward ? "in the backward of " : "in ", entry->name,
              entry->module.empty() ? "" : text(" of ", entry->module));
}

std::string lead(const Profile& profile) {
  const ProfileRow inside = profile.inside();
  const auto share = [&](nanoseconds time) { return written_share(share_of_time(profile, time)); };
  std::string out =
      text("<p class=\"lead\">", written_count(static_cast<std::size_t>(profile.steps()), "step"), ": ",
           share(inside.forward.time), " of the time forward, ", share(inside.backward.time), " backward, ",
           share(profile.outside().forward.time), " outside of all operations.</p>\n<dl class=\"figures\">\n");
  out += figure(profile.steps() > 1 ? "a step" : "time", written_time(whole_time(profile) / profile.steps()));
  out += figure(profile.steps() > 1 ? "FLOP a step" : "FLOP", written_flops(inside.both(), profile.steps()));
  out += figure("GFLOP/s in operations", written_speed(inside.both()));
  out += figure("peak memory", written_bytes(profile.peak_bytes()));
  return out + "</dl>\n";
}

std::string method(const Profile& profile) {
  const std::int64_t unknown = profile.inside().both().unknown;
  std::string out = text(
      "<section>\n<h2>How it is measured</h2>\n<p>An operation’s time is what went by since the one before it; "
      "backward, it lasts until the gradient of the next is complete. Outside is what lies between the steps’ "
      "operations: data, the optimiser. FLOPs are counted from shapes, padding included. New are the bytes of "
      "the values made; Peak is the most memory that was in use meanwhile; Held is what was theirs of the ",
      escape_markup(written_bytes(profile.peak_bytes())), " at the peak. Measuring itself took another ",
      escape_markup(written_time(profile.overhead() / profile.steps())),
      profile.steps() > 1 ? " a step, which is" : ", which is", " in no figure.");
  if (unknown > 0)
    out += text(" Of ", written_count(static_cast<std::size_t>(unknown), "operation"),
                " the FLOPs are not known and not counted.");
  return out + "</p>\n</section>\n";
}

}  // namespace

std::string profile_page(const Profile& profile, const std::string& title) {
  const std::string body = text(
      section("Time",
              "Each block is as wide as the time in it; modules stand above what they are made of. To point "
              "at one gives its figures, which are in the tables, too.",
              drawings("Flame graph of the time", time_of(profile))),
      section("Memory at its peak",
              text("Who held it when most was in use, which was ", peak_text(profile),
                   ". Operations hold their values, what their rules saved, and gradients; outside are "
                   "parameters, data and the optimiser’s state."),
              drawings("Who held the memory at its peak", memory_of(profile))),
      section("By operation", "The most expensive first.", profile.table(ProfileBy::operation)),
      section("By module", "With the parts in it; “own time” is without them.",
              profile.table(ProfileBy::module)),
      section("By line", "Which line calls which operation.", profile.table(ProfileBy::line)), method(profile));
  return html_page({.title = title, .lead = lead(profile), .body = body, .style = std::string(kStyle)});
}

std::string profile_flame_graph(const Profile& profile) {
  return svg_flame_graph(time_of(profile), {.title = "Flame graph of the time", .standalone = true});
}

}  // namespace heed
