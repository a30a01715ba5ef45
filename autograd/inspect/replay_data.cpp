#include "autograd/inspect/replay_data.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/table.h"
#include "core/value_text.h"

namespace heed::replaying {
namespace {

constexpr std::size_t kMostRows = 1'000;  // of the table
constexpr double kLevels = 2046;          // of a number, to either side of 0

// Two characters a cell, 64 x 64 codes: 1 is −∞, 2 to 4094 a number of [−greatest, greatest], 4095 is ∞, and 0
// not a number.
std::string packed(const std::vector<double>& cells, double greatest) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (const double cell : cells) {
    std::size_t code = 0;
    if (std::isinf(cell))
      code = cell < 0 ? 1 : 4095;
    else if (!std::isnan(cell))
      code = static_cast<std::size_t>(2048 + std::lround(greatest == 0 ? 0.0 : cell / greatest * kLevels));
    out += kDigits[code / 64];
    out += kDigits[code % 64];
  }
  return out;
}

double greatest_of(const std::vector<double>& cells) {
  double greatest = 0;
  for (const double cell : cells)
    if (std::isfinite(cell)) greatest = std::max(greatest, std::abs(cell));
  return greatest;
}

template <class Items, class Write>
std::string listed(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) out += text(out.size() > 1 ? "," : "", write(item));
  return out + "]";
}

std::string quoted(std::string_view content) { return script_string(one_line(content, 400)); }

std::string to_script(const Value& value) {
  const double greatest = greatest_of(value.grid.cells);
  return text("[", listed(value.shape, [](std::int64_t extent) { return text(extent); }), ",",
              script_string(value.type), ",", script_string(value.summary), ",", script_string(value.numbers),
              ",", value.grid.rows, ",", value.grid.columns, ",", value.grid.block_rows, ",",
              value.grid.block_columns, ",", greatest, ",\"", packed(value.grid.cells, greatest), "\"]\n");
}

// The steps at which operations ran, and at which a gradient came to them, by their numbers.
struct Moments {
  std::map<std::size_t, std::size_t> forward, backward;
};

std::string to_script(const Use& use, const Moments& moments) {
  const auto& of_role = use.role == Role::sent ? moments.backward : moments.forward;
  const auto found = of_role.find(use.operation);
  return text("[", static_cast<int>(use.role), ",", quoted(use.name), ",", quoted(use.origin), ",",
              found == of_role.end() ? 0 : found->second, ",", use.value, "]");
}

std::string to_script(const Step& step, const Moments& moments) {
  return text("[", static_cast<int>(step.at.kind), ",", step.at.number, ",", step.at.operation, ",",
              quoted(step.at.name), ",", quoted(step.at.module), ",",
              quoted(step.at.at.known() ? text(step.at.at) : ""), ",", quoted(text(step.at.shape)), ",",
              listed(step.formulas, quoted), ",", quoted(step.definitions), ",", quoted(step.note), ",",
              listed(step.held, quoted), ",", step.at.stops ? 1 : 0, ",",
              listed(step.uses, [&](const Use& use) { return to_script(use, moments); }), "]\n");
}

}  // namespace

std::vector<Value> fitting(std::vector<Value> values, std::size_t most_bytes) {
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const Value& value : values) sum += 2 * value.grid.cells.size();
    return sum;
  };
  for (std::int64_t rows = 24, columns = 24; bytes() > most_bytes && columns > 1;
       rows = std::max<std::int64_t>(1, rows * 2 / 3), columns = columns * 2 / 3)
    for (Value& value : values) value.grid = thinned(value.grid, rows, columns);
  return values;
}

std::string script_data(const std::vector<Step>& steps, const std::vector<Value>& values) {
  Moments moments;
  for (const Step& step : steps)
    if (step.at.kind != DebugKind::leaf)
      (step.at.is_forward() ? moments.forward : moments.backward)[step.at.operation] = step.at.number;
  return text("const VALUES = ", listed(values, [](const Value& value) { return to_script(value); }),
              ";\nconst STEPS = ", listed(steps, [&](const Step& step) { return to_script(step, moments); }),
              ";\n");
}

std::string table_of(const std::vector<Step>& steps, const std::vector<Value>& values) {
  std::string out =
      "<table>\n<thead><tr><th scope=\"col\" class=\"number\">Step</th><th scope=\"col\">Pass</th>"
      "<th scope=\"col\">Operation</th><th scope=\"col\">Shape</th><th scope=\"col\">Value or gradient</th>"
      "<th scope=\"col\">Module</th><th scope=\"col\">Line</th><th scope=\"col\">Breakpoint</th></tr></thead>\n"
      "<tbody>\n";
  for (std::size_t i = 0; i < std::min(steps.size(), kMostRows); ++i) {
    const Step& step = steps[i];
    const Role told = step.at.is_forward() ? Role::output : Role::arrived;
    const auto use =
        std::find_if(step.uses.begin(), step.uses.end(), [&](const Use& its) { return its.role == told; });
    std::string held;
    for (const std::string& breakpoint : step.held)
      held += text(held.empty() ? "" : "; ", escape_markup(one_line(breakpoint)));
    const auto cell = [&](const std::string& content) { out += text("<td>", escape_markup(content), "</td>"); };
    out += text("<tr><td class=\"number\"><a href=\"#", step.at.number, "\">", step.at.number, "</a></td>");
    cell(step.at.is_forward() ? "forward" : "backward");
    cell(text(step.at.operation > 0 ? text("#", step.at.operation, " ") : "", one_line(step.at.name, 60)));
    cell(text(step.at.shape));
    cell(use == step.uses.end() ? "" : values[use->value].summary);
    cell(one_line(step.at.module, 100));
    cell(step.at.at.known() ? text(step.at.at) : "");
    out +=
        held.empty() ? "<td></td></tr>\n" : text("<td><strong class=\"held\">", held, "</strong></td></tr>\n");
  }
  out += "</tbody>\n</table>\n";
  std::string box = text(
      "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"All steps\">\n", out, "</div>\n");
  if (steps.size() > kMostRows)
    box = text("<p class=\"note\">The first ", grouped(static_cast<std::int64_t>(kMostRows)), " of ",
               grouped(static_cast<std::int64_t>(steps.size())), ".</p>\n", box);
  return box;
}

}  // namespace heed::replaying
