#include "layers/inspect/gradient_report.h"

#include <algorithm>
#include <cmath>

#include "core/elementwise.h"
#include "core/reduce.h"

namespace heed {
namespace {

// The gradient that the last backward brought a parameter; undefined when it brought none.
Tensor gradient_of(const Var& parameter, const Trace& trace) {
  return trace.has_seen(parameter) ? trace.values()[trace.place_of(parameter)].gradient : Tensor();
}

ParameterGradient of_parameter(const Var& parameter, const Trace& trace, const ParameterValues* before) {
  ParameterGradient of{.name = parameter.name(),
                       .shape = parameter.shape(),
                       .gradient = statistics_of(gradient_of(parameter, trace))};
  const Tensor then = before == nullptr ? Tensor() : before->of(parameter);
  of.value = statistics_of(then.defined() ? then : parameter.value());
  if (then.defined()) {
    const double change = norm(parameter.value() - then);
    of.update_ratio = change == 0 ? 0 : change / of.value.norm;
  }
  return of;
}

// When the backward came to the first operation that uses one of the parameters; 0 when it came to none.
std::size_t reached_at(const std::vector<Var>& parameters, const Trace& trace) {
  std::size_t first = 0;
  for (const TracedOperation& operation : trace.operations())
    for (const Var& parameter : parameters) {
      const auto& operands = operation.operands;
      if (operation.reached == 0 || !trace.has_seen(parameter) ||
          std::find(operands.begin(), operands.end(), trace.place_of(parameter)) == operands.end())
        continue;
      first = first == 0 ? operation.reached : std::min(first, operation.reached);
    }
  return first;
}

LayerGradient of_layer(const Module& module, const std::vector<Var>& parameters, const Trace& trace) {
  LayerGradient of{.path = module.path(), .description = module.description()};
  double squares = 0;
  std::int64_t count = 0;
  bool finite = true;
  for (const Var& parameter : parameters) {
    const Statistics gradient = statistics_of(gradient_of(parameter, trace));
    squares += gradient.norm * gradient.norm;
    count += gradient.finite() - gradient.zeros;
    finite = finite && gradient.all_finite();
  }
  of.size = count == 0 ? 0 : std::sqrt(squares / static_cast<double>(count));
  if (!finite)
    of.flow = GradientFlow::not_finite;
  else if (count > 0)
    of.flow = GradientFlow::fine;
  return of;
}

std::vector<LayerGradient> layers_of(const Intermediates& seen, std::string& nearest) {
  std::vector<LayerGradient> layers;
  std::size_t least = 0;
  double reference = 0;
  for (const Module* const module : seen.model().modules()) {
    const std::vector<Var> parameters = module->own_parameters();
    if (parameters.empty()) continue;
    layers.push_back(of_layer(*module, parameters, seen.trace()));
    const std::size_t reached = reached_at(parameters, seen.trace());
    if (reached == 0 || layers.back().size == 0 || (least != 0 && reached >= least)) continue;
    least = reached;
    reference = layers.back().size;
    nearest = module->path();
  }
  for (LayerGradient& layer : layers) {
    if (reference > 0) layer.share = layer.size / reference;
    if (layer.flow != GradientFlow::fine) continue;
    if (layer.share < kVanishing) layer.flow = GradientFlow::vanishing;
    if (layer.share > kExploding) layer.flow = GradientFlow::exploding;
  }
  return layers;
}

DeadUnits dead_units_of(const Intermediate& activation) {
  const Tensor& y = activation.value;
  DeadUnits of{.path = activation.path, .units = y.extent(-1)};
  const Tensor rows = y.as_rows();  // [rows, units]
  for (std::int64_t unit = 0; unit < of.units; ++unit)
    of.dead += magnitudes_of(rows.select(1, unit)).largest == 0;
  return of;
}

std::vector<DeadUnits> units_of(const Intermediates& seen) {
  std::vector<DeadUnits> units;
  for (const Intermediate& each : seen.find("**")) {
    const std::string_view made_by = each.operation;
    // Of an rnn the states at all steps, not its last one.
    const bool is_activation = made_by == "relu" || (made_by == "rnn" && each.value.rank() == 3);
    if (is_activation && each.value.rank() > 0 && each.value.count() > 0) units.push_back(dead_units_of(each));
  }
  return units;
}

GradientReport report_of(const Intermediates& seen, const ParameterValues* before) {
  GradientReport report;
  for (const Var& parameter : seen.model().parameters())
    report.parameters.push_back(of_parameter(parameter, seen.trace(), before));
  report.layers = layers_of(seen, report.nearest);
  report.units = units_of(seen);
  return report;
}

TableCell cell_of(GradientFlow flow) {
  return {to_string(flow), flow == GradientFlow::fine ? Tone::good : Tone::bad};
}

std::string named(const std::string& path) { return path.empty() ? "(the model)" : path; }

}  // namespace

ParameterValues::ParameterValues(const Module& model) {
  for (const Var& parameter : model.parameters()) values_.emplace_back(parameter, parameter.value().clone());
}

Tensor ParameterValues::of(const Var& parameter) const {
  for (const auto& [var, value] : values_)
    if (var.same_as(parameter)) return value;
  return {};
}

GradientReport gradient_report(const Intermediates& seen) { return report_of(seen, nullptr); }
GradientReport gradient_report(const Intermediates& seen, const ParameterValues& before) {
  return report_of(seen, &before);
}

Table parameter_table(const GradientReport& report) {
  Table table{.caption = "Parameters, their gradients, and how large an update is beside the value.",
              .columns = {{"parameter", TableContent::code},
                          {"shape", TableContent::code},
                          {"value: norm"},
                          {"gradient: norm"},
                          {"largest"},
                          {"zero"},
                          {"update / value"}}};
  for (const ParameterGradient& each : report.parameters) {
    const Statistics& gradient = each.gradient;
    std::vector<TableCell> row{each.name, text(each.shape), short_number(each.value.norm)};
    if (gradient.count == 0)
      row.insert(row.end(), {"–", "–", "–"});
    else if (!gradient.all_finite())
      row.insert(row.end(), {TableCell(gradient.nan > 0 ? "NaN" : "∞", Tone::bad), "–", "–"});
    else
      row.insert(row.end(), {short_number(gradient.norm), short_number(std::max(-gradient.min, gradient.max)),
                             text(short_number(100 * gradient.zero_share()), " %")});
    row.emplace_back(each.update_ratio ? short_number(*each.update_ratio) : "–");
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table layer_table(const GradientReport& report) {
  Table table{
      .caption = text("The size of the gradient in each layer, over that in the layer nearest to the loss, ",
                      named(report.nearest), ": vanishing below a thousandth, exploding above a thousand."),
      .columns = {{"layer", TableContent::code},
                  {"kind", TableContent::words},
                  {"gradient: size"},
                  {"of the nearest"},
                  {"verdict", TableContent::words}}};
  for (const LayerGradient& layer : report.layers)
    table.rows.push_back({named(layer.path), layer.description, short_number(layer.size),
                          short_number(layer.share), cell_of(layer.flow)});
  return table;
}

Table unit_table(const GradientReport& report) {
  Table table{.caption = "Units that are 0 for the whole batch, and learn nothing.",
              .columns = {{"activation", TableContent::code}, {"units"}, {"dead"}, {"share"}}};
  for (const DeadUnits& each : report.units)
    table.rows.push_back(
        {each.path, text(each.units), text(each.dead),
         TableCell(text(short_number(100 * each.share()), " %"), each.dead == 0 ? Tone::plain : Tone::bad)});
  return table;
}

std::string to_string(const GradientReport& report) {
  std::string out;
  for (const Table& table : {parameter_table(report), layer_table(report), unit_table(report)})
    if (!table.rows.empty()) out += (out.empty() ? "" : "\n") + to_string(table);
  return out;
}

}  // namespace heed
