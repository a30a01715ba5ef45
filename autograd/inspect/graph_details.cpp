#include "autograd/inspect/graph_details.h"

#include <algorithm>
#include <utility>

#include "autograd/inspect/formulas.h"
#include "autograd/inspect/statistics.h"
#include "core/error.h"
#include "core/plot.h"
#include "core/value_text.h"

namespace heed::drawing {
namespace {

constexpr std::size_t kMostLinks = 24;

std::string range_of(const Tensor& x) {
  const Statistics s = statistics_of(x);
  std::string out =
      s.finite() == 0 ? std::string()
                      : text(short_number(s.min), " to ", short_number(s.max), ", mean ", short_number(s.mean));
  if (!s.all_finite()) out += text(out.empty() ? "" : ", ", s.count - s.finite(), " not finite");
  return out;
}

void add_cost(DetailSection& section, const Cost& cost) {
  section.rows.push_back({"forward", written_time(cost.forward)});
  section.rows.push_back({"backward", cost.backward.count() > 0 ? written_time(cost.backward) : "no backward"});
  section.rows.push_back(
      {"memory", cost.bytes > 0 ? written_bytes(cost.bytes) : "none: a view of its operand"});
}

void cut_links(DetailSection& section) {
  if (section.rows.size() <= kMostLinks) return;
  const std::size_t more = section.rows.size() - kMostLinks;
  section.rows.resize(kMostLinks);
  section.rows.push_back({"", text("and ", more, " more")});
}

}  // namespace

ItemDetails::ItemDetails(const LabelledScene& labelled, const GraphOptions& options)
    : labelled_(labelled),
      options_(options),
      users_(labelled.trace().values().size()),
      parameters_(labelled.scene().items.size()),
      parameter_counts_(labelled.scene().items.size()) {
  const std::vector<TracedOperation>& operations = labelled.trace().operations();
  for (std::size_t i = 0; i < operations.size(); ++i)
    for (std::size_t k = 0; k < operations[i].operands.size(); ++k)
      if (operations[i].is_forward() && operations[i].operands[k] != kNone)
        users_[operations[i].operands[k]].push_back({i, k});
  for (std::size_t i = parameters_.size(); i-- > 0;) {
    const Item& item = labelled.item(i);
    if (item.kind != Item::Kind::leaf || !labelled.value(item).requires_grad) continue;
    for (std::size_t at = item.around; at != kNone; at = labelled.item(at).around) {
      parameters_[at] += labelled.value(item).value.count();
      ++parameter_counts_[at];
    }
  }
}

Details ItemDetails::operator()(std::size_t i) const {
  const Item& item = labelled_.item(i);
  if (item.is_group()) return of_group(i);
  return item.kind == Item::Kind::leaf ? of_leaf(i) : of_operation(i);
}

std::string ItemDetails::module_of(std::size_t i) const {
  for (i = labelled_.item(i).around; i != kNone; i = labelled_.item(i).around)
    if (!labelled_.item(i).path.empty()) return one_line(labelled_.item(i).path);
  return "";
}

DetailSection ItemDetails::of_value(const std::string& heading, std::size_t place) const {
  const TracedValue& value = labelled_.trace().values()[place];
  DetailSection section{heading,
                        {{"shape", text(value.value.shape(), " ", value.value.dtype(), ", ",
                                        written_bytes(bytes_of(value.value)))}}};
  if (value.operation != 0 && !value.name.empty()) section.rows.push_back({"name", one_line(value.name)});
  const auto add = [&](const char* name, const Tensor& x, bool norm) {
    if (!x.defined() || x.count() == 0) return;
    if (x.count() > 1 && is_floating(x.dtype()))
      section.rows.push_back(
          {name, text(norm ? text("norm ", short_number(statistics_of(x).norm), ", ") : "", range_of(x))});
    section.rows.push_back({x.count() > 1 ? "" : name, written_numbers(x, options_.numbers)});
  };
  add("value", value.value, false);
  if (!value.value.defined()) section.rows.push_back({"value", "let go: nobody held it"});
  add("gradient", value.gradient, true);
  return section;
}

DetailSection ItemDetails::users(const std::vector<std::size_t>& values) const {
  DetailSection section{"Used by", {}};
  for (const std::size_t value : values)
    for (const Use& use : users_[value]) {
      const std::size_t item = labelled_.scene().of_operation[use.operation];
      const double norm = labelled_.gradient_norm(use);
      section.rows.push_back(
          {"", text(labelled_.name(item), norm < 0 ? "" : text(" · sent back ", short_number(norm))), item});
    }
  cut_links(section);
  return section;
}

DetailSection ItemDetails::operands(const TracedOperation& operation,
                                    const std::vector<std::string>& names) const {
  DetailSection section{"Operands", {}};
  for (std::size_t k = 0; k < operation.operands.size(); ++k) {
    const std::size_t place = operation.operands[k];
    if (place == kNone) {
      section.rows.push_back({names[k], operation.operands_known ? "left out" : "not known"});
      continue;
    }
    const TracedValue& value = labelled_.trace().values()[place];
    section.rows.push_back({names[k], text(labelled_.source(place), " ", labelled_.shape_or_value(value)),
                            labelled_.item_of(place)});
  }
  cut_links(section);
  return section;
}

Details ItemDetails::of_operation(std::size_t i) const {
  const TracedOperation& operation = labelled_.operation(labelled_.item(i));
  const Formula formula = formula_of(operation.name, operation.operands.size(), operation.operands_known);
  Details details{operation.name, {{}}};
  DetailSection& about = details.sections.front();
  if (const std::string module = module_of(i); !module.empty()) about.rows.push_back({"module", module});
  if (operation.at.known()) about.rows.push_back({"line", text(operation.at)});
  add_cost(about, labelled_.cost(i));

  DetailSection written{"Formula", {{"", formula.forward}}};
  for (std::size_t k = 0; k < operation.operands.size() && k < kMostLinks; ++k)
    if (!formula.gradients[k].empty() && operation.operand_gradients[k].defined())
      written.rows.push_back({"", text("d", formula.operands[k], " = ", formula.gradients[k])});
  if (!formula.definitions.empty()) written.rows.push_back({"", text("with ", formula.definitions)});
  if (!formula.note.empty()) written.rows.push_back({"", formula.note});
  details.sections.push_back(std::move(written));
  for (const std::size_t output : operation.outputs) {
    const auto number = static_cast<std::size_t>(labelled_.trace().values()[output].output);
    details.sections.push_back(of_value(text("Output ", output_name(formula, number)), output));
  }
  details.sections.push_back(operands(operation, formula.operands));
  details.sections.push_back(users(operation.outputs));
  return details;
}

Details ItemDetails::of_leaf(std::size_t i) const {
  const TracedValue& value = labelled_.value(labelled_.item(i));
  const std::string name = value.name.empty() ? value.kind : one_line(value.name);
  return {name,
          {of_value(value.requires_grad ? "Parameter" : "Constant", labelled_.item(i).place),
           users({labelled_.item(i).place})}};
}

Details ItemDetails::of_group(std::size_t i) const {
  const Item& item = labelled_.item(i);
  Details details{labelled_.name(i), {{}}};
  std::vector<DetailRow>& rows = details.sections.front().rows;
  if (!item.path.empty()) rows.push_back({"module", one_line(item.path)});
  rows.push_back({"operations", grouped(static_cast<std::int64_t>(item.operations))});
  if (parameter_counts_[i] > 0)
    rows.push_back({"parameters", text(parameter_counts_[i], " with ", grouped(parameters_[i]), " elements")});
  add_cost(details.sections.front(), labelled_.cost(i));
  DetailSection parts{"In it", {}};
  for (const std::size_t part : item.parts) parts.rows.push_back({"", labelled_.name(part), part});
  cut_links(parts);
  details.sections.push_back(std::move(parts));
  return details;
}

}  // namespace heed::drawing
